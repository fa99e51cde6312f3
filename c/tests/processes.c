/* Forks, threads, torn reads, hostile bytes and truncated files. */
#include "common.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../src/client.h"
#include "../src/text.h"

static int wait_for(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

/* A forked child is a client of its own, and its parent's slot stays. */
static void check_fork(const char *key)
{
	fb_client *c;
	uint32_t index;
	pid_t pid;
	fb_frame frame;

	OK(fb_attach(key, NULL, &c));
	index = fbi_own(&c->segment.slots)->index;
	TRUE(index != 0);
	pid = fork();
	if (pid == 0) {
		OK(fb_put(c, "child", 5, &frame));
		TRUE(fbi_own(&c->segment.slots)->index != index);
		EQ(fbi_own(&c->segment.slots)->slot->pid, getpid());
		fb_client_free(c);
		_exit(test_result());
	}
	EQ(wait_for(pid), 0);
	TRUE(fbi_slot_at(&c->segment.control, index)->life != 0);
	OK(fb_put(c, "parent", 6, &frame));
	EQ(fbi_own(&c->segment.slots)->index, index);
	fb_client_free(c);
}

/* The kernel marks the slot of a client that was killed, and the next client takes it. */
static void check_killed(const char *key)
{
	fb_client *c, *next;
	int pipes[2];
	uint32_t index = 0;
	pid_t pid;

	OK(fb_attach(key, NULL, &c));
	if (pipe(pipes))
		test_die("pipe");
	pid = fork();
	if (pid == 0) {
		OK(fb_attach(key, NULL, &next));
		index = fbi_own(&next->segment.slots)->index;
		if (write(pipes[1], &index, sizeof index) != sizeof index)
			_exit(1);
		for (;;)
			pause();
	}
	EQ(read(pipes[0], &index, sizeof index), sizeof index);
	TRUE(index != 0 && !(fbi_load32(&fbi_slot_at(&c->segment.control, index)->life) &
			     FBI_LIFE_DIED));
	kill(pid, SIGKILL);
	wait_for(pid);
	TRUE(fbi_load32(&fbi_slot_at(&c->segment.control, index)->life) & FBI_LIFE_DIED);
	OK(fb_attach(key, NULL, &next));
	EQ(fbi_own(&next->segment.slots)->index, index);
	fb_client_free(next);
	EQ(fbi_load32(&fbi_slot_at(&c->segment.control, index)->life), 0);
	fb_client_free(c);
	close(pipes[0]);
	close(pipes[1]);
}

enum { SIZE = 60000, ROUNDS = 3000 };

/* Writers in other processes overwrite what this one reads: each read is right or a timeout. */
static void check_torn(const char *key)
{
	static uint8_t bytes[SIZE], copy[SIZE];
	struct message {
		fb_frame frame;
	} message;
	unsigned right = 0, lost = 0;
	int pipes[2];
	fb_client *c;
	pid_t pids[2];

	OK(fb_attach(key, NULL, &c));
	if (pipe(pipes))
		test_die("pipe");
	for (uint32_t w = 0; w < 2; w++) {
		pids[w] = fork();
		if (pids[w])
			continue;
		for (uint32_t i = 0; i < ROUNDS; i++) {
			fb_status status;

			test_fill(bytes, 64, w << 16 | i);
			memset(bytes + 64, bytes[0], SIZE - 64);
			status = fb_put(c, bytes, SIZE, &message.frame);
			if (status == FB_TIMEOUT)
				continue;
			TRUE(status == FB_OK);
			if (write(pipes[1], &message, sizeof message) != sizeof message)
				_exit(1);
		}
		_exit(test_result());
	}
	close(pipes[1]);
	while (read(pipes[0], &message, sizeof message) == sizeof message) {
		fb_status status = fb_read_into(c, message.frame, copy);

		if (status) {
			lost++;
			FAILS(status, FB_TIMEOUT);
			continue;
		}
		right++;
		for (size_t i = 64; i < SIZE; i++)
			if (copy[i] != copy[0]) {
				test_fail(__FILE__, __LINE__, "a torn frame was read");
				break;
			}
	}
	for (int w = 0; w < 2; w++)
		EQ(wait_for(pids[w]), 0);
	TRUE(right + lost > 0);
	close(pipes[0]);
	fb_client_free(c);
}

static void *exchange(void *of)
{
	fb_client *c = of;
	uint8_t bytes[1000], copy[1000];

	for (uint32_t i = 0; i < 2000; i++) {
		fb_frame frame;
		fb_status status;

		test_fill(bytes, sizeof bytes, i);
		status = fb_put(c, bytes, sizeof bytes, &frame);
		if (!status)
			status = fb_read_into(c, frame, copy);
		if (status) /* this thread did not run while the others went round the ring */
			FAILS(status, FB_TIMEOUT);
		else
			TRUE(memcmp(bytes, copy, sizeof copy) == 0);
	}
	return NULL;
}

/* Threads of one client; another thread closes a client that is in use. */
static void check_threads(const char *key)
{
	pthread_t threads[3];
	fb_client *c;

	OK(fb_attach(key, NULL, &c));
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, exchange, c);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	fb_client_free(c);
}

