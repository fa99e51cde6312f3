/* Publishing and subscribing in one process. */
#include "common_topic.h"

static fb_client *client;
static fb_message m;

static void test_order(void)
{
	fb_publisher *p = open_publisher(client, "order");
	fb_subscription *s = subscribe(client, "order", FB_FROM_NEXT, NULL), *late;

	EQ(fb_next(s, 0, &m), FB_NOTHING);
	for (uint64_t i = 0; i < 5; i++)
		publish(p, 100 + i, i);
	EQ(fb_subscription_lag(s), 5);
	for (uint64_t i = 0; i < 5; i++)
		expect(client, s, i, 0, 100 + i);
	EQ(fb_subscription_lag(s), 0);
	EQ(fb_subscription_received(s), 5);
	EQ(fb_subscription_lost(s), 0);
	EQ(fb_next(s, 1, &m), FB_NOTHING);
	STR_EQ(fb_error_text(), "framebuffer: nothing was published to topic \"order\" in time");

	late = subscribe(client, "order", FB_FROM_NEWEST, NULL);
	expect(client, late, 4, 0, 104);
	EQ(fb_next(late, 0, &m), FB_NOTHING);
	fb_subscription_free(late);
	late = subscribe(client, "order", FB_FROM_OLDEST, NULL);
	expect(client, late, 0, 0, 100);
	fb_subscription_free(late);
	fb_subscription_free(s);
	fb_publisher_free(p);
}

/* The time of a frame, a frame that is published again, and one of another client. */
static void test_frames(const struct go_server *server)
{
	fb_publisher *p = open_publisher(client, "frames"), *p2;
	fb_subscription *s = subscribe(client, "frames", FB_FROM_FIRST, NULL);
	fb_client *other = attach(server);
	uint64_t value = 7;
	fb_frame frame;
	fb_message told;

	OK(fb_put(client, &value, sizeof value, &frame));
	OK(fb_publish_frame(p, frame, NULL, 12345, &told)); /* its label */
	EQ(told.time, 12345);
	OK(fb_publish_frame(p, frame, NULL, 54321, NULL)); /* a record */
	OK(fb_publisher_open(other, "frames", &p2));
	OK(fb_put(client, &value, sizeof value, &frame));
	OK(fb_publish_frame(p2, frame, NULL, FB_NOW, &told)); /* likewise */
	OK(fb_next(s, 0, &m));
	EQ(memcmp(&m.frame, &(fb_frame){m.frame.offset, 8, m.frame.checksum}, sizeof m.frame), 0);
	EQ(m.time, 12345);
	OK(fb_next(s, 0, &m));
	EQ(m.time, 54321);
	EQ(m.sequence, 1);
	EQ(take(client, s, &m), 7);
	EQ(m.frame.offset, frame.offset);
	EQ(m.time, told.time);
	EQ(m.sequence, 2);
	frame.size = 9; /* no frame has that */
	EQ(fb_publish_frame(p, frame, NULL, FB_NOW, NULL), FB_BAD_SIZE);
	EQ(fb_publish_frame(p, (fb_frame){65, 1, 1}, NULL, FB_NOW, NULL), FB_BAD_OFFSET);
	EQ(fb_next(s, 0, &m), FB_NOTHING);
	OK(fb_publisher_check_key(p, server->key));
	fb_publisher_free(p2);
	fb_client_free(other);
	fb_subscription_free(s);
	fb_publisher_free(p);
}

