/*
 * Allocating is one atomic add: wait-free, from any process, without the server's help. While there
 * are holds it also reads the hold table and skips the holds in its way.
 */
#include "errors.h"
#include "holds.h"
#include "ring.h"

/* How often in a row the ring may be overwritten under an allocation before that is an error. */
enum { ATTEMPTS = 4 };

static fb_status fail_size(const struct fbi_ring *r, uint64_t size)
{
	if (size == 0)
		return fbi_fail(FB_BAD_SIZE, "asked to allocate 0 bytes; a chunk has at least 1");
	return fbi_fail(FB_TOO_LARGE,
			"asked to allocate %llu bytes; a chunk of this ring has at most %llu "
			"(capacity %llu less a %d-byte header): start the server with a larger size",
			(unsigned long long)size,
			(unsigned long long)(r->capacity - FBI_CHUNK_HEADER),
			(unsigned long long)r->capacity, FBI_CHUNK_HEADER);
}

void fbi_moved_head(const struct fbi_ring *r, const struct fbi_own *own, uint64_t from, uint64_t to,
		    int64_t now)
{
	fbi_count64(&own->slot->counters[FBI_ALLOCATIONS], 1);
	fbi_count64(&own->slot->counters[FBI_ALLOCATED_BYTES], to - from);
	if ((from ^ to) >> r->milestone_shift)
		fbi_pass_milestone(r->control, to, now);
}

/* Adds n to head and skips the holds in its way. */
static fb_status from_head(struct fbi_ring *r, const struct fbi_own *own, uint64_t n, int64_t now,
			   uint64_t *c)
{
	/* Head is a multiple of 64, unless a hostile process stored something else there: a header
	 * that is not aligned could fault. */
	*c = fbi_add64(&r->control->header->head, n) & ~(uint64_t)(FBI_ALIGN - 1);
	fbi_moved_head(r, own, *c, *c + n, now);
	return fbi_may_be_held(r, now) ? fbi_skip_holds(r, own, n, now, c) : FB_OK;
}

fb_status fbi_ring_allocate(struct fbi_ring *r, uint64_t size, struct fbi_allocated *chunk)
{
	const struct fbi_own *own;
	uint64_t n = fbi_footprint(size), c, i;
	struct fbi_chunk *h;
	fb_status status;

	if (size == 0 || size > r->capacity - FBI_CHUNK_HEADER)
		return fail_size(r, size);
	own = fbi_own(r->slots);
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		int64_t now = fbi_now(r->clock);

		status = fbi_check_open(r);
		if (!status)
			status = from_head(r, own, n, now, &c);
		if (status)
			return status;
		fbi_store_fence();
		/* A process that is stopped here for a whole lap would put its header into another
		 * process's chunk. This load of head makes the window a few instructions wide; the
		 * readers of that chunk find by its checksum what was stored within it. */
		if (!fbi_alive(r, c))
			continue;
		i = fbi_place(r, c);
		fbi_ensure_present(r, i, n);
		h = (void *)(r->mem + i);
		fbi_store64_relaxed(&h->offset, c + FBI_CHUNK_HEADER);
		fbi_store64_relaxed(&h->size, size);
		fbi_store64_relaxed((uint64_t *)&h->time, (uint64_t)now);
		fbi_store64_relaxed((uint64_t *)(void *)&h->client,
				    (uint64_t)own->pid << 32 | own->index);
		fbi_store64_relaxed(&h->guard, fbi_guard(r->control->nonce, c + FBI_CHUNK_HEADER, size));
		fbi_store64_relaxed(&h->stamp, 0);
		fbi_store64_relaxed(&h->checksum, 0);
		fbi_store64_relaxed((uint64_t *)&h->published, 0);
		chunk->offset = c + FBI_CHUNK_HEADER;
		chunk->payload = r->mem + i + FBI_CHUNK_HEADER;
		return FB_OK;
	}
	return fbi_fail_timeout(FB_OVERWRITTEN,
				"the ring of %llu bytes was overwritten between two instructions of "
				"allocating %llu: it is too small for its traffic, or this process "
				"was stopped meanwhile",
				(unsigned long long)r->capacity, (unsigned long long)size);
}

/*
 * Whether the chunk at position c stays in the ring when n bytes more are allocated now. The holds in
 * their way count as allocated; a hold on the chunk itself keeps it.
 */
static bool keeps(const struct fbi_ring *r, uint64_t c, uint64_t n, int64_t now)
{
	uint64_t at = fbi_head(r), behind;

	if (fbi_may_be_held(r, now)) {
		if (fbi_is_held(r, c))
			return true;
		for (int i = 0; i < FBI_HOLD_COUNT && fbi_end_of_holds(r, at, n, now, &behind); i++)
			at = behind;
	}
	return at + n - c <= r->capacity;
}

fb_status fbi_fail_too_large_beside(const struct fbi_ring *r, uint64_t size, uint64_t record)
{
	uint64_t max = r->capacity - FBI_CHUNK_HEADER;

	return fbi_fail(FB_TOO_LARGE,
			"a frame of %llu bytes, and %llu bytes that describe it: of frames that need "
			"those this ring holds at most %llu bytes, of others %llu (capacity %llu): "
			"publish without metadata, or start the server with a larger size",
			(unsigned long long)size, (unsigned long long)record,
			(unsigned long long)(max - fbi_footprint(record)), (unsigned long long)max,
			(unsigned long long)r->capacity);
}

/* Sets the error for size bytes that would overwrite the chunk at offset of. */
static fb_status fail_beside(const struct fbi_ring *r, uint64_t of, uint64_t size, int64_t now)
{
	struct fbi_found other;
	fb_status status = fbi_find(r, of, &other);

	if (status)
		return status; /* overwritten meanwhile */
	if (fbi_footprint(other.size) + fbi_footprint(size) > r->capacity)
		return fbi_fail_too_large_beside(r, other.size, size);
	if (fbi_may_be_held(r, now))
		return fbi_fail(FB_HOLD_LIMIT,
				"%llu of the ring's %llu bytes are held, and beside them is no room "
				"for the chunk of %llu bytes at offset %llu and %llu bytes that "
				"describe it: release holds, or start the server with a larger size "
				"or a smaller HoldLimit",
				(unsigned long long)fbi_sum_held(r, now),
				(unsigned long long)r->capacity, (unsigned long long)other.size,
				(unsigned long long)of, (unsigned long long)size);
	return fbi_fail_timeout(FB_OVERWRITTEN,
				"overwritten: the ring of %llu bytes has allocated %llu bytes since "
				"the chunk at offset %llu, and the %llu bytes that describe it would "
				"overwrite it: publish sooner, or start the server with a larger size",
				(unsigned long long)r->capacity,
				(unsigned long long)(fbi_head(r) - (of - FBI_CHUNK_HEADER)),
				(unsigned long long)of, (unsigned long long)size);
}

fb_status fbi_ring_allocate_beside(struct fbi_ring *r, uint64_t of, uint64_t n, uint64_t size,
				   struct fbi_allocated *chunk)
{
	struct fbi_found other;
	int64_t now = fbi_now(r->clock);
	fb_status status;

	if (size == 0 || size > r->capacity - FBI_CHUNK_HEADER)
		return fail_size(r, size);
	status = fbi_find_prefix(r, of, n, &other);
	if (status)
		return status;
	if (!keeps(r, of - FBI_CHUNK_HEADER, fbi_footprint(size), now))
		return fail_beside(r, of, size, now);
	return fbi_ring_allocate(r, size, chunk);
}
