#include "sub_entry.h"

/* Whether the client that made an entry under that claim is attached, and not known to be dead. */
static bool attached(const struct fbi_control *control, const struct fbi_sub *w, uint64_t claim)
{
	uint32_t index = fbi_load32(&w->slot);
	const struct fbi_slot *slot;

	if (claim == 0 || index == 0 || index >= control->tables[FBI_SLOTS].count)
		return false;
	slot = fbi_slot_at(control, index);
	return fbi_load64(&slot->claim) == claim && !(fbi_load32(&slot->life) & FBI_LIFE_DIED);
}

void fbi_sub_enter(struct fbi_sub_entry *e, struct fbi_slots *slots, uint32_t topic, uint64_t cursor)
{
	const struct fbi_control *control = slots->control;
	const struct fbi_own *own = fbi_own(slots);

	e->ticket = own->ticket;
	e->pid = own->pid;
	__atomic_store_n(&e->words, NULL, __ATOMIC_RELAXED);
	if (own->index == 0)
		return;
	for (uint32_t i = 0; i < control->tables[FBI_SUBS].count; i++) {
		struct fbi_sub *w = fbi_sub_at(control, i);
		uint64_t old = fbi_load64(&w->claim);

		if (attached(control, w, old) || !fbi_cas64(&w->claim, old, own->ticket))
			continue;
		fbi_store32(&w->slot, own->index);
		fbi_store64(&w->cursor, cursor);
		fbi_store64(&w->received, 0);
		fbi_store64(&w->lost, 0);
		fbi_store32(&w->topic, topic + 1);
		__atomic_store_n(&e->words, w, __ATOMIC_RELEASE);
		return;
	}
}

/*
 * Stores a word that only this process writes, if it differs: a store takes the line from monitors.
 */
static void put(uint64_t *at, uint64_t v)
{
	if (fbi_load64_relaxed(at) != v)
		fbi_store64_relaxed(at, v);
}

void fbi_sub_update(struct fbi_sub_entry *e, uint64_t cursor, uint64_t received, uint64_t lost)
{
	struct fbi_sub *w = __atomic_load_n(&e->words, __ATOMIC_ACQUIRE);

	if (!w)
		return;
	put(&w->cursor, cursor);
	put(&w->received, received);
	put(&w->lost, lost);
}

void fbi_sub_leave(struct fbi_sub_entry *e)
{
	struct fbi_sub *w = __atomic_exchange_n(&e->words, NULL, __ATOMIC_ACQ_REL);

	if (!w)
		return;
	fbi_store32(&w->topic, 0);
	fbi_cas64(&w->claim, e->ticket, 0);
}