static void test_meta(void)
{
	fb_publisher *p = open_publisher(client, "meta");
	fb_subscription *s = subscribe(client, "meta", FB_FROM_FIRST, NULL);
	fb_meta meta = {
		.width = 1920,
		.height = 4294967295u,
		.dimensions = 8,
		.shape = {1, 2, 3, 4, 5, 6, 7, 4294967295u},
		.user_size = 64,
		.format = "sixteen bytes 16",
		.content_type = "forty-eight bytes of content type are the most.",
	};
	fb_meta none = {.width = 0};

	memset(meta.user, 0xab, sizeof meta.user);
	OK(fb_publish(p, "x", 1, &meta, NULL));
	OK(fb_publish(p, "y", 1, &none, &m));
	EQ(m.meta.width, 0);
	OK(fb_next(s, 0, &m));
	EQ(memcmp(&m.meta, &meta, sizeof meta), 0);
	OK(fb_next(s, 0, &m));
	EQ(memcmp(&m.meta, &none, sizeof none), 0);
	meta = (fb_meta){.format = "grey8", .user_size = 1, .user = {9}};
	OK(fb_publish(p, "z", 1, &meta, NULL));
	OK(fb_next(s, 0, &m));
	EQ(memcmp(&m.meta, &meta, sizeof meta), 0);
	fb_subscription_free(s);
	fb_publisher_free(p);
}

static void test_end(void)
{
	fb_publisher *p = open_publisher(client, "end"), *again;
	fb_subscription *s = subscribe(client, "end", FB_FROM_NEXT, NULL), *late;

	publish(p, 1, 0);
	OK(fb_publisher_end(p));
	EQ(fb_publish(p, "x", 1, NULL, NULL), FB_ENDED);
	late = subscribe(client, "end", FB_FROM_NEXT, NULL);
	expect(client, s, 0, 0, 1); /* a message comes before the end */
	EQ(fb_next(s, 0, &m), FB_ENDED);
	EQ(fb_next(s, -1, &m), FB_ENDED);
	EQ(fb_next(late, 0, &m), FB_NOTHING); /* an end from before */
	again = open_publisher(client, "end");
	EQ(fb_next(s, 0, &m), FB_NOTHING);
	publish(p, 2, 1);
	OK(fb_publisher_end(again));
	OK(fb_publisher_end(again)); /* ending again does nothing */
	expect(client, late, 1, 0, 2);
	EQ(fb_next(late, -1, &m), FB_ENDED);
	fb_subscription_close(late);
	fb_subscription_close(late);
	EQ(fb_next(late, 0, &m), FB_CLOSED);
	fb_subscription_free(late);
	fb_subscription_free(s);
	fb_publisher_free(again);
	fb_publisher_free(p);
}

static void test_size(void)
{
	static char data[1 << 20];
	fb_meta meta = {.width = 1};
	fb_publisher *p = open_publisher(client, "size");
	uint64_t most = fb_publish_max_size(client, &meta);
	fb_subscription *s = subscribe(client, "size", FB_FROM_NEXT, NULL);

	EQ(fb_publish_max_size(client, NULL), fb_client_max_size(client));
	EQ(fb_publish(p, data, most + 1, &meta, NULL), FB_TOO_LARGE);
	TRUE(strstr(fb_error_text(), "publish without metadata"));
	EQ(fb_next(s, 0, &m), FB_NOTHING);
	OK(fb_publish(p, data, most, &meta, NULL));
	OK(fb_next(s, 0, &m));
	EQ(m.meta.width, 1);
	OK(fb_publish(p, data, fb_client_max_size(client), NULL, NULL));
	OK(fb_next(s, 0, &m));
	OK(fb_read_into(client, m.frame, data));
	EQ(fb_publish_frame(p, m.frame, NULL, FB_NOW, NULL), FB_TOO_LARGE); /* no room for a record */
	fb_subscription_free(s);
	fb_publisher_free(p);
}

int main(void)
{
	struct go_server server = topic_serve("1MiB", "8", "");

	client = attach(&server);
	TRUE(!fb_topic_exists(client, "order"));
	test_order();
	TRUE(fb_topic_exists(client, "order"));
	TRUE(!fb_topic_exists(client, ""));
	test_frames(&server);
	test_meta();
	test_end();
	test_size();
	fb_client_close(client);
	TRUE(!fb_topic_exists(client, "order"));
	fb_client_free(client);
	child_kill(&server.child, SIGTERM);
	return test_result();
}
