/*
 * A topic on the shared memory: a queue of words in the control object, each of which is the offset
 * of a frame, whose label describes it, or of a record that does. See docs/layout.md, Topics.
 *
 * Words shared between processes, and their order. All accesses are sequentially consistent.
 *
 *	queue   written: publishers, one compare-and-swap.   read: all processes.
 *	first   written: once, before anything is published. read: publishers while next is 0,
 *	        subscriptions that lost frames.
 *	next    written: all, compare-and-swap up by 1.      read: publishers, new subscriptions.
 *	wake    written: all processes.                      read: publishers, sleepers.
 *	state   written: publishers, compare-and-swap.       read: publishers, subscriptions.
 *	label   written: its publisher, before its offset stands in the queue; never after.
 *	record  the same.
 *
 * A word of the queue is an offset, which no two entries ever share, with the lap in the bits that
 * offsets leave free. So a publisher's compare-and-swap succeeds only on the very word that it
 * loaded, and there is no state between "not published" and "published": a publisher that is killed
 * at any instruction leaves nothing to wait for or to clean up.
 *
 * A sleeper sets bit 0 of wake *before* it loads the queue for the last time; a publisher loads
 * wake *after* its word stands in the queue. So at least one of them sees the other.
 * docs/models/topic.pml is this, checked exhaustively.
 */
#ifndef FBI_TOPIC_H
#define FBI_TOPIC_H

#include "topic_record.h"

/* How often a publisher tries, which is more often than it can lose its place to others. */
#define FBI_TOPIC_TRIES (1 << 20)

/* One process's view of a topic. */
struct fbi_queue {
	struct fbi_ring *ring;
	struct fbi_topic *words;
	uint64_t depth;
	unsigned shift; /* log2 of depth */
	uint32_t index; /* in the control object */
	char name[FBI_NAME_SIZE + 1];
};

/* The status of a sequence number. */
enum fbi_sequence_status {
	FBI_UNPUBLISHED,
	FBI_READY, /* published, and its frame was intact a moment ago */
	FBI_LOST   /* published, and overwritten since, or skipped by a mirror */
};

/* FB_OK, or FB_BAD_NAME if no topic or group (what) can have that name. */
fb_status fbi_check_name(const char *what, const char *name);

/* The hash of a topic's or group's name: never 0, which marks a free entry. */
uint64_t fbi_name_hash(const char *bytes, size_t size);

/*
 * Opens the topic of that name, which was checked. It makes one if there is none. FB_TOPIC_LIMIT.
 */
fb_status fbi_topic_open(struct fbi_queue *q, struct fbi_ring *ring, const char *name);

/* Whether there is a topic of that name. It makes and changes nothing. */
bool fbi_topic_find(struct fbi_queue *q, struct fbi_ring *ring, const char *name);

/*
 * The lap of the queue in which a sequence number lies. A queue of zeroes is in the lap before all.
 */
static inline uint64_t fbi_lap(const struct fbi_queue *q, uint64_t s)
{
	return ((s >> q->shift) + 1) & FBI_QUEUE_LAP;
}

static inline uint64_t *fbi_word(const struct fbi_queue *q, uint64_t s)
{
	return &q->words->queue[s & (q->depth - 1)];
}

static inline uint64_t fbi_next_of(const struct fbi_queue *q)
{
	return fbi_load64(&q->words->next);
}

/* Whether sequence number a comes after b. */
static inline bool fbi_after(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) > 0;
}

/* Whether the sequence number's word stands in the queue: one load, for polling. */
static inline bool fbi_published(const struct fbi_queue *q, uint64_t s)
{
	return (fbi_load64(fbi_word(q, s)) & FBI_QUEUE_LAP) == fbi_lap(q, s);
}

/* Whether the sequence number has not been published. */
static inline bool fbi_waiting(const struct fbi_queue *q, uint64_t s)
{
	return !fbi_published(q, s) && !fbi_after(fbi_next_of(q), s);
}

/* Whether a mirror has skipped the sequence number, and its word still says so. */
static inline bool fbi_skipped(const struct fbi_queue *q, uint64_t s)
{
	return fbi_load64(fbi_word(q, s)) == fbi_lap(q, s);
}

/* The status of a sequence number; fills *record if it is FBI_READY. */
enum fbi_sequence_status fbi_topic_load(const struct fbi_queue *q, uint64_t s, struct fbi_publication *record);

/*
 * The first sequence number from from on whose frame or record is intact, or the next to publish.
 */
uint64_t fbi_topic_oldest(const struct fbi_queue *q, uint64_t from);

/* The highest sequence number whose frame is intact, or the next to publish. */
uint64_t fbi_topic_newest(const struct fbi_queue *q);

/*
 * How many of the sequence numbers from at to to-1 a subscription has lost: those below the topic's
 * first were never published.
 */
uint64_t fbi_lost_between(const struct fbi_queue *q, uint64_t at, uint64_t to);

/*
 * Publishes a frame: fills record->sequence. meta is NULL or not empty. FB_ENDED, FB_TIMEOUT if the
 * frame was overwritten, FB_CORRUPT, and what allocating a record returns.
 */
fb_status fbi_topic_publish(const struct fbi_queue *q, struct fbi_publication *record,
			    const struct fb_meta *meta);

/* Whether a state says that the topic has ended. */
static inline bool fbi_ended(uint32_t state)
{
	return state & 1;
}

/* Ends the topic and wakes its sleepers. fbi_topic_reopen takes that back. */
void fbi_topic_end(const struct fbi_queue *q);
void fbi_topic_reopen(const struct fbi_queue *q);

/* Wakes all sleepers, if there are any: without, it is one load. */
void fbi_topic_wake(const struct fbi_queue *q);

/* Wakes all sleepers, and keeps processes that are about to sleep from it. */
void fbi_topic_wake_all(const struct fbi_queue *q);

/* How long a sleep is at most: so late is a frame whose publisher is killed before it wakes. */
#define FBI_RECHECK INT64_C(200000000)

/*
 * Sleeps until something is published or fbi_topic_wake_all is called, for at most ns and
 * FBI_RECHECK. It calls ready(of) once more after it has announced the sleeper. Returns 0 or an
 * error number.
 */
int fbi_topic_sleep(const struct fbi_queue *q, int64_t ns, bool (*ready)(void *of), void *of);

#endif
