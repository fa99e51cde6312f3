/* The errors of topics have the texts that testdata/errors.json gives all languages. */
#include <stdarg.h>

#include "common_topic.h"

static json errors;
static unsigned made;

/* Replaces {name} by value. */
static void fill_in(char *text, size_t room, const char *name, const char *value)
{
	char place[64], rest[2048], *at;

	snprintf(place, sizeof place, "{%s}", name);
	at = strstr(text, place);
	if (!at)
		test_die(place);
	snprintf(rest, sizeof rest, "%s", at + strlen(place));
	snprintf(at, room - (size_t)(at - text), "%s%s", value, rest);
}

/* Compares the thread's error with the file's, with pairs of name and value up to NULL. */
static void says(const char *name, fb_status got, fb_status want, ...)
{
	char key[128], text[4096], *wanted;
	const char *value;
	va_list list;
	json pair;

	EQ(got, want);
	snprintf(key, sizeof key, "topic: %s", name);
	pair = json_member(errors, key);
	if (!pair)
		test_die(name);
	wanted = json_string(json_item(pair, 1));
	snprintf(text, sizeof text, "%s", wanted);
	free(wanted);
	va_start(list, want);
	while ((value = va_arg(list, const char *)))
		fill_in(text, sizeof text, value, va_arg(list, const char *));
	va_end(list);
	STR_EQ(fb_error_text(), text);
	made++;
}

static void test_names(const struct go_server *server, fb_client *c)
{
	char longest[FB_TOPIC_NAME_MAX + 2];
	fb_subscribe_options o = {.struct_size = sizeof o, .group = "a\nb"};
	fb_attach_options ro = {.struct_size = sizeof ro, .flags = FB_ATTACH_READ_ONLY};
	fb_client *reader;
	fb_subscription *s;
	fb_publisher *p;

	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	says("no name", fb_subscribe(c, "", NULL, &s), FB_BAD_NAME, NULL);
	TRUE(!s);
	says("long name", fb_publisher_open(c, longest, &p), FB_BAD_NAME, "name", longest, NULL);
	TRUE(!p);
	EQ(fb_publisher_open(c, "a\xff", &p), FB_BAD_NAME);
	EQ(fb_publisher_open(c, NULL, &p), FB_BAD_NAME);
	says("group with a control character", fb_subscribe(c, "cam", &o, &s), FB_BAD_NAME, NULL);
	OK(fb_attach(server->key, &ro, &reader));
	says("publish read-only", fb_publisher_open(reader, "cam", &p), FB_READ_ONLY, NULL);
	fb_client_free(reader);
	o.group = NULL;
	o.from = (fb_from)4;
	EQ(fb_subscribe(c, "cam", &o, &s), FB_ERROR);
	o.struct_size = 0;
	EQ(fb_subscribe(c, "cam", &o, &s), FB_ERROR);
}

static void test_meta(fb_publisher *p)
{
	fb_meta meta = {.width = 1};
	char longest[sizeof meta.content_type + 1] = "";

	memset(meta.content_type, 'y', sizeof meta.content_type);
	memset(longest, 'y', sizeof meta.content_type);
	says("long content type", fb_publish(p, "x", 1, &meta, NULL), FB_BAD_META, "long", longest,
	     NULL);
	meta = (fb_meta){.format = "a\xff"};
	EQ(fb_publish(p, "x", 1, &meta, NULL), FB_BAD_META);
	EQ(strcmp(fb_error_text(), "framebuffer: bad metadata: format \"a\\xff\" is not UTF-8 of at "
				     "most 16 bytes"), 0);
	meta = (fb_meta){.dimensions = 9};
	says("too many dimensions", fb_publish(p, "x", 1, &meta, NULL), FB_BAD_META, NULL);
	meta = (fb_meta){.user_size = 65};
	says("too much user data", fb_publish(p, "x", 1, &meta, NULL), FB_BAD_META, NULL);
}

static void test_frames(fb_client *c, fb_publisher *p)
{
	static char data[1 << 20];
	char capacity[32], behind[32], offset[32];
	fb_frame frame, last;

	OK(fb_put(c, data, 100, &frame));
	says("frame of another ring", fb_publisher_check_key(p, "elsewhere"), FB_BAD_KEY, "key",
	     fb_client_key(c), NULL);
	OK(fb_put(c, data, fb_client_max_size(c), &last));
	snprintf(capacity, sizeof capacity, "%llu", (unsigned long long)fb_client_max_size(c) + 64);
	snprintf(offset, sizeof offset, "%llu", (unsigned long long)frame.offset);
	snprintf(behind, sizeof behind, "%llu",
		 (unsigned long long)(last.offset + last.size - (frame.offset - 64)));
	says("publish too late", fb_publish_frame(p, frame, NULL, FB_NOW, NULL), FB_TIMEOUT,
	     "capacity", capacity, "behind", behind, "offset", offset, NULL);
	EQ(fb_error_reason(), FB_OVERWRITTEN);
}

static void test_room(fb_client *c)
{
	fb_subscribe_options o = {.struct_size = sizeof o};
	fb_subscription *s;
	fb_publisher *p;
	char name[16];

	says("no room for another topic", fb_publisher_open(c, "more", &p), FB_TOPIC_LIMIT, NULL);
	for (int i = 0; i < 128; i++) {
		snprintf(name, sizeof name, "g%d", i);
		o.group = name;
		OK(fb_subscribe(c, "cam", &o, &s));
		fb_subscription_free(s);
	}
	o.group = "more";
	says("no room for another group", fb_subscribe(c, "cam", &o, &s), FB_TOPIC_LIMIT, NULL);
}

int main(void)
{
	struct go_server server = topic_serve("1MiB", "8", "1");
	fb_client *c = attach(&server);
	fb_subscription *s;
	fb_publisher *p;
	fb_message m;

	errors = json_member(json_file("errors.json"), "errors");
	test_names(&server, c);
	OK(fb_publisher_open(c, "cam", &p));
	OK(fb_subscribe(c, "cam", NULL, &s));
	test_meta(p);
	test_frames(c, p);
	test_room(c);
	OK(fb_publisher_end(p));
	says("publish after the end", fb_publish(p, "x", 1, NULL, NULL), FB_ENDED, NULL);
	says("everything has been seen", fb_next(s, -1, &m), FB_ENDED, NULL);
	fb_subscription_close(s);
	says("subscription closed", fb_next(s, -1, &m), FB_CLOSED, NULL);
	fb_subscription_free(s);
	OK(fb_subscribe(c, "cam", NULL, &s));
	child_kill(&server.child, SIGTERM);
	says("wait after the server's end", fb_next(s, -1, &m), FB_CLOSED, NULL);
	fb_subscription_free(s);
	fb_publisher_free(p);
	fb_client_free(c);
	/* C has no negative lengths, and no zero bytes in texts. */
	EQ(made, 15);
	return test_result();
}
