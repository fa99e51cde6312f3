#include "holds.h"

#include <sched.h>
#include <stdlib.h>

#include "errors.h"

/* More often than a compare-and-swap can fail because others succeed. */
enum { MOST_TRIES = 1 << 20 };

struct span {
	uint64_t start, length;
};

static int64_t end_of(uint64_t term)
{
	return (int64_t)(term & ~FBI_HOLD_TAG);
}

/*
 * Whether a hold of that term is active, for a process that respects it until late after its end. A
 * term beyond what a hold can have is nonsense; that is decided by a clock read after the term.
 */
bool fbi_term_active(const struct fbi_ring *r, uint64_t term, int64_t now, int64_t late)
{
	const int64_t most = FBI_MAX_HOLD + FBI_HOLD_GRACE;
	/* Unsigned: the term may be hostile, and signed overflow undefined. */
	int64_t left = (int64_t)((uint64_t)end_of(term) - (uint64_t)now);

	if (term == 0 || left <= -late)
		return false;
	return left <= most || (int64_t)((uint64_t)end_of(term) - (uint64_t)fbi_now(r->clock)) <= most;
}

static uint32_t used(const struct fbi_ring *r)
{
	uint32_t high = fbi_load32(&r->control->header->hold_high);

	return high < FBI_HOLD_COUNT ? high : FBI_HOLD_COUNT;
}

bool fbi_may_be_held(const struct fbi_ring *r, int64_t now)
{
	return fbi_load64(&r->control->header->hold_until) > (uint64_t)(now - FBI_HOLD_GRACE);
}

/* Loads what an entry holds, if it is valid and active. */
static bool load(const struct fbi_ring *r, uint32_t i, int64_t now, int64_t late, struct span *s,
		 uint64_t *term)
{
	const struct fbi_hold_entry *e = fbi_hold_at(r->control, i);

	*term = fbi_load64(&e->term);
	if (!fbi_term_active(r, *term, now, late))
		return false;
	s->start = fbi_load64(&e->start) & ~FBI_HOLD_CLAIMS;
	s->length = fbi_load64(&e->length) & ~FBI_HOLD_CLAIMS;
	return s->length > 0 && s->length <= r->capacity;
}

/* The position behind the held span that [c, c+n) overlaps; both are taken modulo the capacity. */
static bool overlap(const struct fbi_ring *r, uint64_t c, uint64_t n, struct span s, uint64_t *end)
{
	uint64_t at = s.start % r->capacity, from = c % r->capacity;
	uint64_t ahead = at - from + (at < from ? r->capacity : 0);

	if (ahead < n) {
		*end = c + ahead + s.length;
		return true;
	}
	*end = c - (r->capacity - ahead) + s.length;
	return r->capacity - ahead < s.length;
}

bool fbi_end_of_holds(const struct fbi_ring *r, uint64_t c, uint64_t n, int64_t now, uint64_t *end)
{
	const uint64_t *gen = &r->control->header->hold_gen;
	bool held = false;

	for (int scan = 0; scan < 64; scan++) {
		uint64_t before = fbi_load64(gen);

		for (uint32_t i = 0, m = used(r); i < m; i++) {
			struct span s;
			uint64_t term, e;

			if (!load(r, i, now, FBI_HOLD_GRACE, &s, &term) ||
			    !overlap(r, c, n, s, &e) || (held && e - c <= *end - c))
				continue;
			*end = e;
			held = true;
		}
		if (held || fbi_load64(gen) == before)
			return held;
	}
	*end = c + n; /* holds change faster than a scan: try elsewhere */
	return true;
}

