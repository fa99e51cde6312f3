/*
 * Another process stores nonsense in the words of topics and groups, and in the ring, while this
 * one publishes and subscribes: no call crashes or takes for ever.
 */
#include <pthread.h>
#include <unistd.h>

#include "../src/client.h"
#include "../src/topic_group.h"
#include "common_topic.h"

static struct go_server server;
static bool over;

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Values that are nearly right, beside random ones. */
static uint64_t nonsense(uint64_t *x, uint64_t head)
{
	static const uint64_t special[] = {0, 1, 31, 32, 63, 64, UINT64_MAX, UINT64_MAX - 1,
					   UINT64_C(1) << 63, (UINT64_C(1) << 63) - 1};
	uint64_t r = next_random(x);

	switch (r % 4) {
	case 0:
		return special[r / 4 % (sizeof special / sizeof special[0])];
	case 1:
		return (head - (r >> 48)) & ~(uint64_t)63;
	case 2:
		return head + (r & 127) - 64;
	}
	return next_random(x);
}

static void *vandal(void *of)
{
	fb_client *c = of;
	struct fbi_control *control = &c->segment.control;
	uint64_t x = 88172645463325252u;
	struct fbi_queue q;

	OK(fbi_topic_open(&q, &c->segment.ring, "t"));
	while (!__atomic_load_n(&over, __ATOMIC_SEQ_CST)) {
		uint64_t r = next_random(&x), value = nonsense(&x, fbi_head(&c->segment.ring));
		struct fbi_group *g = fbi_group_at(control, (uint32_t)(r % FBI_GROUP_COUNT));

		switch (r >> 32 & 7) {
		case 0:
			fbi_store64(&q.words->next, value);
			break;
		case 1:
			fbi_store64(&q.words->first, value);
			break;
		case 2:
			fbi_store32(&q.words->wake, (uint32_t)value);
			break;
		case 3:
			fbi_store32(&q.words->state, (uint32_t)value & 2);
			break;
		case 4:
			fbi_store64(&g->cursor, value);
			break;
		case 5:
			fbi_store64((uint64_t *)(void *)(c->segment.ring.mem +
							 8 * (r % (c->segment.ring.capacity / 8))),
				    value);
			break;
		default:
			fbi_store64(&q.words->queue[r % q.depth], value);
		}
		if (r % 1024 == 0)
			usleep(100); /* lets some frames through */
	}
	return NULL;
}

static void use(fb_client *c, const char *group, unsigned rounds)
{
	fb_publisher *p;
	fb_meta meta = {.width = 1};

	OK(fb_publisher_open(c, "t", &p));
	for (unsigned i = 0; i < rounds; i++) {
		fb_subscribe_options o = {.struct_size = sizeof o, .from = (fb_from)(i % 4),
					  .group = i % 2 ? group : NULL};
		fb_subscription *s;
		fb_message m;

		fb_publish(p, "abc", 3, i % 3 ? NULL : &meta, NULL);
		if (fb_subscribe(c, "t", &o, &s))
			continue;
		for (int64_t timeout = 0; timeout < 3; timeout++)
			if (fb_next(s, timeout * 1000, &m) == FB_OK) {
				char bytes[4096];

				TRUE(m.meta.dimensions <= 8 && m.meta.user_size <= 64);
				if (m.frame.size <= sizeof bytes)
					fb_read_into(c, m.frame, bytes);
			}
		fb_subscription_lag(s);
		fb_subscription_free(s);
	}
	fb_publisher_end(p);
	fb_publisher_free(p);
}

int main(void)
{
	fb_client *c, *theirs;
	pthread_t thread;

	if (test_under_thread_sanitizer())
		return 0; /* it would report the races that are the test */
	server = topic_serve("64KiB", "16", "8");
	c = attach(&server);
	theirs = attach(&server);
	pthread_create(&thread, NULL, vandal, theirs);
	use(c, "g", 3000);
	__atomic_store_n(&over, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	fb_client_free(theirs);
	fb_client_free(c);
	child_kill(&server.child, SIGKILL);
	return test_result();
}
