/*
 * Several publishers at a time, whose labels change their number when another takes it: each
 * subscription gets their frames in one order, each once, those of a publisher in its order.
 */
#include <pthread.h>

#include "common_topic.h"

enum { PUBLISHERS = 4, SUBSCRIPTIONS = 2, FRAMES = 4000 };

static struct go_server server;
static uint64_t order[PUBLISHERS * FRAMES]; /* the value of each sequence number */

static void *publisher(void *of)
{
	uint64_t number = (uint64_t)(uintptr_t)of, last = 0;
	fb_client *c = attach(&server);
	fb_meta meta = {.width = 1};
	fb_publisher *p;
	fb_message m;

	OK(fb_publisher_open(c, "many", &p));
	for (uint64_t i = 1; i <= FRAMES; i++) {
		uint64_t value = number << 32 | i;

		OK(fb_publish(p, &value, sizeof value, i % 7 ? NULL : &meta, &m));
		TRUE(i == 1 || m.sequence > last);
		last = m.sequence;
		TRUE(last < PUBLISHERS * FRAMES);
		/* A sequence number is given once: no other thread stores this word. */
		EQ(__atomic_exchange_n(&order[last % (PUBLISHERS * FRAMES)], value, __ATOMIC_SEQ_CST),
		   0);
	}
	fb_publisher_free(p);
	fb_client_free(c);
	return NULL;
}

static void *subscription(void *of)
{
	fb_subscribe_options o = {.struct_size = sizeof o, .from = FB_FROM_FIRST};
	uint64_t next = 0, newest[PUBLISHERS] = {0}, value;
	fb_client *c = attach(&server);
	fb_subscription *s;
	fb_message m;
	fb_status status;

	(void)of;
	OK(fb_subscribe(c, "many", &o, &s));
	while ((status = fb_next(s, BOUND, &m)) == FB_OK) {
		EQ(m.sequence, next + m.lost);
		next = m.sequence + 1;
		if (fb_read_into(c, m.frame, &value)) /* overwritten since */
			continue;
		TRUE(value >> 32 < PUBLISHERS && (uint32_t)value > newest[value >> 32 & 3]);
		newest[value >> 32 & 3] = (uint32_t)value;
		EQ(m.meta.width, (uint32_t)value % 7 == 0);
	}
	EQ(status, FB_ENDED);
	EQ(next, PUBLISHERS * FRAMES);
	EQ(fb_subscription_received(s) + fb_subscription_lost(s), PUBLISHERS * FRAMES);
	fb_subscription_free(s);
	fb_client_free(c);
	return NULL;
}

int main(void)
{
	pthread_t publishers[PUBLISHERS], subscriptions[SUBSCRIPTIONS];
	fb_client *c;
	fb_publisher *p;

	server = topic_serve("4MiB", "256", "");
	c = attach(&server);
	OK(fb_publisher_open(c, "many", &p));
	for (int i = 0; i < SUBSCRIPTIONS; i++)
		pthread_create(&subscriptions[i], NULL, subscription, NULL);
	for (int i = 0; i < PUBLISHERS; i++)
		pthread_create(&publishers[i], NULL, publisher, (void *)(uintptr_t)i);
	for (int i = 0; i < PUBLISHERS; i++)
		pthread_join(publishers[i], NULL);
	OK(fb_publisher_end(p));
	for (int i = 0; i < SUBSCRIPTIONS; i++)
		pthread_join(subscriptions[i], NULL);
	for (int i = 0; i < PUBLISHERS * FRAMES; i++)
		TRUE(order[i] != 0);
	fb_publisher_free(p);
	fb_client_free(c);
	child_kill(&server.child, SIGTERM);
	return test_result();
}