bool fbi_is_held(const struct fbi_ring *r, uint64_t c)
{
	int64_t now = fbi_now(r->clock);

	if (!fbi_may_be_held(r, now))
		return false;
	for (int scan = 0; scan < 100; scan++) {
		bool changing = false;

		for (uint32_t i = 0, m = used(r); i < m; i++) {
			struct span s;
			uint64_t term;

			if (!load(r, i, now, 0, &s, &term) || s.start != c)
				continue;
			if ((term & FBI_HOLD_CONFIRMED) &&
			    fbi_load64(&fbi_hold_at(r->control, i)->term) == term)
				return true;
			changing = true; /* or is being made, and soon confirmed or withdrawn */
		}
		if (!changing)
			return false;
		sched_yield();
	}
	return false;
}

static int by_place(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->length > y->length ? -1 : x->length < y->length;
}

/* Stores what is held, in the order of memory, each chunk once. */
static unsigned spans(const struct fbi_ring *r, int64_t now, struct span all[FBI_HOLD_COUNT])
{
	unsigned n = 0, distinct = 0;
	uint64_t term;

	for (uint32_t i = 0, m = used(r); i < m; i++)
		if (load(r, i, now, FBI_HOLD_GRACE, &all[n], &term)) {
			all[n].start %= r->capacity;
			n++;
		}
	qsort(all, n, sizeof all[0], by_place);
	for (unsigned i = 0; i < n; i++)
		if (distinct == 0 || all[i].start != all[distinct - 1].start)
			all[distinct++] = all[i];
	return distinct;
}

uint64_t fbi_sum_held(const struct fbi_ring *r, int64_t now)
{
	struct span all[FBI_HOLD_COUNT];
	unsigned n = spans(r, now, all);
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += all[i].length;
	return sum;
}

/* Whether there are n contiguous bytes in the ring that no hold overlaps. */
static bool has_gap(const struct fbi_ring *r, uint64_t n, int64_t now)
{
	struct span all[FBI_HOLD_COUNT];
	unsigned m = spans(r, now, all);
	uint64_t reach = 0, first; /* reach is the end of the held parts so far */

	if (m == 0)
		return true;
	for (unsigned i = 0; i < m; i++) {
		uint64_t end = all[i].start + all[i].length;

		if (reach > 0 && all[i].start >= reach && all[i].start - reach >= n)
			return true;
		if (end > reach)
			reach = end;
	}
	/* The gap from the last span to the first wraps around the end of the ring. */
	first = all[0].start + r->capacity;
	return first >= reach && first - reach >= n;
}

/* Raises head to target, if it is lower, and then by n: *c is the position of these n bytes. */
static bool raise_head(const struct fbi_ring *r, const struct fbi_own *own, uint64_t target,
		       uint64_t n, int64_t now, uint64_t *c)
{
	for (int i = 0; i < MOST_TRIES; i++) {
		uint64_t head = fbi_head(r);
		uint64_t at = (int64_t)(target - head) > 0 ? target : head;

		if (fbi_cas64(&r->control->header->head, head, at + n)) {
			fbi_moved_head(r, own, head, at + n, now);
			*c = at & ~(uint64_t)(FBI_ALIGN - 1);
			return true;
		}
	}
	return false;
}

fb_status fbi_skip_holds(const struct fbi_ring *r, const struct fbi_own *own, uint64_t n,
			 int64_t now, uint64_t *c)
{
	for (int i = 0; i < 4 * FBI_HOLD_COUNT; i++) {
		uint64_t target;

		if (!fbi_end_of_holds(r, *c, n, now, &target))
			return FB_OK;
		if (!has_gap(r, n, now))
			break;
		if (!raise_head(r, own, target, n, now, c))
			return fbi_fail(FB_CORRUPT, "head changes without end; some process writes "
						    "over it: restart the server");
	}
	return fbi_fail(FB_HOLD_LIMIT,
			"%llu of the ring's %llu bytes are held, and nowhere between them are %llu "
			"bytes free: release holds, or start the server with a larger size or a "
			"smaller HoldLimit",
			(unsigned long long)fbi_sum_held(r, now), (unsigned long long)r->capacity,
			(unsigned long long)n);
}
