#include "common_topic.h"

#include <unistd.h>

struct go_server topic_serve(const char *size, const char *depth, const char *topics)
{
	struct go_server s = {.key = ""};
	static int count;
	char *command = getenv("FRAMEBUFFER_COMMAND");

	if (!command)
		test_die("FRAMEBUFFER_COMMAND does not name the command");
	alarm(110); /* of the whole test */
	snprintf(s.name, sizeof s.name, "c-topics-%d-%d", (int)getpid(), count++);
	s.child = child_start((char *[]){
		command, (char *)"serve", (char *)"--size", (char *)size, (char *)"--topic-depth",
		(char *)(*depth ? depth : "256"), (char *)"--topics", (char *)(*topics ? topics : "128"),
		(char *)"--name", s.name, (char *)"--backend", (char *)"sysv", NULL});
	while (!s.key[0]) {
		char *line = child_line(&s.child), *key = strstr(line, "fb4_");

		if (key)
			snprintf(s.key, sizeof s.key, "%s", key);
		free(line);
	}
	return s;
}

fb_client *attach(const struct go_server *s)
{
	fb_client *c;

	OK(fb_attach(s->key, NULL, &c));
	return c;
}

void publish(fb_publisher *p, uint64_t value, uint64_t sequence)
{
	fb_message m;

	OK(fb_publish(p, &value, sizeof value, NULL, &m));
	EQ(m.sequence, sequence);
}

static uint64_t value_of(fb_client *c, const fb_message *m)
{
	uint64_t value;

	EQ(m->frame.size, sizeof value);
	OK(fb_read_into(c, m->frame, &value));
	return value;
}

uint64_t take(fb_client *c, fb_subscription *s, fb_message *m)
{
	OK(fb_next(s, BOUND, m));
	return value_of(c, m);
}

void expect(fb_client *c, fb_subscription *s, uint64_t sequence, uint64_t lost, uint64_t value)
{
	fb_message m;

	OK(fb_next(s, 0, &m));
	EQ(m.sequence, sequence);
	EQ(m.lost, lost);
	EQ(value_of(c, &m), value);
}

fb_subscription *subscribe(fb_client *c, const char *topic, fb_from from, const char *group)
{
	fb_subscribe_options options = {.struct_size = sizeof options, .from = from, .group = group};
	fb_subscription *s;

	OK(fb_subscribe(c, topic, &options, &s));
	return s;
}

fb_publisher *open_publisher(fb_client *c, const char *topic)
{
	fb_publisher *p;

	OK(fb_publisher_open(c, topic, &p));
	return p;
}
