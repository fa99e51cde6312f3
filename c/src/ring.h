/*
 * The protocol on the shared memory: positions, the allocator, and reading and writing chunks that
 * another process may overwrite at any instant.
 *
 * Words shared between processes, and their order:
 *
 *	head      written: every allocator, one atomic add.  read: every process.
 *	header    written: the chunk's allocator, plain stores, after its add.
 *	payload   written: the chunk's writer.  read: its readers.
 *	holds     see holds.h
 *	milestone written: the allocator that passed it.  read: monitors.
 *	state     written: the server, once.  read: every allocation and write, sleepers.
 *	server    written: the server at its start, the kernel at its death.  read: with state.
 *
 * An allocator adds to head before it, or the writer to which it gives the offset, stores into the
 * chunk (fbi_store_fence). A reader loads the payload before it loads head for the last time
 * (fbi_load_fence). So if a reader has loaded a single byte that the owner of a later chunk stored,
 * its last load of head sees that owner's add, and the read fails as overwritten. This does not cover
 * a writer that was stopped in the middle of a write for a whole lap and then continues: it stores at
 * most one block before it loads head again, and the readers of the chunk that owns that memory by
 * then find that the checksum does not match.
 *
 * Functions that return fb_status set the thread's error; they do not count timeouts, which
 * fbi_segment_fail does.
 */
#ifndef FBI_RING_H
#define FBI_RING_H

#include "clock.h"
#include "control.h"
#include "copyhash.h"
#include "slot.h"

struct fbi_ring {
	const struct fbi_control *control;
	const struct fbi_clock *clock;
	struct fbi_slots *slots;
	uint8_t *mem; /* the ring, twice in a row */
	uint64_t capacity;
	unsigned milestone_shift;
	bool read_only;
	int way;          /* how frames of FBI_TIMED_FRAME and more are stored: see copyhash.h */
	uint8_t *present; /* by section of the mapping: whether it is populated in this process */
};

#define FBI_TIMED_FRAME ((uint64_t)256 << 10) /* reading smaller frames is not timed */

/* FB_NO_MEMORY. */
fb_status fbi_ring_begin(struct fbi_ring *r, const struct fbi_control *control, uint8_t *mem,
			 struct fbi_slots *slots, const struct fbi_clock *clock, bool read_only);
void fbi_ring_end(struct fbi_ring *r);

/* Where the byte at position p lies in mem. */
static inline uint64_t fbi_place(const struct fbi_ring *r, uint64_t p)
{
	return p % r->capacity;
}

static inline uint64_t fbi_head(const struct fbi_ring *r)
{
	return fbi_load64(&r->control->header->head);
}

/*
 * Whether no byte of the chunk at position c was allocated again. A hostile head makes the answer
 * wrong, never unsafe.
 */
static inline bool fbi_alive(const struct fbi_ring *r, uint64_t c)
{
	return fbi_head(r) - c <= r->capacity;
}

/* Whether the chunk at position c is in place: alive, or held. */
bool fbi_intact(const struct fbi_ring *r, uint64_t c);

/* FB_OK while the server runs; FB_CLOSED, FB_SERVER_GONE, FB_CORRUPT. */
static inline fb_status fbi_check_open(const struct fbi_ring *r)
{
	uint64_t status = fbi_status(r->control);

	return __builtin_expect(fbi_running(status), 1) ? FB_OK : fbi_fail_not_open(status);
}

/* Populates the sections of mem[i:i+n] in this process, if they are not yet. */
void fbi_ensure_present(const struct fbi_ring *r, uint64_t i, uint64_t n);

/* Where a chunk's payload lies, with the header's words as they were loaded, once. */
struct fbi_found {
	uint8_t *payload;
	uint64_t size;
	struct fbi_chunk *header; /* in shared memory */
	uint32_t client;          /* index of its allocator's slot */
};

/*
 * Finds the intact chunk at offset, without an error. What is read of it counts only if fbi_intact says
 * so afterwards, behind a load fence. The size is bounded by the ring.
 */
bool fbi_peek(const struct fbi_ring *r, uint64_t offset, struct fbi_found *found);

/* As fbi_peek: FB_BAD_OFFSET, FB_TIMEOUT, FB_CORRUPT. */
fb_status fbi_find(const struct fbi_ring *r, uint64_t offset, struct fbi_found *found);

/* As fbi_find; FB_BAD_SIZE if the chunk has less than n bytes. */
fb_status fbi_find_prefix(const struct fbi_ring *r, uint64_t offset, uint64_t n,
			  struct fbi_found *found);

/* What an allocation returns. */
struct fbi_allocated {
	uint64_t offset;
	uint8_t *payload;
};

/* FB_BAD_SIZE, FB_TOO_LARGE, FB_HOLD_LIMIT, FB_CLOSED, FB_SERVER_GONE, FB_TIMEOUT. See allocate.c. */
fb_status fbi_ring_allocate(struct fbi_ring *r, uint64_t size, struct fbi_allocated *chunk);

/*
 * fbi_ring_allocate for a chunk that describes the first n bytes of the one at offset of: it allocates
 * nothing that would overwrite that chunk. Also what fbi_find_prefix returns.
 */
fb_status fbi_ring_allocate_beside(struct fbi_ring *r, uint64_t of, uint64_t n, uint64_t size,
				   struct fbi_allocated *chunk);

/* Sets FB_TOO_LARGE for a chunk of size bytes that does not fit beside one of record, which describes it. */
fb_status fbi_fail_too_large_beside(const struct fbi_ring *r, uint64_t size, uint64_t record);

/* Copies n bytes into the chunk at offset. Also FB_TOO_LONG. It counts the write. */
fb_status fbi_ring_write(struct fbi_ring *r, uint64_t offset, const void *data, uint64_t n,
			 uint64_t *sum);

/* FB_OK while the chunk at offset, into which n bytes are written in place, is the writer's own. */
fb_status fbi_ring_check_owned(const struct fbi_ring *r, uint64_t offset, uint64_t n);

/* The end of writing n bytes at payload in place: hashes them if sum is not NULL. */
fb_status fbi_ring_finish(const struct fbi_ring *r, uint64_t offset, const uint8_t *payload,
			  uint64_t n, uint64_t *sum);

/* Copies the first n bytes of the chunk at offset to dst and verifies them. On an error dst is zeroed or
 * untouched. */
fb_status fbi_ring_read(struct fbi_ring *r, void *dst, uint64_t n, uint64_t offset, uint64_t sum);

/* Finds and, with verify, verifies the first n bytes in place. fbi_ring_viewed follows their use. */
fb_status fbi_ring_view(struct fbi_ring *r, uint64_t offset, uint64_t n, uint64_t sum, bool verify,
			const uint8_t **payload);
fb_status fbi_ring_viewed(const struct fbi_ring *r, uint64_t offset);

/* Sets FB_TIMEOUT for the chunk at offset, which was overwritten. */
fb_status fbi_fail_overwritten(const struct fbi_ring *r, uint64_t offset);

#endif
