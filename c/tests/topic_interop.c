/*
 * Topics shared with the Go command and the Python package, each publishing to and woken by the
 * others.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "../src/subscription.h"
#include "common_topic.h"

static struct go_server server;
static fb_client *client;

static struct child go(const char *command, const char *topic, const char *a, const char *b,
		       const char *c, const char *d)
{
	const char *arguments[] = {getenv("FRAMEBUFFER_COMMAND"), command, topic, "--key", server.key,
				   a, b, c, d, NULL};

	return child_start((char **)(uintptr_t)arguments);
}

/* A script with the client as c; its arguments follow. */
static struct child py(const char *python, const char *script)
{
	char text[2048];
	const char *arguments[] = {python, "-c", text, server.key, NULL};

	snprintf(text, sizeof text,
		 "import sys\n"
		 "from framebuffer.client import FrameBufferClient\n"
		 "from framebuffer import Meta\n"
		 "c = FrameBufferClient(sys.argv[1]).start()\n%s", script);
	return child_start((char **)(uintptr_t)arguments);
}

/* Returns the wake word when a subscription of another client to the topic sleeps. */
static const uint32_t *wait_for_sleeper(const char *topic)
{
	struct fbi_queue q;

	while (!fbi_topic_find(&q, &client->segment.ring, topic) ||
	       !(fbi_load32(&q.words->wake) & 1))
		usleep(1000);
	return &q.words->wake;
}

static void go_gets(void)
{
	fb_publisher *p = open_publisher(client, "to-go");
	struct child sub = go("sub", "to-go", "--from", "next", NULL, NULL);
	const uint32_t *wake;
	uint32_t before;
	char *got, want[64] = "";
	size_t n;
	int status;

	wake = wait_for_sleeper("to-go");
	before = fbi_load32(wake);
	for (uint64_t i = 0; i < 6; i++) {
		fb_meta meta = {.content_type = "text/plain"};
		char frame[16];

		snprintf(frame, sizeof frame, "frame %d\n", (int)i);
		strcat(want, frame);
		OK(fb_publish(p, frame, strlen(frame), i % 2 ? &meta : NULL, NULL));
		if (i == 0)
			TRUE(fbi_load32(wake) >> 1 != before >> 1); /* C has woken Go */
	}
	OK(fb_publisher_end(p));
	got = child_finish(&sub, "", 0, &n, &status);
	EQ(status, 0);
	STR_EQ(got, want);
	free(got);
	fb_publisher_free(p);
}

/* Go's subscription is stopped for a few laps of the queue and counts what it has lost. */
static void go_counts_lost(void)
{
	enum { FRAMES = 100 };
	fb_publisher *p = open_publisher(client, "slow-go");
	struct child sub = go("sub", "slow-go", "--json", NULL, NULL, NULL);
	uint64_t next = 0, got = 0;
	char *lines, *line, *rest = NULL;
	size_t n;
	int status;

	wait_for_sleeper("slow-go");
	kill(sub.pid, SIGSTOP);
	EQ(waitpid(sub.pid, &status, WUNTRACED), sub.pid);
	for (uint64_t i = 0; i < FRAMES; i++)
		publish(p, i, i);
	OK(fb_publisher_end(p));
	kill(sub.pid, SIGCONT);
	lines = child_finish(&sub, "", 0, &n, &status);
	EQ(status, 0);
	for (line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		json lost = json_member(line, "lost");

		next += lost ? json_number(lost) : 0;
		EQ(json_number(json_member(line, "sequence")), next);
		next++;
		got++;
	}
	EQ(next, FRAMES);
	TRUE(got > 0 && got <= 16);
	free(lines);
	fb_publisher_free(p);
}

static void go_publishes(void)
{
	fb_subscription *s = subscribe(client, "from-go", FB_FROM_NEXT, NULL);
	struct child pub = go("pub", "from-go", "--video", "2x1:rgb24", NULL, NULL);
	fb_message m;
	char bytes[8] = "", *got;
	int status;

	TRUE(write(pub.in, "abcdef", 6) == 6);
	OK(fb_next(s, BOUND, &m)); /* asleep by now, or soon */
	TRUE(write(pub.in, "ghijkl", 6) == 6);
	OK(fb_read_into(client, m.frame, bytes));
	STR_EQ(bytes, "abcdef");
	EQ(m.meta.width, 2);
	EQ(m.meta.height, 1);
	STR_EQ(m.meta.format, "rgb24");
	STR_EQ(m.meta.content_type, "video/raw");
	OK(fb_next(s, BOUND, &m));
	OK(fb_read_into(client, m.frame, bytes));
	STR_EQ(bytes, "ghijkl");
	EQ(m.sequence, 1);
	got = child_finish(&pub, "", 0, NULL, &status);
	EQ(status, 0);
	free(got);
	FAILS(fb_next(s, BOUND, &m), FB_ENDED);
	fb_subscription_free(s);
}

