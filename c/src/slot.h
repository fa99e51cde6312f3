/*
 * The row of the control object in which this process counts. Slots are for monitors: no data path
 * depends on them, so it is no error that none is free; slot 0 then counts for all clients without one.
 *
 * Words and their order: the life word comes first and goes last, so that the kernel marks a slot whose
 * owner is killed at any instant. The owner of the life word alone writes the others.
 */
#ifndef FBI_SLOT_H
#define FBI_SLOT_H

#include <pthread.h>

#include "control.h"
#include "liveness.h"

/*
 * What belongs to one process alone. It lies on a page that the kernel clears in a fork's child
 * (MADV_WIPEONFORK), which so finds an unlocked mutex and no slot, and claims its own when it first
 * counts something.
 */
struct fbi_own {
	uint32_t pid; /* 0: no slot was claimed yet in this process. Set last, with release. */
	uint32_t index;
	uint64_t ticket;
	struct fbi_slot *slot; /* slot 0 without one of its own */
	struct fbi_life *life;
	pthread_mutex_t lock; /* all zero is unlocked */
	bool released;
	struct fbi_hook *hooks; /* see segment.h; under lock */
};

struct fbi_slots {
	const struct fbi_control *control;
	struct fbi_own *own;
	bool wiped; /* whether the kernel clears own in a child */
	uint32_t role;
	char name[FBI_NAME_SIZE + 2]; /* one byte more than fits, to cut between characters */
	int64_t clock_ahead;
};

/* Prepares slots and claims one. FB_NO_MEMORY. */
fb_status fbi_slots_begin(struct fbi_slots *s, const struct fbi_control *control, uint32_t role,
			  const char *name, int64_t clock_ahead);

/* Frees the slot, if it is this process's. The memory may be closed. Called once, or more often. */
void fbi_slots_release(struct fbi_slots *s);

/* Frees what fbi_slots_begin took. */
void fbi_slots_end(struct fbi_slots *s);

/* The slow path of fbi_own. */
struct fbi_own *fbi_own_claim(struct fbi_slots *s);

bool fbi_is_forked(const struct fbi_own *own);

/* This process's slot, which it claims first if it has none. */
static inline struct fbi_own *fbi_own(struct fbi_slots *s)
{
	struct fbi_own *own = s->own;

	if (__builtin_expect(!__atomic_load_n(&own->pid, __ATOMIC_ACQUIRE) ||
			     (!s->wiped && fbi_is_forked(own)), 0))
		return fbi_own_claim(s);
	return own;
}

/* Adds one to an operation's counter and n to its bytes (the next counter), for a frame at offset. */
static inline void fbi_count(struct fbi_slots *s, int operation, uint64_t offset, uint64_t n)
{
	struct fbi_own *own = fbi_own(s);

	if (own->index)
		fbi_store64_relaxed(&own->slot->last, offset);
	fbi_count64(&own->slot->counters[operation], 1);
	fbi_count64(&own->slot->counters[operation + 1], n);
}

#endif
