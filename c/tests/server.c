/* Servers of C: clients of C and of the Go command, their end, forks, and what is refused. */
#include "common.h"

#include <dirent.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../src/client.h"
#include "../src/peers.h"
#include "../src/text.h"

static char *command;

static fb_server *start(const char *backend)
{
	fb_server_options options = {.struct_size = sizeof options, .backend = backend,
				     .topic_depth = 5};
	fb_server *s;

	OK(fb_server_start(1 << 20, &options, &s));
	return s;
}

/* The Go command writes a frame into the ring and reads it. */
static void check_go(const char *key)
{
	struct child put = child_start((char *[]){command, (char *)"put", (char *)"--key", (char *)key,
						  (char *)"-", NULL});
	struct child get = child_start((char *[]){command, (char *)"get", (char *)"-", NULL});
	uint8_t bytes[5000], copy[5000];
	char of[FB_KEY_SIZE], *json_text, *got;
	fb_client *c;
	fb_frame frame;
	size_t n;
	int status;

	test_fill(bytes, sizeof bytes, 3);
	json_text = child_finish(&put, bytes, sizeof bytes, &n, &status);
	EQ(status, 0);
	OK(fb_frame_parse(json_text, n, of, &frame));
	OK(fb_attach(key, NULL, &c));
	OK(fb_read_into(c, frame, copy));
	TRUE(memcmp(copy, bytes, sizeof bytes) == 0);
	got = child_finish(&get, json_text, strlen(json_text), &n, &status);
	EQ(status, 0);
	EQ(n, sizeof bytes);
	TRUE(n == sizeof bytes && memcmp(got, bytes, n) == 0);
	free(got);
	free(json_text);
	fb_client_free(c);
}

static void check_end(const char *backend)
{
	fb_server *s = start(backend);
	char key[FB_KEY_SIZE], dir[512];
	fb_client *c;
	fb_frame frame;
	uint8_t copy[5];

	strcpy(key, fb_server_key(s));
	OK(fb_attach(key, NULL, &c));
	EQ(c->segment.control.topic_depth, 8);
	OK(fb_put(c, "frame", 5, &frame));
	fb_server_close(s);
	FAILS(fb_put(c, "frame", 5, &frame), FB_CLOSED);
	OK(fb_read_into(c, frame, copy));
	fb_server_free(s);
	fb_client_free(c);
	FAILS(fb_attach(key, NULL, &c), FB_STALE_KEY);
	/* Nothing is left in the directory. */
	snprintf(dir, sizeof dir, "%s/framebuffer", getenv("XDG_RUNTIME_DIR"));
	if (strcmp(backend, "memfd") == 0) {
		DIR *d = opendir(dir);

		TRUE(d != NULL);
		for (struct dirent *e; d && (e = readdir(d)) != NULL;)
			TRUE(e->d_name[0] == '.');
		closedir(d);
	}
}

/* A server whose process is killed, and one whose child frees its copy. */
static void check_processes(const char *backend)
{
	char key[FB_KEY_SIZE];
	fb_server *s;
	fb_client *c;
	fb_frame frame;
	int pipes[2], status;
	pid_t pid;

	if (pipe(pipes))
		test_die("pipe");
	pid = fork();
	if (pid == 0) {
		s = start(backend);
		strcpy(key, fb_server_key(s));
		if (write(pipes[1], key, sizeof key) != sizeof key)
			_exit(1);
		for (;;)
			pause();
	}
	EQ(read(pipes[0], key, sizeof key), sizeof key);
	OK(fb_attach(key, NULL, &c));
	OK(fb_put(c, "frame", 5, &frame));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	FAILS(fb_put(c, "frame", 5, &frame), FB_SERVER_GONE);
	fb_client_free(c);
	FAILS(fb_attach(key, NULL, &c), FB_STALE_KEY);
	close(pipes[0]);
	close(pipes[1]);
	s = start(backend);
	pid = fork();
	if (pid == 0) {
		fb_server_free(s);
		_exit(test_result());
	}
	waitpid(pid, &status, 0);
	EQ(status, 0);
	OK(fb_attach(fb_server_key(s), NULL, &c));
	OK(fb_put(c, "frame", 5, &frame));
	fb_client_free(c);
	fb_server_free(s);
}

