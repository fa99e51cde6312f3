/* Lost frames are counted exactly, and a slow subscription goes on where docs/layout.md says. */
#include "common_topic.h"

static fb_client *client;
static fb_message m;

/* The queue has room for 16: the frames before are pushed out of it. */
static void test_pushed_out(void)
{
	fb_subscription *s = subscribe(client, "pushed", FB_FROM_NEXT, NULL), *first;
	fb_publisher *p;

	OK(fb_publisher_open(client, "pushed", &p));
	for (uint64_t i = 0; i < 20; i++)
		publish(p, i, i);
	expect(client, s, 4, 4, 4); /* the oldest that is there */
	EQ(fb_subscription_lost(s), 4);
	for (uint64_t i = 20; i < 24; i++)
		publish(p, i, i);
	/* Number 5 is lost, less than a quarter of the queue (4) after the subscription went on at
	 * 4. So it passes over a quarter more than the oldest, which is 8. */
	expect(client, s, 12, 7, 12);
	for (uint64_t i = 24; i < 60; i++)
		publish(p, i, i);
	/* Number 13 is lost, only 1 after 12, where it went on: a quarter more than 44. */
	expect(client, s, 48, 35, 48);
	EQ(fb_subscription_lost(s), 4 + 7 + 35);
	EQ(fb_subscription_lag(s), 60 - 49);
	for (uint64_t i = 49; i < 60; i++)
		expect(client, s, i, 0, i);
	for (uint64_t i = 60; i < 80; i++)
		publish(p, i, i);
	expect(client, s, 64, 4, 64); /* long after its last loss: the oldest */
	first = subscribe(client, "pushed", FB_FROM_FIRST, NULL);
	expect(client, first, 64, 64, 64);
	EQ(fb_subscription_lost(first), 64);
	fb_subscription_free(first);
	fb_subscription_free(s);
	fb_publisher_free(p);
}

/* The ring overwrites frames whose words stand in the queue. */
static void test_overwritten(void)
{
	static char data[20000];
	fb_subscription *s = subscribe(client, "overwritten", FB_FROM_NEXT, NULL);
	fb_publisher *p;
	uint64_t got = 0, lost = 0, expected = 0;

	OK(fb_publisher_open(client, "overwritten", &p));
	for (int i = 0; i < 1000; i++) {
		OK(fb_publish(p, data, sizeof data, NULL, NULL));
		if (i % 9 != 8)
			continue;
		while (fb_next(s, 0, &m) == FB_OK) {
			expected += m.lost;
			EQ(m.sequence, expected++);
			lost += m.lost;
			got++;
		}
	}
	while (fb_next(s, 0, &m) == FB_OK) {
		lost += m.lost;
		got++;
	}
	EQ(got + lost, 1000);
	TRUE(got > 100);
	TRUE(lost > 100); /* of 9 frames of 20000 bytes a ring of 64 KiB holds 3 */
	EQ(fb_subscription_received(s), got);
	EQ(fb_subscription_lost(s), lost);
	fb_subscription_free(s);
	fb_publisher_free(p);
}

/* Many laps of the queue, beyond the 32 that a word tells apart. */
static void test_laps(void)
{
	fb_subscription *s = subscribe(client, "laps", FB_FROM_NEXT, NULL), *idle = subscribe(client, "laps", FB_FROM_NEXT, NULL);
	fb_publisher *p;
	enum { FRAMES = 16 * 32 * 3 + 5 };

	OK(fb_publisher_open(client, "laps", &p));
	for (uint64_t i = 0; i < FRAMES; i++) {
		publish(p, i, i);
		expect(client, s, i, 0, i);
	}
	EQ(fb_subscription_lag(idle), FRAMES);
	expect(client, idle, FRAMES - 16, FRAMES - 16, FRAMES - 16);
	fb_subscription_free(idle);
	fb_subscription_free(s);
	fb_publisher_free(p);
}

int main(void)
{
	struct go_server server = topic_serve("64KiB", "16", "");

	client = attach(&server);
	test_pushed_out();
	test_overwritten();
	test_laps();
	fb_client_free(client);
	child_kill(&server.child, SIGTERM);
	return test_result();
}
