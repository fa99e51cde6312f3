/* Sleeping, and all that ends a sleep. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common_topic.h"
#include "../src/subscription.h"

static struct go_server server;

struct sleeper {
	fb_client *client;
	fb_subscription *s;
	fb_status status;
	fb_message m;
	pthread_t thread;
};

static void *run(void *of)
{
	struct sleeper *w = of;

	w->status = fb_next(w->s, BOUND, &w->m);
	return NULL;
}

/* Starts fb_next in a thread, and returns when it sleeps, or is about to. */
static struct sleeper *sleep_on(fb_client *c, const char *topic, int64_t spin)
{
	fb_subscribe_options o = {.struct_size = sizeof o, .spin = spin};
	struct sleeper *w = calloc(1, sizeof *w);

	TRUE(w);
	w->client = c;
	OK(fb_subscribe(c, topic, &o, &w->s));
	pthread_create(&w->thread, NULL, run, w);
	while (spin >= 0 && !__atomic_load_n(&w->s->asleep, __ATOMIC_SEQ_CST))
		sched_yield();
	while (spin >= 0 && !(fbi_load32(&w->s->queue.words->wake) & 1))
		sched_yield();
	return w;
}

static void awake(struct sleeper *w, fb_status status)
{
	pthread_join(w->thread, NULL);
	EQ(w->status, status);
	fb_subscription_free(w->s);
	free(w);
}

static void test_woken(fb_client *c)
{
	struct sleeper *a = sleep_on(c, "cam", 0), *b = sleep_on(c, "cam", 1000), *spins;
	const uint32_t *wake = &a->s->queue.words->wake;
	uint32_t before = fbi_load32(wake);
	fb_publisher *p;

	OK(fb_publisher_open(c, "cam", &p));
	publish(p, 1, 0);
	EQ(fbi_load32(wake) >> 1, (before >> 1) + 1); /* the publisher has woken them */
	awake(a, FB_OK);
	awake(b, FB_OK);
	spins = sleep_on(c, "cam", -1);
	publish(p, 2, 1);
	awake(spins, FB_OK);
	a = sleep_on(c, "cam", 0);
	OK(fb_publisher_end(p));
	awake(a, FB_ENDED);
	fb_publisher_free(p);
}

static void test_closed(fb_client *c)
{
	struct sleeper *a = sleep_on(c, "cam", 0), *b = sleep_on(c, "cam", 0);
	fb_client *other = attach(&server);
	struct sleeper *theirs = sleep_on(other, "cam", 0);

	fb_subscription_close(a->s);
	awake(a, FB_CLOSED);
	fb_client_close(other);
	awake(theirs, FB_CLOSED);
	fb_client_free(other);
	EQ(__atomic_load_n(&b->s->asleep, __ATOMIC_SEQ_CST), true); /* others sleep on */
	fb_subscription_close(b->s);
	awake(b, FB_CLOSED);
}

/* A publisher that is killed after its word stands in the queue and before it wakes sleepers. */
static void test_unwoken(fb_client *c)
{
	struct sleeper *w = sleep_on(c, "unwoken", 0);
	struct fbi_queue *q = &w->s->queue;
	uint64_t stamp, value = 9, *word = fbi_word(q, 0);
	fb_frame frame;
	struct fbi_found chunk;

	OK(fb_put(c, &value, sizeof value, &frame));
	TRUE(fbi_peek(q->ring, frame.offset, &chunk));
	stamp = fbi_stamp(q->ring->control->nonce, chunk.header->guard, frame.checksum, 1,
			  q->index + 1, 0);
	chunk.header->checksum = frame.checksum;
	chunk.header->published = 1;
	fbi_store64(&chunk.header->stamp, stamp);
	TRUE(fbi_cas64(word, 0, frame.offset | fbi_lap(q, 0)));
	awake(w, FB_OK);
}

/* In a fork's child a subscription goes on from the same place, with a row of its own. */
static void test_fork(fb_client *c)
{
	fb_subscription *s;
	fb_publisher *p;
	pid_t child;
	int status;

	OK(fb_subscribe(c, "fork", NULL, &s));
	OK(fb_publisher_open(c, "fork", &p));
	publish(p, 1, 0);
	publish(p, 2, 1);
	expect(c, s, 0, 0, 1);
	child = fork();
	if (child == 0) {
		fb_message m;

		alarm(60);
		expect(c, s, 1, 0, 2);
		publish(p, 3, 2);
		EQ(take(c, s, &m), 3);
		TRUE(s->entry.pid == (uint32_t)getpid());
		fb_subscription_free(s);
		fb_publisher_free(p);
		fb_client_free(c);
		_exit(0);
	}
	EQ(waitpid(child, &status, 0), child);
	EQ(status, 0);
	expect(c, s, 1, 0, 2);
	expect(c, s, 2, 0, 3);
	TRUE(s->entry.words && fbi_load64(&s->entry.words->claim) == s->entry.ticket);
	fb_subscription_free(s);
	fb_publisher_free(p);
}

/* A frame from before the server's end is returned first. */
static void test_server(fb_client *c, int sig, fb_status status)
{
	struct sleeper *w = sleep_on(c, "server", 0);
	fb_subscription *late;
	fb_publisher *p;
	fb_message m;

	OK(fb_publisher_open(c, "late", &p));
	OK(fb_subscribe(c, "late", NULL, &late));
	publish(p, 5, 0);
	child_kill(&server.child, sig);
	awake(w, status);
	EQ(fb_publish(p, "x", 1, NULL, NULL), status);
	EQ(fb_publisher_end(p), status);
	EQ(take(c, late, &m), 5);
	EQ(fb_next(late, BOUND, &m), status);
	fb_subscription_free(late);
	fb_publisher_free(p);
	fb_client_free(c);
}

int main(void)
{
	fb_client *c;

	server = topic_serve("1MiB", "16", "");
	c = attach(&server);
	test_woken(c);
	test_closed(c);
	test_unwoken(c);
	if (!test_under_thread_sanitizer()) /* it allows no threads in a fork's child */
		test_fork(c);
	test_server(c, SIGTERM, FB_CLOSED);
	server = topic_serve("1MiB", "16", "");
	test_server(attach(&server), SIGKILL, FB_SERVER_GONE);
	return test_result();
}
