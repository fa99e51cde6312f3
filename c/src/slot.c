#include "slot.h"

#include <errno.h>
#include <string.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "clock.h"
#include "errors.h"
#include "mapping.h"
#include "procinfo.h"

/* A random number that is not 0, for a claim. */
static uint64_t new_ticket(void)
{
	uint64_t t = 0;

	while (getrandom(&t, sizeof t, 0) != sizeof t || t == 0)
		if (errno == ENOSYS) /* only uniqueness counts */
			t = (uint64_t)fbi_read_clock(CLOCK_MONOTONIC) << 20 | (uint64_t)getpid();
	return t;
}

/* Moves counts. Each is in exactly one place but for the instant between the two instructions. */
static void move_counts(uint64_t *from, uint64_t *to, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t count = fbi_swap64(&from[i], 0);

		if (count)
			fbi_count64(&to[i], count);
	}
}

static void fold(struct fbi_slot *from, struct fbi_slot *to)
{
	uint32_t why;

	move_counts(from->counters, to->counters, FBI_COUNTERS);
	move_counts(from->external, to->external, 3);
	move_counts(from->timed, to->timed, 2);
	why = fbi_swap32(&from->external_reason, 0);
	if (why)
		fbi_store32(&to->external_reason, why);
}

/* Whether /proc says that the slot's process is dead. Not known, as in another PID namespace: false. */
static bool abandoned(const struct fbi_slot *slot, uint64_t claim, uint64_t pidns)
{
	uint64_t started = 0;
	uint32_t pid = fbi_load32(&slot->pid);
	int error;

	if (fbi_load64(&slot->ready) != claim || pidns == 0 ||
	    fbi_load64(&slot->pid_namespace) != pidns || pid == 0 || pid > INT32_MAX)
		return false;
	error = fbi_start_time((pid_t)pid, &started);
	if (!error) /* another process may have the pid by now */
		return !fbi_same_start(started, fbi_load64(&slot->process_start));
	return error == ENOENT && fbi_load64(&slot->claim) == claim;
}

/* Marks the life word of a slot whose process is dead and whose death the kernel did not tell. */
static uint32_t bury(struct fbi_slot *slot, uint64_t pidns)
{
	uint64_t claim = fbi_load64(&slot->claim);

	if (claim == 0 || !abandoned(slot, claim, pidns) || !fbi_cas64(&slot->claim, claim, 0))
		return FBI_LIFE_UNKNOWN;
	fbi_cas32(&slot->life, FBI_LIFE_UNKNOWN, FBI_LIFE_DIED);
	return FBI_LIFE_DIED;
}

/* Stores what describes this process. Ready comes last. */
static void introduce(const struct fbi_slots *s, struct fbi_slot *slot, uint64_t ticket,
		      uint64_t pidns, uint64_t started)
{
	int64_t now = fbi_read_clock(CLOCK_MONOTONIC) - s->clock_ahead;

	fbi_store32(&slot->pid, (uint32_t)getpid());
	fbi_store32(&slot->role, s->role);
	fbi_store64(&slot->pid_namespace, pidns);
	fbi_store64(&slot->process_start, started);
	fbi_store64((uint64_t *)&slot->attached, (uint64_t)now);
	fbi_put_name(slot->name, s->name);
	fbi_store64(&slot->ready, ticket);
}

/* Claims a free slot, or one whose process is known to be dead, or shares slot 0. */
static void claim(struct fbi_slots *s, struct fbi_own *own)
{
	const struct fbi_control *c = s->control;
	struct fbi_slot *rest = fbi_slot_at(c, 0);
	uint64_t pidns = fbi_namespace("pid"), started = 0;

	own->index = 0;
	own->slot = rest;
	own->ticket = new_ticket();
	if (s->role == FBI_ROLE_UNLISTED)
		return;
	if (fbi_start_time(getpid(), &started))
		pidns = 0; /* no process can look this one up */
	own->life = fbi_life_start();
	for (uint32_t i = 1; i < c->tables[FBI_SLOTS].count; i++) {
		struct fbi_slot *slot = fbi_slot_at(c, i);
		uint32_t old = fbi_load32(&slot->life);

		if (old == FBI_LIFE_UNKNOWN)
			old = bury(slot, pidns);
		if ((old && !(old & FBI_LIFE_DIED)) || !fbi_life_hold(own->life, &slot->life, old))
			continue;
		fbi_store64(&slot->claim, own->ticket);
		own->index = i;
		own->slot = slot;
		fbi_store64(&slot->last, 0);
		fold(slot, rest);
		introduce(s, slot, own->ticket, pidns, started);
		return;
	}
	fbi_life_end(own->life);
	own->life = NULL;
}

bool fbi_is_forked(const struct fbi_own *own)
{
	return own->pid != (uint32_t)getpid();
}

struct fbi_own *fbi_own_claim(struct fbi_slots *s)
{
	struct fbi_own *own = s->own;

	/* Without MADV_WIPEONFORK a child's first call must not be two at the same time. */
	if (!s->wiped && own->pid && fbi_is_forked(own))
		memset(own, 0, sizeof *own);
	pthread_mutex_lock(&own->lock);
	if (!own->pid) {
		claim(s, own);
		__atomic_store_n(&own->pid, (uint32_t)getpid(), __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&own->lock);
	return own;
}

fb_status fbi_slots_begin(struct fbi_slots *s, const struct fbi_control *control, uint32_t role,
			  const char *name, int64_t clock_ahead)
{
	void *page = mmap(NULL, fbi_page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	if (page == MAP_FAILED)
		return fbi_fail(FB_NO_MEMORY, "no memory for a client: %s", FBI_ERRNO(errno));
	s->control = control;
	s->own = page;
	s->wiped = madvise(page, fbi_page_size(), MADV_WIPEONFORK) == 0;
	s->role = role;
	s->clock_ahead = clock_ahead;
	strncat(s->name, name, FBI_NAME_SIZE + 1); /* the segment was zeroed */
	fbi_own_claim(s);
	return FB_OK;
}

void fbi_slots_release(struct fbi_slots *s)
{
	struct fbi_own *own = s->own;

	/* In a fork's child the slot is the parent's, unless the child has claimed one. */
	if (!own->pid || fbi_is_forked(own))
		return;
	pthread_mutex_lock(&own->lock);
	if (own->index && !own->released) {
		if (fbi_load64(&own->slot->claim) == own->ticket) {
			fold(own->slot, fbi_slot_at(s->control, 0));
			fbi_cas64(&own->slot->claim, own->ticket, 0);
		}
		fbi_life_release(own->life, &own->slot->life);
	}
	own->released = true;
	pthread_mutex_unlock(&own->lock);
}

void fbi_slots_end(struct fbi_slots *s)
{
	struct fbi_own *own = s->own;

	if (!own)
		return;
	fbi_slots_release(s);
	if (own->pid && !fbi_is_forked(own))
		fbi_life_end(own->life);
	munmap(own, fbi_page_size());
	s->own = NULL;
}
