/*
 * The table of holds. A hold keeps a chunk in place: allocators skip it until the hold's end.
 *
 *	term, start, length   written: the holder.     read: allocators, readers.
 *	until, gen, high      written: every holder.   read: allocators, holders.
 *
 * A holder publishes its entry and raises until before it checks whether its chunk is still alive; an
 * allocator adds to head before it loads until and the entries. So of a holder and an allocator that
 * want the same memory at the same time, at least one sees the other. All of these are sequentially
 * consistent.
 *
 * Three rules make an end by the clock safe: a process that finds a hold ended has read the clock
 * before the words; one that relies on a hold reads the clock after them; allocators take a hold for
 * ended only FBI_HOLD_GRACE after its end. docs/models/hold.pml is this, checked exhaustively.
 */
#ifndef FBI_HOLDS_H
#define FBI_HOLDS_H

#include "ring.h"

/* A hold that this process has made. */
struct fbi_held {
	struct fbi_hold_entry *entry;
	uint64_t term;                    /* confirmed */
	uint64_t c, footprint;            /* the chunk */
	uint64_t start_word, length_word; /* as the entry has them */
};

/* Whether any hold may be active. now was read before. */
bool fbi_may_be_held(const struct fbi_ring *r, int64_t now);

/* Whether a hold of that term is active for a process that respects it until late after its end. */
bool fbi_term_active(const struct fbi_ring *r, uint64_t term, int64_t now, int64_t late);

/* Whether a confirmed hold keeps the chunk at position c. */
bool fbi_is_held(const struct fbi_ring *r, uint64_t c);

/*
 * Sets *end to the position behind all holds that [c, c+n) overlaps, if there are any. c was added to
 * head before.
 */
bool fbi_end_of_holds(const struct fbi_ring *r, uint64_t c, uint64_t n, int64_t now, uint64_t *end);

/* Moves *c, the position of n allocated bytes, behind the holds in their way, and head with it. */
fb_status fbi_skip_holds(const struct fbi_ring *r, const struct fbi_own *own, uint64_t n,
			 int64_t now, uint64_t *c);

/* How many bytes are held, confirmed or not. */
uint64_t fbi_sum_held(const struct fbi_ring *r, int64_t now);

/* Counts that head was moved, and records milestones. Called before a store into the chunk. */
void fbi_moved_head(const struct fbi_ring *r, const struct fbi_own *own, uint64_t from, uint64_t to,
		    int64_t now);

/* Holds the chunk at offset for ns. FB_BAD_OFFSET, FB_BAD_SIZE, FB_HOLD_LIMIT, FB_TIMEOUT. */
fb_status fbi_hold_begin(const struct fbi_ring *r, uint64_t offset, int64_t ns,
			 struct fbi_held *held);

/* Whether the chunk was in place at all reads before this call. */
bool fbi_hold_intact(const struct fbi_ring *r, const struct fbi_held *held);

/* Makes the hold end ns from now. FB_BAD_SIZE leaves it as it was; FB_TIMEOUT: it had ended. */
fb_status fbi_hold_extend(const struct fbi_ring *r, struct fbi_held *held, int64_t ns);

/* Ends the hold, and reports whether the chunk was in place until then. */
bool fbi_hold_end(const struct fbi_ring *r, struct fbi_held *held);

#endif
