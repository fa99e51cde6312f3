/*
 * Processes that die between two instructions. What one has left in shared memory at each of them
 * is made here by hand; the others go on, and no sequence number is missing. Beside that,
 * publishers are killed wherever they are.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "../src/client.h"
#include "../src/topic_group.h"
#include "common_topic.h"

static struct go_server server;
static fb_client *client;

static struct fbi_queue open_queue(const char *name)
{
	struct fbi_queue q;

	OK(fbi_topic_open(&q, &client->segment.ring, name));
	return q;
}

static fb_subscription *first_of(const char *topic, const char *group)
{
	fb_subscribe_options o = {.struct_size = sizeof o, .from = FB_FROM_FIRST, .group = group};
	fb_subscription *s;

	OK(fb_subscribe(client, topic, &o, &s));
	return s;
}

/* The words that a publisher stores up to its compare-and-swap of the queue. */
static void label_by_hand(struct fbi_queue *q, fb_frame frame, uint64_t s)
{
	struct fbi_found chunk;

	TRUE(fbi_peek(q->ring, frame.offset, &chunk));
	chunk.header->checksum = frame.checksum;
	chunk.header->published = 1;
	chunk.header->stamp = fbi_stamp(q->ring->control->nonce, chunk.header->guard, frame.checksum, 1,
					q->index + 1, s);
}

static void test_opening(void)
{
	const struct fbi_control *control = &client->segment.control;
	uint64_t h = fbi_name_hash("claimed", 7);
	struct fbi_topic *words = fbi_topic_at(control, (uint32_t)(h % control->tables[FBI_TOPICS].count));
	struct fbi_queue q;
	fb_subscription *s;
	fb_publisher *p;

	TRUE(fbi_cas64(&words->name_hash, 0, h)); /* and no name */
	TRUE(!fb_topic_exists(client, "claimed"));
	s = first_of("claimed", "g");
	TRUE(fb_topic_exists(client, "claimed"));
	STR_EQ(words->name, "claimed");
	fb_subscription_free(s);

	q = open_queue("claimed");
	h = fbi_name_hash("claimed\0h", 9);
	TRUE(fbi_cas64(&fbi_group_at(control, (uint32_t)(h % FBI_GROUP_COUNT))->name_hash, 0, h));
	s = first_of("claimed", "h"); /* its cursor was not set */
	OK(fb_publisher_open(client, "claimed", &p));
	publish(p, 3, 0);
	expect(client, s, 0, 0, 3);
	fb_subscription_free(s);
	fb_publisher_free(p);
	TRUE(q.words == words);
}

/* A mirror has claimed that the topic begins with number 21, and not carried it out. */
static void test_beginning(void)
{
	struct fbi_queue q = open_queue("begins");
	fb_subscription *s = first_of("begins", NULL);
	fb_publisher *p;

	TRUE(fbi_cas64(&q.words->first, 0, 22));
	OK(fb_publisher_open(client, "begins", &p));
	publish(p, 1, 21);
	publish(p, 2, 22);
	expect(client, s, 21, 0, 1); /* no frame before was ever published */
	expect(client, s, 22, 0, 2);
	EQ(fb_subscription_lost(s), 0);
	fb_subscription_free(s);
	fb_publisher_free(p);
}

static void test_publishing(void)
{
	struct fbi_queue q = open_queue("words");
	fb_subscription *s = first_of("words", NULL);
	fb_publisher *p;
	fb_frame frame;
	uint64_t value = 50;

	OK(fb_publisher_open(client, "words", &p));
	publish(p, 10, 0);
	OK(fb_put(client, &value, sizeof value, &frame));
	label_by_hand(&q, frame, 1); /* and its word is not in the queue: no frame was published */
	publish(p, 11, 1);
	OK(fb_publish_frame(p, frame, NULL, 1, NULL)); /* it has a label: this is a record */
	OK(fb_put(client, &value, sizeof value, &frame));
	label_by_hand(&q, frame, 3);
	TRUE(fbi_cas64(fbi_word(&q, 3), 0, frame.offset | fbi_lap(&q, 3))); /* and next is still 3 */
	publish(p, 12, 4);
	for (uint64_t i = 0; i < 2; i++)
		expect(client, s, i, 0, 10 + i);
	expect(client, s, 2, 0, 50);
	expect(client, s, 3, 0, 50);
	expect(client, s, 4, 0, 12);
	fb_subscription_free(s);
	fb_publisher_free(p);
}

/* A mirror that left numbers out: they count as lost, and as no reason to pass over more. */
static void test_left_out(void)
{
	struct fbi_queue q = open_queue("gaps");
	fb_subscription *s = first_of("gaps", NULL);
	fb_publisher *p;

	OK(fb_publisher_open(client, "gaps", &p));
	publish(p, 1, 0);
	for (uint64_t n = 1; n < 4; n++) {
		TRUE(fbi_cas64(fbi_word(&q, n), 0, fbi_lap(&q, n)));
		TRUE(fbi_cas64(&q.words->next, n, n + 1));
	}
	publish(p, 2, 4);
	expect(client, s, 0, 0, 1);
	expect(client, s, 4, 3, 2);
	fb_subscription_free(s);
	fb_publisher_free(p);
}

/* Publishes until it is killed. */
static pid_t publisher_to_kill(const char *topic)
{
	pid_t pid = fork();
	fb_client *c;
	fb_publisher *p;
	fb_meta meta = {.width = 1};

	if (pid)
		return pid;
	alarm(60);
	if (fb_attach(server.key, NULL, &c) || fb_publisher_open(c, topic, &p))
		_exit(1);
	for (uint64_t i = 0;; i++)
		if (fb_publish(p, "victim", 6, i % 2 ? &meta : NULL, NULL) > FB_TIMEOUT)
			_exit(1);
}

static void test_killed(void)
{
	fb_subscription *s = first_of("killed", NULL);
	fb_publisher *p;
	fb_message m;
	uint64_t next = 0;

	OK(fb_publisher_open(client, "killed", &p));
	for (unsigned round = 0; round < 40; round++) {
		pid_t pid = publisher_to_kill("killed");
		int status;

		for (unsigned i = 0; i < 3 + round; i++) { /* it is at work, anywhere */
			OK(fb_next(s, BOUND, &m));
			EQ(m.sequence, next + m.lost);
			next = m.sequence + 1;
		}
		kill(pid, SIGKILL);
		EQ(waitpid(pid, &status, 0), pid);
		EQ(WIFSIGNALED(status), 1);
		OK(fb_publish(p, "survivor", 8, NULL, &m));
		for (uint64_t last = m.sequence; next <= last; next = m.sequence + 1) {
			OK(fb_next(s, BOUND, &m));
			EQ(m.sequence, next + m.lost);
		}
		EQ(m.frame.size, 8);
	}
	EQ(fb_subscription_received(s) + fb_subscription_lost(s), next);
	fb_subscription_free(s);
	fb_publisher_free(p);
}

int main(void)
{
	server = topic_serve("1MiB", "16", "");
	client = attach(&server);
	test_opening();
	test_beginning();
	test_publishing();
	test_left_out();
	if (!test_under_thread_sanitizer()) /* it allows no threads in a fork's child */
		test_killed();
	fb_client_free(client);
	child_kill(&server.child, SIGTERM);
	return test_result();
}
