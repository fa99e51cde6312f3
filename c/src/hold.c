/* Making, extending and ending holds. See holds.h and docs/layout.md, Holds. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "errors.h"
#include "holds.h"

enum { MOST_TRIES = 1 << 20 };

static int64_t end_of(uint64_t term)
{
	return (int64_t)(term & ~FBI_HOLD_TAG);
}

/* The word of a hold that ends then. Two of one entry are equal only within a microsecond, by chance. */
static uint64_t new_term(int64_t end)
{
	uint64_t tag = 0;

	if (getrandom(&tag, sizeof tag, 0) != sizeof tag)
		tag = (uint64_t)fbi_read_clock(CLOCK_MONOTONIC);
	return (((uint64_t)end + FBI_HOLD_TAG) & ~FBI_HOLD_TAG) |
	       (tag & FBI_HOLD_TAG & ~FBI_HOLD_CONFIRMED);
}

/* Writes ns as Go prints a duration: 1h0m1.5s, 20ms, 0s. */
static void write_duration(char *to, size_t room, int64_t ns)
{
	uint64_t n = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	const char *sign = ns < 0 ? "-" : "", *unit = "s";
	uint64_t scale = 1000000000, hours = 0, minutes = 0;
	char fraction[24] = "";
	int digits = 9, m;

	if (n && n < scale) {
		unit = n < 1000 ? "ns" : n < 1000000 ? "µs" : "ms";
		digits = n < 1000 ? 0 : n < 1000000 ? 3 : 6;
		scale = n < 1000 ? 1 : n < 1000000 ? 1000 : 1000000;
	} else {
		minutes = n / 60000000000;
		n %= 60000000000;
		hours = minutes / 60;
		minutes %= 60;
	}
	if (n % scale) {
		m = snprintf(fraction, sizeof fraction, ".%0*llu", digits,
			     (unsigned long long)(n % scale));
		while (m > 0 && fraction[m - 1] == '0')
			fraction[--m] = '\0';
	}
	m = snprintf(to, room, "%s", sign);
	if (hours)
		m += snprintf(to + m, room - (size_t)m, "%lluh", (unsigned long long)hours);
	if (hours || minutes)
		m += snprintf(to + m, room - (size_t)m, "%llum", (unsigned long long)minutes);
	snprintf(to + m, room - (size_t)m, "%llu%s%s", (unsigned long long)(n / scale), fraction,
		 unit);
}

static fb_status check_duration(int64_t ns)
{
	char text[64];

	if (ns > 0 && ns <= FBI_MAX_HOLD)
		return FB_OK;
	write_duration(text, sizeof text, ns);
	return fbi_fail(FB_BAD_SIZE,
			"a hold of %s; it lasts more than 0 and at most 1h0m0s, and can be extended",
			text);
}

static bool raise64(uint64_t *word, uint64_t v)
{
	for (int i = 0; i < MOST_TRIES; i++) {
		uint64_t old = fbi_load64(word);

		if (old >= v || fbi_cas64(word, old, v))
			return true;
	}
	return false;
}

static bool raise32(uint32_t *word, uint32_t v)
{
	for (int i = 0; i < MOST_TRIES; i++) {
		uint32_t old = fbi_load32(word);

		if (old >= v || fbi_cas32(word, old, v))
			return true;
	}
	return false;
}

static void withdraw(const struct fbi_held *h)
{
	fbi_cas64(&h->entry->term, h->term, 0);
}

/* Marks the hold as one that other processes may rely on. */
static bool confirm(struct fbi_held *h)
{
	if (!fbi_cas64(&h->entry->term, h->term, h->term | FBI_HOLD_CONFIRMED))
		return false; /* it had ended, and another holder has the entry */
	h->term |= FBI_HOLD_CONFIRMED;
	return true;
}

/* v, a multiple of 64, with the claim count of the word that it replaces, plus 1, in its low bits. */
static uint64_t counted(uint64_t v, uint64_t before)
{
	return v | ((before + 1) & FBI_HOLD_CLAIMS);
}

/*
 * Takes entry i and publishes it, not yet confirmed. A process that is stopped here until its own term
 * is over must not write over the words of the next owner: so it changes them by compare-and-swap from
 * what it loaded before the claim.
 */