/* Metadata and times of Python in C, and of C in Python. */
static void python_meta(const char *python)
{
	fb_subscription *s = subscribe(client, "meta", FB_FROM_NEXT, NULL);
	fb_meta want = {.width = 3, .height = 4294967295u, .dimensions = 3, .shape = {7, 0, 9},
			.user_size = 2, .user = {1, 2}, .format = "float32", .content_type = "a/b"};
	struct child child = py(python,
		"m = Meta('a/b', 3, 2**32 - 1, 'float32', (7, 0, 9), bytes([1, 2]))\n"
		"p = c.publisher('meta')\n"
		"p.publish_frame(c.put(b'frame'), m, time_ns=77)\n"
		"s = c.subscribe('meta')\n"
		"print('ready', flush=True)\n"
		"got = s.next(60)\n"
		"assert got.meta == m and got.time_ns == 88 and got.sequence == 1, got\n"
		"assert bytes(c.get(got.frame)) == b'answer'\n"
		"p.publish(b'end')\n");
	fb_publisher *p = open_publisher(client, "meta");
	fb_message m;
	fb_frame frame;
	char *line, bytes[8] = "";
	int status;

	OK(fb_next(s, BOUND, &m));
	EQ(m.time, 77);
	TRUE(memcmp(&m.meta, &want, sizeof want) == 0);
	OK(fb_read_into(client, m.frame, bytes));
	STR_EQ(bytes, "frame");
	line = child_line(&child);
	STR_EQ(line, "ready");
	free(line);
	OK(fb_put(client, "answer", 6, &frame));
	OK(fb_publish_frame(p, frame, &m.meta, 88, NULL));
	OK(fb_next(s, BOUND, &m));
	EQ(m.sequence, 1);
	OK(fb_next(s, BOUND, &m));
	EQ(m.frame.size, 3);
	free(child_finish(&child, "", 0, NULL, &status));
	EQ(status, 0);
	fb_subscription_free(s);
	fb_publisher_free(p);
}

/* Python and C are members of one group: each frame goes to one of them. */
static void python_shares(const char *python)
{
	enum { FRAMES = 200 };
	struct child child = py(python,
		"s = c.subscribe('shared', start='first', group='g')\n"
		"print('ready', flush=True)\n"
		"for m in s:\n"
		"    print(m.sequence, flush=True)\n"
		"assert s.lost == 0\n");
	fb_subscription *s = subscribe(client, "shared", FB_FROM_FIRST, "g");
	fb_publisher *p = open_publisher(client, "shared");
	unsigned char seen[FRAMES] = {0};
	unsigned theirs = 0, ours = 0;
	char *line = child_line(&child), *rest = NULL, *lines;
	fb_message m;
	int status;

	STR_EQ(line, "ready");
	free(line);
	for (uint64_t i = 0; i < FRAMES; i++) {
		publish(p, i, i);
		/* Every other frame is Python's to take: the group's cursor says that it has. */
		while (i % 2 && fb_subscription_lag(s))
			usleep(100);
		if (!(i % 2) && fb_next(s, 0, &m) == FB_OK) {
			seen[m.sequence]++;
			ours++;
		}
	}
	OK(fb_publisher_end(p));
	FAILS(fb_next(s, BOUND, &m), FB_ENDED);
	lines = child_finish(&child, "", 0, NULL, &status);
	EQ(status, 0);
	for (line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		unsigned long i = strtoul(line, NULL, 10);

		TRUE(i < FRAMES && ++seen[i] == 1);
		theirs++;
	}
	EQ(ours + theirs, FRAMES);
	TRUE(theirs >= FRAMES / 2);
	EQ(fb_subscription_lost(s), 0);
	free(lines);
	fb_subscription_free(s);
	fb_publisher_free(p);
}

int main(void)
{
	const char *python = getenv("PYTHON"), *data = getenv("TESTDATA");
	char path[4096];

	server = topic_serve("1MiB", "16", "");
	client = attach(&server);
	go_gets();
	go_counts_lost();
	go_publishes();
	if (python && strcmp(python, "none") == 0) {
		fprintf(stderr, "PYTHON=none: topics shared with Python are left out\n");
	} else {
		snprintf(path, sizeof path, "%s/../python", data ? data : "../testdata");
		setenv("PYTHONPATH", path, 1);
		python = python && *python ? python : "/usr/bin/python3";
		python_meta(python);
		python_shares(python);
	}
	fb_client_free(client);
	child_kill(&server.child, SIGTERM);
	return test_result();
}
