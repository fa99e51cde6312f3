#include "ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "errors.h"
#include "holds.h"
#include "mapping.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

enum { SECTION_SHIFT = 21 }; /* 512 pages are populated in a fraction of a millisecond */

fb_status fbi_ring_begin(struct fbi_ring *r, const struct fbi_control *control, uint8_t *mem,
			 struct fbi_slots *slots, const struct fbi_clock *clock, bool read_only)
{
	uint64_t sections = ((2 * control->capacity - 1) >> SECTION_SHIFT) + 1;

	r->control = control;
	r->clock = clock;
	r->slots = slots;
	r->mem = mem;
	r->capacity = control->capacity;
	r->milestone_shift = fbi_milestone_shift(r->capacity);
	r->read_only = read_only;
	fbi_parse_way(getenv("FRAMEBUFFER_STORES"), &r->way); /* what is not known is FBI_AUTO */
	r->present = calloc(sections, 1);
	return r->present ? FB_OK : fbi_fail(FB_NO_MEMORY, "no memory for a client");
}

void fbi_ring_end(struct fbi_ring *r)
{
	free(r->present);
	r->present = NULL;
}

/* Two threads may populate one section at the same time, which does no harm. It is a hint. */
void fbi_ensure_present(const struct fbi_ring *r, uint64_t i, uint64_t n)
{
	const uint64_t section = (uint64_t)1 << SECTION_SHIFT;

	for (uint64_t s = i >> SECTION_SHIFT; s <= (i + n - 1) >> SECTION_SHIFT; s++) {
		uint64_t at = s << SECTION_SHIFT, left = 2 * r->capacity - at;

		if (__atomic_load_n(&r->present[s], __ATOMIC_RELAXED))
			continue;
		madvise(r->mem + at, left < section ? left : section,
			r->read_only ? MADV_POPULATE_READ : MADV_POPULATE_WRITE);
		__atomic_store_n(&r->present[s], 1, __ATOMIC_RELAXED);
	}
}

bool fbi_intact(const struct fbi_ring *r, uint64_t c)
{
	return fbi_alive(r, c) || fbi_is_held(r, c);
}

bool fbi_peek(const struct fbi_ring *r, uint64_t offset, struct fbi_found *found)
{
	uint64_t c = offset - FBI_CHUNK_HEADER, i, size;
	struct fbi_chunk *h;

	if (offset < FBI_CHUNK_HEADER || offset % FBI_ALIGN || !fbi_intact(r, c))
		return false;
	i = fbi_place(r, c);
	h = (void *)(r->mem + i);
	/* The message that told the offset orders these loads behind the allocator's stores. */
	size = fbi_load64_relaxed(&h->size);
	if (fbi_load64_relaxed(&h->offset) != offset || size > r->capacity - FBI_CHUNK_HEADER ||
	    fbi_load64_relaxed(&h->guard) != fbi_guard(r->control->nonce, offset, size))
		return false;
	found->header = h;
	found->size = size;
	found->client = __atomic_load_n(&h->client, __ATOMIC_RELAXED);
	found->payload = r->mem + i + FBI_CHUNK_HEADER;
	fbi_ensure_present(r, i, FBI_CHUNK_HEADER + size);
	return true;
}

fb_status fbi_fail_overwritten(const struct fbi_ring *r, uint64_t offset)
{
	uint64_t behind = fbi_head(r) - (offset - FBI_CHUNK_HEADER);

	return fbi_fail_timeout(FB_OVERWRITTEN,
				"overwritten: the ring of %llu bytes has allocated %llu bytes since "
				"the chunk at offset %llu: read sooner, or start the server with a "
				"larger size",
				(unsigned long long)r->capacity, (unsigned long long)behind,
				(unsigned long long)offset);
}

/* Sets the error for an offset at which there is no intact chunk. */
static fb_status fail_no_chunk(const struct fbi_ring *r, uint64_t offset)
{
	uint64_t c = offset - FBI_CHUNK_HEADER, status, head;
	uint32_t state;

	if (offset < FBI_CHUNK_HEADER || offset % FBI_ALIGN)
		return fbi_fail(FB_BAD_OFFSET,
				"%llu; offsets come from Allocate and are multiples of %d from %d up",
				(unsigned long long)offset, FBI_ALIGN, FBI_CHUNK_HEADER);
	status = fbi_status(r->control);
	state = (uint32_t)(status >> 32);
	if (state != FBI_STATE_OPEN && state != FBI_STATE_CLOSED)
		return fbi_fail_not_open(status); /* then head, beside it, is damaged too */
	head = fbi_head(r);
	/* An offset that near to head, beyond it, or from before the start was never handed out. */
	if ((int64_t)(head - c) <= FBI_CHUNK_HEADER || (int64_t)(c - r->control->start) < 0)
		return fbi_fail(FB_BAD_OFFSET,
				"%llu was never handed out; the ring has allocated from %llu to %llu. "
				"Was it made with another key?",
				(unsigned long long)offset, (unsigned long long)r->control->start,
				(unsigned long long)head);
	fbi_load_fence(); /* the header was loaded before the next load of head */
	if (!fbi_intact(r, c))
		return fbi_fail_overwritten(r, offset);
	/* The memory cannot tell which of the two it is: so the error is both. */
	return fbi_fail_timeout(FB_ALTERED,
				"no chunk begins at offset %llu: a process stopped for a whole lap "
				"wrote over it, or it is a framebuffer: bad offset, since offsets "
				"come from Allocate and cannot be computed",
				(unsigned long long)offset);
}

fb_status fbi_find(const struct fbi_ring *r, uint64_t offset, struct fbi_found *found)
{
	return fbi_peek(r, offset, found) ? FB_OK : fail_no_chunk(r, offset);
}

fb_status fbi_find_prefix(const struct fbi_ring *r, uint64_t offset, uint64_t n,
			  struct fbi_found *found)
{
	fb_status status = fbi_find(r, offset, found);

	if (!status && n > found->size)
		return fbi_fail(FB_BAD_SIZE,
				"asked to read %llu bytes of the chunk at offset %llu, which was "
				"allocated with %llu: ask for 0 to that many",
				(unsigned long long)n, (unsigned long long)offset,
				(unsigned long long)found->size);
	return status;
}
