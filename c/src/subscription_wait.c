/* Waiting for the next message. */
#include "clock.h"
#include "errors.h"
#include "subscription.h"

fb_status fbi_sub_check(const struct fb_subscription *s)
{
	if (__atomic_load_n(&s->closed, __ATOMIC_SEQ_CST))
		return fbi_fail(FB_CLOSED, "the subscription to topic %s", FBI_QUOTE(s->queue.name));
	return fbi_segment_usable(&s->client->segment);
}

fb_status fbi_sub_stopped(const struct fb_subscription *s, uint64_t at)
{
	/* Once each, and before the queue: a publisher looks at the server after its word stands
	 * there. */
	uint64_t server = fbi_status(s->client->segment.ring.control);
	uint32_t state = fbi_load32(&s->queue.words->state);
	bool ended = fbi_ended(state) && state != s->skipped_state;
	fb_status status = fbi_sub_check(s);

	if (status || (!ended && fbi_running(server)) || !fbi_waiting(&s->queue, at))
		return status;
	status = fbi_sub_check(s); /* the memory may read as zeroes by now */
	if (status)
		return status;
	if (ended) /* before the server ended, so that no frame comes from the next server either */
		return fbi_fail(FB_ENDED, "topic %s", FBI_QUOTE(s->queue.name));
	return fbi_fail_not_open(server);
}

struct waiter {
	const struct fb_subscription *s;
	uint64_t at;
};

/*
 * Whether the wait is over: the frame was published, another member of the group has taken it, or
 * no frame comes any more.
 */
static bool ready(void *of)
{
	const struct waiter *w = of;

	return !fbi_waiting(&w->s->queue, w->at) || fbi_sub_cursor(w->s) != w->at ||
	       fbi_sub_stopped(w->s, w->at) != FB_OK;
}

enum { GLANCES = 10000 }; /* some microseconds */

/* Polls for as long as the options say, and reports whether the wait is over. */
static bool spin(struct waiter *w, int64_t deadline)
{
	int64_t until = 0, now;

	for (;;) {
		for (int i = 0; i < GLANCES; i++)
			if (fbi_published(&w->s->queue, w->at))
				return true;
		now = fbi_read_clock(CLOCK_MONOTONIC);
		if (ready(w) || now >= deadline)
			return true;
		if (!until && w->s->spin > 0)
			until = w->s->spin < INT64_MAX - now ? now + w->s->spin : INT64_MAX;
		if (until && now >= until)
			return false;
	}
}

fb_status fbi_sub_wait(struct fb_subscription *s, uint64_t at, int64_t deadline)
{
	struct waiter w = {s, at};
	int error = 0;

	if (s->spin && spin(&w, deadline))
		return FB_OK;
	__atomic_store_n(&s->asleep, true, __ATOMIC_SEQ_CST); /* before the last look: see close */
	while (!error) {
		int64_t now = fbi_read_clock(CLOCK_MONOTONIC);

		if (now >= deadline || ready(&w))
			break;
		error = fbi_topic_sleep(&s->queue, deadline - now, ready, &w);
	}
	__atomic_store_n(&s->asleep, false, __ATOMIC_SEQ_CST);
	if (error)
		return fbi_fail(FB_ERROR, "wait for topic %s: wait on a futex: %s",
				FBI_QUOTE(s->queue.name), FBI_ERRNO(error));
	return FB_OK;
}