/* Connections that say nothing delay no client; the socket is there again when it was removed. */
static void check_socket(void)
{
	fb_server *s = start("memfd");
	struct fbi_key key;
	char path[512] = "";
	int fds[100];
	fb_client *c;

	OK(fbi_key_parse(fb_server_key(s), &key));
	fbi_read_hex(path, key.location, strlen(key.location));
	for (int i = 0; i < 100; i++)
		EQ(fbi_dial(path, fbi_read_clock(CLOCK_MONOTONIC) + FBI_REPLY_TIMEOUT, &fds[i]), 0);
	OK(fb_attach(fb_server_key(s), NULL, &c));
	fb_client_free(c);
	for (int i = 0; i < 100; i++)
		close(fds[i]);
	/* Without its path it is found by the abstract name. */
	EQ(unlink(path), 0);
	OK(fb_attach(fb_server_key(s), NULL, &c));
	fb_client_free(c);
	for (int i = 0; access(path, F_OK) != 0 && i < 3000; i++)
		usleep(10000); /* bounded by the runner; the server looks each second */
	EQ(access(path, F_OK), 0);
	OK(fb_attach(fb_server_key(s), NULL, &c));
	fb_client_free(c);
	fb_server_free(s);
}

/* Another user: refused, allowed to read, allowed to write. Needs root, which can become one. */
static void check_users(uint32_t mode, fb_status reading, fb_status writing)
{
	fb_server_options options = {.struct_size = sizeof options, .mode = mode};
	fb_attach_options read_only = {.struct_size = sizeof read_only,
				       .flags = FB_ATTACH_READ_ONLY};
	char dir[256];
	fb_server *s;
	int status;
	pid_t pid;

	if (geteuid() != 0)
		return;
	TRUE(getenv("TMPDIR") != NULL); /* where other users may pass */
	snprintf(dir, sizeof dir, "%s/users-XXXXXX", getenv("TMPDIR"));
	options.dir = mkdtemp(dir);
	TRUE(options.dir != NULL && chmod(dir, 0755) == 0);
	OK(fb_server_start(1 << 16, &options, &s));
	pid = fork();
	if (pid == 0) {
		fb_client *c;

		if (setgid(4242) || setuid(4242))
			_exit(1);
		FAILS(fb_attach(fb_server_key(s), &read_only, &c), reading);
		FAILS(fb_attach(fb_server_key(s), NULL, &c), writing);
		_exit(test_result());
	}
	waitpid(pid, &status, 0);
	EQ(status, 0);
	fb_server_free(s);
	rmdir(dir);
}

static void check_refused(void)
{
	fb_server_options options = {.struct_size = sizeof options};
	fb_server *s;
	char dir[512];

	FAILS(fb_server_start(0, NULL, &s), FB_BAD_SIZE);
	FAILS(fb_server_start(((uint64_t)1 << 46) + 1, NULL, &s), FB_NO_MEMORY);
	FAILS(fb_server_start((uint64_t)1 << 45, NULL, &s), FB_NO_MEMORY);
	options.topics = 65537;
	FAILS(fb_server_start(4096, &options, &s), FB_BAD_SIZE);
	STR_EQ(fb_error_text(),
	       "framebuffer: bad size: room for 65537 topics; there can be 1 to 65536");
	options.topics = 1;
	options.topic_depth = 65537;
	FAILS(fb_server_start(4096, &options, &s), FB_BAD_SIZE);
	options.topic_depth = 1;
	options.backend = "posix";
	FAILS(fb_server_start(4096, &options, &s), FB_ERROR);
	STR_EQ(fb_error_text(),
	       "framebuffer: unknown backend \"posix\"; this version has: memfd, sysv, file");
	options.backend = "memfd";
	snprintf(dir, sizeof dir, "%s/%0100d", getenv("XDG_RUNTIME_DIR"), 0);
	options.dir = dir;
	FAILS(fb_server_start(4096, &options, &s), FB_ERROR);
	/* In a directory that others can replace no server starts; this one becomes sticky. */
	snprintf(dir, sizeof dir, "%s/open", getenv("XDG_RUNTIME_DIR"));
	EQ(mkdir(dir, 0777) | chmod(dir, 0777), 0);
	OK(fb_server_start(4096, &options, &s));
	fb_server_free(s);
	snprintf(dir, sizeof dir, "%s/open/within", getenv("XDG_RUNTIME_DIR"));
	EQ(chmod(getenv("XDG_RUNTIME_DIR"), 0777), 0);
	FAILS(fb_server_start(4096, &options, &s), FB_PERMISSION);
	EQ(chmod(getenv("XDG_RUNTIME_DIR"), 0700), 0);
}

int main(void)
{
	const char *const backends[] = {"memfd", "sysv"};

	command = getenv("FRAMEBUFFER_COMMAND");
	for (size_t i = 0; i < 2; i++) {
		fb_server *s = start(backends[i]);

		check_go(fb_server_key(s));
		fb_server_free(s);
		check_end(backends[i]);
		if (!test_under_thread_sanitizer()) /* which has no threads in a fork's child */
			check_processes(backends[i]);
	}
	check_socket();
	if (test_under_thread_sanitizer())
		return test_result();
	check_users(0600, FB_PERMISSION, FB_PERMISSION);
	check_users(0604, FB_OK, FB_PERMISSION);
	check_users(0666, FB_OK, FB_OK);
	check_refused();
	return test_result();
}
