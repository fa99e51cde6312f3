/* Copying into and out of chunks, and verifying them in place. */
#include <string.h>

#include "errors.h"
#include "ring.h"

/* How far head must be beyond memory for the memory to count as written already. */
#define SETTLED ((uint64_t)256 << 10)

/* A chunk that is being copied. */
struct chunk {
	const struct fbi_ring *ring;
	uint64_t c;
};

static bool still_alive(const void *of)
{
	const struct chunk *k = of;

	return fbi_alive(k->ring, k->c);
}

static bool still_intact(const void *of)
{
	const struct chunk *k = of;

	return fbi_intact(k->ring, k->c);
}

/* How a frame of n bytes is stored in the chunk at position c. */
static int way_in(const struct fbi_ring *r, uint64_t c, uint64_t n, uint64_t size)
{
	int way = FBI_IN | (n < FBI_TIMED_FRAME ? FBI_AUTO : r->way);

	/* Behind the chunk that was allocated last comes memory that belongs to no writer yet. */
	return fbi_head(r) == c + fbi_footprint(size) ? way | FBI_ONWARD : way;
}

/* How the chunk at position c is copied out. */
static int way_out(const struct fbi_ring *r, uint64_t c, uint64_t size)
{
	/* So far behind head no process writes the frames that follow, which are probably read next. */
	bool settled = fbi_head(r) - c - fbi_footprint(size) >= SETTLED;

	return FBI_AUTO | FBI_OUT | (settled ? FBI_ONWARD : 0);
}

static fb_status fail_write_overwritten(const struct fbi_ring *r, uint64_t offset, uint64_t n)
{
	uint64_t behind = fbi_head(r) - (offset - FBI_CHUNK_HEADER);

	return fbi_fail_timeout(FB_OVERWRITTEN,
				"overwritten while writing %llu bytes at offset %llu: the ring of "
				"%llu bytes has allocated %llu bytes since: write sooner, or start "
				"the server with a larger size",
				(unsigned long long)n, (unsigned long long)offset,
				(unsigned long long)r->capacity, (unsigned long long)behind);
}

static fb_status fail_altered(uint64_t offset, uint64_t n, uint64_t got, uint64_t want)
{
	return fbi_fail_timeout(FB_ALTERED,
				"altered: %llu bytes at offset %llu have checksum %016llx, not "
				"%016llx: the size or checksum was mangled on its way, the frame was "
				"written again, or another process wrote there",
				(unsigned long long)n, (unsigned long long)offset,
				(unsigned long long)got, (unsigned long long)want);
}

fb_status fbi_ring_write(struct fbi_ring *r, uint64_t offset, const void *data, uint64_t n,
			 uint64_t *sum)
{
	struct chunk chunk = {r, offset - FBI_CHUNK_HEADER};
	struct fbi_found found;
	fb_status status = fbi_check_open(r);

	if (!status)
		status = fbi_find(r, offset, &found);
	if (status)
		return status;
	if (n > found.size)
		return fbi_fail(FB_TOO_LONG,
				"%llu bytes of data for the chunk at offset %llu, which was "
				"allocated with %llu: allocate as much as is written",
				(unsigned long long)n, (unsigned long long)offset,
				(unsigned long long)found.size);
	/* Before the copy: an atomic addition waits until all stores before it have arrived. */
	fbi_count(r->slots, FBI_WRITES, offset, n);
	/* The last load of head may run before the last stores are visible. If another process
	 * allocates the chunk between the two, no process reads this frame (it is dead), and the
	 * other's frame, which these stores damage, fails its checksum. */
	if (!fbi_copy_hash_while(found.payload, data, n, way_in(r, chunk.c, n, found.size),
				 sum, still_alive, &chunk) ||
	    !fbi_alive(r, chunk.c))
		return fail_write_overwritten(r, offset, n);
	return FB_OK;
}

fb_status fbi_ring_check_owned(const struct fbi_ring *r, uint64_t offset, uint64_t n)
{
	fb_status status = fbi_check_open(r);

	if (!status && !fbi_alive(r, offset - FBI_CHUNK_HEADER))
		return fail_write_overwritten(r, offset, n);
	return status;
}

fb_status fbi_ring_finish(const struct fbi_ring *r, uint64_t offset, const uint8_t *payload,
			  uint64_t n, uint64_t *sum)
{
	fb_status status = fbi_check_open(r);

	if (status)
		return status;
	if (sum)
		*sum = fbi_hash(payload, n);
	fbi_load_fence();
	if (!fbi_alive(r, offset - FBI_CHUNK_HEADER))
		return fail_write_overwritten(r, offset, n);
	return FB_OK;
}

/* Counts that reading n bytes took until now. Writers of all processes choose their stores by it. */
static void count_timed(struct fbi_ring *r, uint64_t n, int64_t began)
{
	struct fbi_own *own;
	int64_t took;

	if (n < FBI_TIMED_FRAME)
		return;
	own = fbi_own(r->slots);
	took = fbi_now(r->clock) - began;
	fbi_count64(&own->slot->timed[0], n);
	fbi_count64(&own->slot->timed[1], took > 0 ? (uint64_t)took : 0);
}

static int64_t begin_timed(const struct fbi_ring *r, uint64_t n)
{
	return n < FBI_TIMED_FRAME ? 0 : fbi_now(r->clock);
}

fb_status fbi_ring_read(struct fbi_ring *r, void *dst, uint64_t n, uint64_t offset, uint64_t sum)
{
	struct chunk chunk = {r, offset - FBI_CHUNK_HEADER};
	struct fbi_found found;
	fb_status status = fbi_find_prefix(r, offset, n, &found);
	int64_t began;
	uint64_t got = 0;
	bool done;

	if (status)
		return status;
	began = begin_timed(r, n);
	done = fbi_copy_hash_while(dst, found.payload, n, way_out(r, chunk.c, found.size), &got,
				   still_intact, &chunk);
	fbi_load_fence();
	if (!done || !fbi_intact(r, chunk.c))
		status = fbi_fail_overwritten(r, offset);
	else if (got != sum)
		status = fail_altered(offset, n, got, sum);
	if (status) {
		memset(dst, 0, n);
		return status;
	}
	count_timed(r, n, began);
	return FB_OK;
}

fb_status fbi_ring_view(struct fbi_ring *r, uint64_t offset, uint64_t n, uint64_t sum, bool verify,
			const uint8_t **payload)
{
	struct fbi_found found;
	fb_status status = fbi_find_prefix(r, offset, n, &found);
	int64_t began = begin_timed(r, n);
	uint64_t got;

	if (status)
		return status;
	*payload = found.payload;
	if (!verify)
		return FB_OK;
	got = fbi_hash(found.payload, n);
	status = fbi_ring_viewed(r, offset);
	if (!status && got != sum)
		return fail_altered(offset, n, got, sum);
	if (!status)
		count_timed(r, n, began);
	return status;
}

fb_status fbi_ring_viewed(const struct fbi_ring *r, uint64_t offset)
{
	fbi_load_fence(); /* after everything that the caller has read */
	if (!fbi_intact(r, offset - FBI_CHUNK_HEADER))
		return fbi_fail_overwritten(r, offset);
	return FB_OK;
}
