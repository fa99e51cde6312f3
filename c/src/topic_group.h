/* Groups: a cursor that several subscriptions share, so that each frame goes to one of them. */
#ifndef FBI_TOPIC_GROUP_H
#define FBI_TOPIC_GROUP_H

#include "topic.h"

/*
 * Opens the topic's group of that name, which was checked. If there is none it makes one, which
 * begins at the sequence number that start says. FB_TOPIC_LIMIT.
 */
fb_status fbi_group_open(const struct fbi_queue *q, const char *name,
			 uint64_t (*start)(const struct fbi_queue *q), struct fbi_group **group);

/* The sequence number that the group takes next. Written by its members, by compare-and-swap. */
static inline uint64_t fbi_group_cursor(const struct fbi_group *g)
{
	return fbi_load64(&g->cursor) - 1;
}

/* Moves the cursor, and reports whether this call did so. */
static inline bool fbi_group_advance(struct fbi_group *g, uint64_t from, uint64_t to)
{
	return fbi_cas64(&g->cursor, from + 1, to + 1);
}

#endif