static void *until_closed(void *of)
{
	fb_client *c = of;
	fb_frame frame;
	fb_status status;
	uint8_t copy[100];

	do {
		status = fb_put(c, "0123456789", 10, &frame);
		if (!status)
			status = fb_read_into(c, frame, copy);
	} while (status == FB_OK);
	FAILS(status, FB_CLOSED);
	return NULL;
}

static void check_close(const char *key)
{
	for (int i = 0; i < 20; i++) {
		pthread_t thread;
		fb_client *c;

		OK(fb_attach(key, NULL, &c));
		pthread_create(&thread, NULL, until_closed, c);
		sched_yield();
		fb_client_close(c);
		pthread_join(thread, NULL);
		fb_client_free(c);
	}
}

/* Another process writes nonsense everywhere: calls return what they like and do not fault. */
static void check_hostile(const char *backend)
{
	struct go_server s = go_serve(backend, "256KiB");
	static uint8_t copy[1 << 16];
	fb_client *c, *late;
	uint64_t x = 88172645463325252, start;

	OK(fb_attach(s.key, NULL, &c));
	start = fbi_head(&c->segment.ring);
	for (int round = 0; round < 4000; round++) {
		fb_frame f = {.size = (x >> 50) % sizeof copy, .checksum = x};
		fb_hold *hold;
		fb_view view;

		for (int i = 0; i < 4; i++) {
			uint64_t *word;

			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			word = x & 1 ? (uint64_t *)(void *)(c->segment.ring.mem +
							   (x >> 8) % c->segment.ring.capacity / 8 * 8)
				     : (uint64_t *)(void *)(c->segment.mapping.control + 128 +
							   (x >> 8) % (112 * 1024) / 8 * 8);
			/* The life words stay: the kernel is told by them. */
			__atomic_store_n(word, x & 2 ? x : x >> (x % 64), __ATOMIC_RELAXED);
		}
		__atomic_store_n(&c->segment.control.header->state, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&c->segment.control.header->server, 1, __ATOMIC_RELAXED);
		if (round % 2)
			__atomic_store_n(&c->segment.control.header->head, start + 262144,
					 __ATOMIC_RELAXED);
		f.offset = start + 64 + (x >> 8) % 262144 / 64 * 64;
		fb_put(c, copy, f.size + 1, &(fb_frame){0});
		fb_read_into(c, f, copy);
		if (!fb_view_begin(c, f, &view))
			fb_view_end(c, &view);
		if (!fb_hold_begin(c, f, 1000, &hold))
			fb_hold_free(hold);
		if (round % 500 == 0 && !fb_attach(s.key, NULL, &late))
			fb_client_free(late);
	}
	fb_client_free(c);
	go_kill(&s);
}

/* A file that is truncated under a client: an error and no fault. */
static void check_truncated(void)
{
	struct go_server s = go_serve("file", "1MiB");
	char path[512] = "";
	uint8_t copy[100];
	fb_client *c;
	fb_frame frame;

	OK(fb_attach(s.key, NULL, &c));
	OK(fb_put(c, copy, sizeof copy, &frame));
	fbi_read_hex(path, c->segment.key.location, strlen(c->segment.key.location));
	strcat(path, ".ring");
	EQ(truncate(path, 0), 0);
	FAILS(fb_read_into(c, frame, copy), FB_CORRUPT);
	FAILS(fb_put(c, copy, sizeof copy, &frame), FB_CORRUPT);
	STR_EQ(fb_error_text(), "framebuffer: segment is damaged: the backing file was truncated or its "
				"file system is full: restart the server and attach again; check the "
				"file's permissions");
	fb_client_free(c);
	FAILS(fb_attach(s.key, NULL, &c), FB_CORRUPT);
	go_stop(&s);
}

int main(void)
{
	struct go_server s = go_serve("memfd", "1MiB");

	check_threads(s.key);
	if (test_under_thread_sanitizer()) { /* which has no threads in a fork's child */
		go_stop(&s);
		return test_result();
	}
	check_fork(s.key);
	check_killed(s.key);
	check_torn(s.key);
	check_close(s.key);
	go_stop(&s);
	check_hostile("sysv");
	check_hostile("memfd");
	check_truncated();
	return test_result();
}