static bool claim_entry(const struct fbi_ring *r, struct fbi_held *h, uint32_t i, int64_t now)
{
	struct fbi_hold_entry *e = fbi_hold_at(r->control, i);
	uint64_t start = fbi_load64(&e->start), length = fbi_load64(&e->length);
	uint64_t old = fbi_load64(&e->term);

	if (fbi_term_active(r, old, now, FBI_HOLD_GRACE) || !fbi_cas64(&e->term, old, h->term))
		return false;
	h->entry = e;
	h->start_word = counted(h->c, start);
	h->length_word = counted(h->footprint, length);
	if (fbi_cas64(&e->start, start, h->start_word) &&
	    fbi_cas64(&e->length, length, h->length_word))
		return true;
	withdraw(h);
	return false;
}

/* Takes an entry and raises what bounds the holds. now was read before. */
static fb_status claim(const struct fbi_ring *r, struct fbi_held *h, int64_t now, int64_t ns)
{
	struct fbi_header *header = r->control->header;

	h->term = new_term(now + ns);
	for (uint32_t i = 0; i < FBI_HOLD_COUNT; i++) {
		if (!claim_entry(r, h, i, now))
			continue;
		if (!raise32(&header->hold_high, i + 1) ||
		    !raise64(&header->hold_until, (uint64_t)end_of(h->term))) {
			withdraw(h);
			return fbi_fail(FB_CORRUPT,
					"what bounds the holds changes without end; some process "
					"writes over it: restart the server");
		}
		fbi_add64(&header->hold_gen, 1);
		return FB_OK;
	}
	return fbi_fail(FB_HOLD_LIMIT, "all %d holds are in use: release others first",
			FBI_HOLD_COUNT);
}

fb_status fbi_hold_begin(const struct fbi_ring *r, uint64_t offset, int64_t ns,
			 struct fbi_held *h)
{
	struct fbi_found found;
	int64_t now;
	uint64_t sum;
	fb_status status = check_duration(ns);

	if (!status)
		status = fbi_find(r, offset, &found);
	if (status)
		return status;
	h->c = offset - FBI_CHUNK_HEADER;
	h->footprint = fbi_footprint(found.size);
	now = fbi_now(r->clock);
	status = claim(r, h, now, ns);
	if (status)
		return status;
	sum = fbi_sum_held(r, now);
	if (sum > r->control->hold_limit) {
		withdraw(h);
		return fbi_fail(FB_HOLD_LIMIT,
				"holding %llu bytes more would make %llu of the %llu that may be "
				"held: release others first, or start the server with a larger "
				"HoldLimit or size",
				(unsigned long long)h->footprint, (unsigned long long)sum,
				(unsigned long long)r->control->hold_limit);
	}
	if (!fbi_intact(r, h->c) || !confirm(h)) {
		withdraw(h);
		return fbi_fail_overwritten(r, offset);
	}
	return FB_OK;
}

static bool unmoved(const struct fbi_held *h)
{
	return fbi_load64(&h->entry->start) == h->start_word &&
	       fbi_load64(&h->entry->length) == h->length_word;
}

bool fbi_hold_intact(const struct fbi_ring *r, const struct fbi_held *h)
{
	fbi_load_fence();
	if (fbi_alive(r, h->c))
		return true;
	return fbi_load64(&h->entry->term) == h->term && unmoved(h) &&
	       fbi_now(r->clock) < end_of(h->term);
}

fb_status fbi_hold_extend(const struct fbi_ring *r, struct fbi_held *h, int64_t ns)
{
	uint64_t old = h->term, next;
	fb_status status = check_duration(ns);
	bool raised;

	if (status)
		return status;
	next = new_term(fbi_now(r->clock) + ns);
	if (fbi_cas64(&h->entry->term, old, next)) {
		h->term = next;
		raised = raise64(&r->control->header->hold_until, (uint64_t)end_of(next));
		/* If the old end came before the exchange, an allocator may have passed the chunk. */
		if (fbi_now(r->clock) < end_of(old) && unmoved(h) && raised && confirm(h))
			return FB_OK;
		withdraw(h);
	}
	return fbi_fail_timeout(FB_OVERWRITTEN,
				"the hold on the chunk at offset %llu ended before it was extended: "
				"extend earlier, or hold longer",
				(unsigned long long)(h->c + FBI_CHUNK_HEADER));
}

bool fbi_hold_end(const struct fbi_ring *r, struct fbi_held *h)
{
	bool ok = fbi_hold_intact(r, h);

	withdraw(h);
	return ok;
}
