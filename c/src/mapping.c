#include "mapping.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "atomics.h"
#include "busguard.h"
#include "errors.h"
#include "layout.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

uint64_t fbi_page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Reserves n bytes of addresses, so that no other thread can take a part of them. */
static fb_status reserve(uint64_t n, uint8_t **at)
{
	void *p = mmap(NULL, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED && errno == ENOMEM)
		return fbi_fail(FB_NO_MEMORY, "no room for %llu bytes of addresses (ulimit -v?): %s",
				(unsigned long long)n, FBI_ERRNO(errno));
	if (p == MAP_FAILED)
		return fbi_fail(FB_ERROR, "reserve %llu bytes of address space: %s",
				(unsigned long long)n, FBI_ERRNO(errno));
	*at = p;
	return FB_OK;
}

/* Unmaps what lies before and behind [start, start+n) in [base, base+all). */
static void trim(uint8_t *base, uint64_t all, uint8_t *start, uint64_t n)
{
	uint64_t before = (uint64_t)(start - base);

	if (before)
		munmap(base, before);
	if (all - before > n)
		munmap(start + n, all - before - n);
}

/* The first address from at on that is front before a multiple of page. */
static uint8_t *align(uint8_t *at, uint64_t front, uint64_t page)
{
	return at + (-((uint64_t)(uintptr_t)at + front) & (page - 1));
}

fb_status fbi_map_control(struct fbi_mapping *m, uint64_t size, uint64_t page,
			  fbi_attach_at *attach, void *of, int *error)
{
	uint64_t small = fbi_page_size(), all;
	uint8_t *base, *start;

	*error = 0;
	if (page < small)
		page = small;
	all = FBI_LIFE_DISTANCE + size + (page - small);
	if (reserve(all, &base))
		return fbi_explain(FB_NO_MEMORY, "control object: ");
	start = align(base, FBI_LIFE_DISTANCE, page);
	trim(base, all, start, FBI_LIFE_DISTANCE + size);
	if (mprotect(start, FBI_LIFE_DISTANCE, PROT_READ | PROT_WRITE)) {
		*error = errno;
		munmap(start, FBI_LIFE_DISTANCE + size);
		return fbi_fail(FB_NO_MEMORY, "no room for %d bytes in front of the control object: %s",
				FBI_LIFE_DISTANCE, FBI_ERRNO(*error));
	}
	*error = attach(start + FBI_LIFE_DISTANCE, size, of);
	if (*error) {
		munmap(start, FBI_LIFE_DISTANCE + size);
		return FB_ERROR; /* the caller says why */
	}
	m->control = start + FBI_LIFE_DISTANCE;
	m->control_size = size;
	return FB_OK;
}

fb_status fbi_map_ring(struct fbi_mapping *m, uint64_t size, uint64_t page, fbi_attach_at *attach,
		       void *of, int *error)
{
	uint64_t slack = size % page == 0 ? page : 0;
	uint8_t *base, *start;

	*error = 0;
	if (reserve(2 * size + slack, &base))
		return fbi_explain(FB_NO_MEMORY, "ring: ");
	start = slack ? align(base, 0, page) : base;
	trim(base, 2 * size + slack, start, 2 * size);
	for (unsigned half = 0; half < 2; half++) {
		*error = attach(start + half * size, size, of);
		if (*error) {
			munmap(start, 2 * size); /* detaches a half that is attached, too */
			return FB_ERROR;         /* the caller says why */
		}
	}
	m->ring = start;
	m->capacity = size;
	return FB_OK;
}

void fbi_advise(struct fbi_mapping *m)
{
	const char *dump = getenv("FRAMEBUFFER_DUMP_RING");

	madvise(m->ring, 2 * m->capacity, MADV_HUGEPAGE);
	if (dump && *dump && strcmp(dump, "0") != 0)
		return;
	madvise(m->control, m->control_size, MADV_DONTDUMP);
	madvise(m->ring, 2 * m->capacity, MADV_DONTDUMP);
}

fb_status fbi_populate(uint8_t *at, uint64_t size)
{
	if (madvise(at, size, MADV_POPULATE_WRITE) == 0)
		return FB_OK;
	if (errno == EINVAL || fbi_not_allowed(errno)) { /* Linux before 5.14, or a filter */
		for (uint64_t i = 0; i < size; i += fbi_page_size())
			*(volatile uint8_t *)(at + i) = 0; /* still private, and zero already */
		return FB_OK;
	}
	return fbi_fail(FB_NO_MEMORY,
			"the kernel could not provide %llu bytes: ask for less, or make room (%s)",
			(unsigned long long)size, FBI_ERRNO(errno));
}

void fbi_blank(struct fbi_mapping *m)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;

	mmap(m->ring, 2 * m->capacity, PROT_READ | PROT_WRITE, flags, -1, 0);
	mmap(m->control, m->control_size, PROT_READ | PROT_WRITE, flags, -1, 0);
}

void fbi_unmap(struct fbi_mapping *m)
{
	fbi_watch_end(m->watch);
	m->watch = NULL;
	if (m->ring)
		munmap(m->ring, 2 * m->capacity);
	if (m->control)
		munmap(m->control - FBI_LIFE_DISTANCE, FBI_LIFE_DISTANCE + m->control_size);
	m->ring = m->control = NULL;
}

bool fbi_damaged(const struct fbi_mapping *m)
{
	if (!m->watch)
		return false;
	/* A truncation that has caused no fault yet shows at the ends. */
	fbi_load64((const uint64_t *)(const void *)(m->control + m->control_size - 8));
	fbi_load64((const uint64_t *)(const void *)(m->ring + 2 * m->capacity - 8));
	return fbi_watch_hit(m->watch);
}
