/* Groups: each frame goes to one member. */
#include <pthread.h>

#include "common_topic.h"

enum { MEMBERS = 4, FRAMES = 3000 };

static struct go_server server;
static unsigned char seen[FRAMES];
static uint64_t counted; /* frames that were received or lost */

static void *member(void *of)
{
	fb_client *c = attach(&server);
	fb_subscription *s = subscribe(c, "many", FB_FROM_FIRST, "g");
	fb_message m;
	fb_status status;

	(void)of;
	while ((status = fb_next(s, BOUND, &m)) == FB_OK) {
		TRUE(m.sequence < FRAMES);
		EQ(__atomic_fetch_add(&seen[m.sequence], 1, __ATOMIC_RELAXED), 0);
	}
	EQ(status, FB_ENDED);
	__atomic_fetch_add(&counted, fb_subscription_received(s) + fb_subscription_lost(s),
			   __ATOMIC_RELAXED);
	fb_subscription_free(s);
	fb_client_free(c);
	return NULL;
}

/*
 * Members with clients of their own, in threads: no frame goes to two, and all are accounted for.
 */
static void test_members(fb_client *c)
{
	pthread_t threads[MEMBERS];
	fb_publisher *p;

	for (int i = 0; i < MEMBERS; i++)
		pthread_create(&threads[i], NULL, member, NULL);
	OK(fb_publisher_open(c, "many", &p));
	for (uint64_t i = 0; i < FRAMES; i++)
		publish(p, i, i);
	OK(fb_publisher_end(p));
	for (int i = 0; i < MEMBERS; i++)
		pthread_join(threads[i], NULL);
	EQ(counted, FRAMES);
	fb_publisher_free(p);
}

/* The group's place outlives its members; another group has its own. */
static void test_place(fb_client *c)
{
	fb_subscription *a = subscribe(c, "place", FB_FROM_NEXT, "one"), *b, *other;
	fb_publisher *p;

	OK(fb_publisher_open(c, "place", &p));
	for (uint64_t i = 0; i < 6; i++)
		publish(p, i, i);
	expect(c, a, 0, 0, 0);
	b = subscribe(c, "place", FB_FROM_FIRST, "one");
	expect(c, b, 1, 0, 1);
	expect(c, a, 2, 0, 2);
	EQ(fb_subscription_lag(b), 3);
	fb_subscription_free(a);
	fb_subscription_free(b);
	a = subscribe(c, "place", FB_FROM_NEWEST, "one");
	expect(c, a, 3, 0, 3);
	other = subscribe(c, "place", FB_FROM_OLDEST, "two");
	expect(c, other, 0, 0, 0);
	fb_subscription_free(other);
	fb_subscription_free(a);
	fb_publisher_free(p);
}

/* A loss of the group is counted by one member. */
static void test_loss(fb_client *c)
{
	fb_subscription *a = subscribe(c, "loss", FB_FROM_NEXT, "g"), *b = subscribe(c, "loss", FB_FROM_NEXT, "g");
	fb_publisher *p;

	OK(fb_publisher_open(c, "loss", &p));
	for (uint64_t i = 0; i < 40; i++)
		publish(p, i, i);
	expect(c, a, 24, 24, 24);
	expect(c, b, 25, 0, 25);
	EQ(fb_subscription_lost(a), 24);
	EQ(fb_subscription_lost(b), 0);
	fb_subscription_free(a);
	fb_subscription_free(b);
	fb_publisher_free(p);
}

int main(void)
{
	fb_client *c;

	server = topic_serve("1MiB", "16", "");
	c = attach(&server);
	test_members(c);
	test_place(c);
	test_loss(c);
	fb_client_free(c);
	child_kill(&server.child, SIGTERM);
	return test_result();
}
