/* A subscription: a place in a topic, of its own or shared with a group. */
#ifndef FBI_SUBSCRIPTION_H
#define FBI_SUBSCRIPTION_H

#include "client.h"
#include "sub_entry.h"
#include "topic.h"
#include "topic_group.h"

struct fb_subscription {
	struct fb_client *client;
	struct fbi_queue queue;
	struct fbi_group *group; /* NULL without a group */
	struct fbi_sub_entry entry;
	struct fbi_hook hook; /* wakes fb_next when its client is closed */
	int64_t spin;

	/* Of fb_next alone. */
	uint64_t cursor;        /* the sequence number that is next, without a group */
	uint64_t resumed;       /* the one at which it went on after its last loss */
	uint64_t pending;       /* frames lost since the last message */
	uint32_t skipped_state; /* of an end from before FB_FROM_NEXT, which counts not; or 0 */
	struct fbi_publication found;

	/* Written by fb_next and fb_subscription_close, read by all threads; atomic. */
	uint64_t received, lost;
	bool closed;
	bool asleep; /* fb_next sleeps, or is about to */
};

/* The sequence number that fb_next looks for. */
static inline uint64_t fbi_sub_cursor(const struct fb_subscription *s)
{
	return s->group ? fbi_group_cursor(s->group) : s->cursor;
}

/*
 * FB_OK, or FB_CLOSED after the close of the subscription or its client, and what damaged memory
 * is.
 */
fb_status fbi_sub_check(const struct fb_subscription *s);

/*
 * FB_OK, or why no message comes any more. It is FB_OK while the frame at is there: an end that
 * follows a last frame is returned after that frame.
 */
fb_status fbi_sub_stopped(const struct fb_subscription *s, uint64_t at);

/*
 * Enters the subscription in the directory, and has a close of its client wake it: in fb_subscribe,
 * and once more in a fork's child. FB_CLOSED.
 */
fb_status fbi_sub_enroll(struct fb_subscription *s);

/*
 * Returns when the frame at may have been published, or at the time deadline (CLOCK_MONOTONIC, ns).
 */
fb_status fbi_sub_wait(struct fb_subscription *s, uint64_t at, int64_t deadline);

#endif
