/*
 * Holding a chunk against allocation: hold, extend, release, read under a hold, allocate.
 *
 * Memory is CAP units. Chunks 0 and 1, one unit each, were written before; holders hold
 * them, readers read them, allocators overwrite them. Every access to a shared word is a step
 * of its own, so a process can be stopped between any two, for any time or for ever.
 * README.md says what is left out.
 *
 * Each allocator adds SIZE to head ALLOCS times, the clock stops at TICKS, a hold lasts up to
 * LONGEST ticks.
 *
 * To conclude that a deadline is over, read the clock before the word: the older clock errs on
 * the safe side. To rely on a deadline, read the clock after the step that the hold has to
 * cover. An entry has the words D (the deadline) and pos (the start); until and gen are "hold
 * until" and "hold generation".
 *
 * The orderings: what the code with a macro does wrong, and what then happens.
 *
 * To hold and to join:
 * BREAK_CHECK_BEFORE_ENTRY or BREAK_CHECK_BEFORE_UNTIL is stored: an allocator adds and scans in
 *	between, and both have the chunk.
 * BREAK_LOOK_BEFORE_GEN is raised: A joins B's hold, but an allocator scanned A's entry too
 *	early and B's after its release.
 * BREAK_JOIN_TENTATIVE entries: two on a dead chunk confirm each other.
 * BREAK_OLD_CLOCK, read before gen is raised: the hold it joins has expired.
 * BREAK_POS_BY_STORE, BREAK_POS_LOADED_AFTER_CLAIM, BREAK_NO_CLAIM_COUNT in its low bits: a
 *	claimer stops, another confirms the entry, and the first stores its position.
 * BREAK_CONFIRM_BY_STORE: a claimer that slept confirms another's entry.
 * BREAK_ENTRY_LOADED_ONCE, without D again after pos: D was of another chunk, and the next
 *	claimer's pos is this dead chunk.
 * BREAK_SUM_BEFORE_ENTRY: two sum up, see room, and both hold.
 *
 * To allocate:
 * BREAK_UNTIL_BEFORE_ADD, BREAK_SCAN_BEFORE_ADD: the allocator sees no holds, and takes a chunk
 *	held since.
 * BREAK_CLOCK_AFTER_UNTIL, BREAK_CLOCK_AFTER_ENTRY is loaded: it is extended, and its old value
 *	passes.
 * BREAK_NO_RESCAN if gen changed: as with BREAK_LOOK_BEFORE_GEN.
 * BREAK_TENTATIVE_UNSEEN: the holder has looked at head and only has to confirm.
 * BREAK_NO_GRACE of a tick: a holder whose clock is a tick late relies on what the allocator
 *	takes.
 *
 * To read under a hold:
 * BREAK_READ_CHECKS_FIRST, BREAK_READ_CLOCK_FIRST: the hold ends and the chunk is taken before
 *	its bytes are loaded.
 *
 * To extend:
 * BREAK_EXTEND_CONFIRMED, not through tentative: an allocator saw the hold expired before the
 *	new deadline.
 * BREAK_EXTEND_LOOKS_FIRST at the clock: the old deadline passes before the new one is in D.
 * BREAK_EXTEND_CHECK_BEFORE_UNTIL is raised: by the old until the allocator does not scan.
 * BREAK_EXTEND_LATE_WITHOUT_SUM (the code refuses late ones): another hold was granted without
 *	counting this one.
 */
#include "hold.h"

proctype Holder(byte h) {
	byte e, c, t, old, mine, was, d, p, again;
	bool ok;

	/* claim: any entry that looks free, for any chunk and time */
	atomic {
		select(c : 0 .. CAP - 1);
		select(e : 0 .. 1);
		select(d : 1 .. LONGEST);
		t = now;
		mine = TENTATIVE(t + d, 2 * h + 1);
		d = 0
	}
#ifdef BREAK_CHECK_BEFORE_ENTRY
	atomic { ok = head - c <= CAP; if :: !ok -> goto end :: else fi }
#endif
#ifndef BREAK_POS_LOADED_AFTER_CLAIM
	was = pos[e];
#endif
#ifdef BREAK_SUM_BEFORE_ENTRY
	few();
#endif
	atomic { if :: !EXPIRED(D[e], t) -> goto end :: else -> D[e] = mine; t = 0 fi }
#ifdef BREAK_POS_LOADED_AFTER_CLAIM
	was = pos[e];
#endif
#ifdef BREAK_POS_BY_STORE
	atomic { pos[e] = NEXTPOS(was, c); was = 0 }
#else
	atomic { if :: pos[e] != was -> goto withdraw :: else -> pos[e] = NEXTPOS(was, c); was = 0 fi }
#endif
#ifdef BREAK_CHECK_BEFORE_UNTIL
	atomic { ok = head - c <= CAP; if :: !ok -> goto withdraw :: else fi }
#endif
	raise(until, DEADLINE(mine));
#ifndef BREAK_LOOK_BEFORE_GEN
	gen++;
#endif

	/* check */
#if defined(BREAK_CHECK_BEFORE_ENTRY) || defined(BREAK_CHECK_BEFORE_UNTIL)
	/* done before */
#else
	ok = head - c <= CAP;
	if
	:: !ok ->
#ifdef BREAK_OLD_CLOCK
		t = DEADLINE(mine) - LONGEST;
#else
		t = now;
#endif
		covered(e, c, t, ok);
		t = 0
	:: else
	fi;
#endif
#ifdef BREAK_LOOK_BEFORE_GEN
	gen++;
#endif
	if :: !ok -> goto withdraw :: else fi;

#if defined(LIMIT) && !defined(BREAK_SUM_BEFORE_ENTRY)
	few();
#endif

	/* confirm */
	atomic {
#ifndef BREAK_CONFIRM_BY_STORE
		if :: D[e] != mine -> goto end :: else fi;
#endif
		confirm()
	}

	/* the first holder extends, or not */
#ifdef EXTEND
	if
	:: atomic { h == 0 -> t = now; old = mine; mine = TENTATIVE(t + 1, 2 * h + 2) }
#ifdef BREAK_EXTEND_LOOKS_FIRST
		ok = t <= DEADLINE(old);
#endif
		atomic {
			if :: D[e] != old -> goto end :: else fi;
#ifdef BREAK_EXTEND_CONFIRMED
			confirm(); goto withdraw;
#endif
			D[e] = mine; relies[h] = 0
		}
#ifndef BREAK_EXTEND_CHECK_BEFORE_UNTIL
		raise(until, DEADLINE(mine));
#endif
#ifndef BREAK_EXTEND_LOOKS_FIRST
		if :: now <= DEADLINE(old) -> ok = true :: now >= DEADLINE(old) -> ok = false fi;
#endif
		if
		:: !ok ->
			ok = head - c <= CAP;
#if defined(LIMIT) && !defined(BREAK_EXTEND_LATE_WITHOUT_SUM)
			few()
#endif
		:: else
		fi;
#ifdef BREAK_EXTEND_CHECK_BEFORE_UNTIL
		raise(until, DEADLINE(mine));
#endif
		atomic { t = 0; old = 0; if :: !ok -> goto withdraw :: else fi }
		atomic {
			if :: D[e] != mine -> goto end :: else fi;
			confirm()
		}
	:: true
	fi;
#endif
	/* release */
withdraw:
	atomic {
		if :: D[e] == mine -> D[e] = 0 :: else fi;
end:		e = 0; c = 0; t = 0; old = 0; mine = 0; was = 0; ok = 0; relies[h] = 0; on[h] = 0
	}
}

#ifdef READER
/* A read of chunk 0 by a process that holds nothing. */
proctype Reader() {
	byte t, v, d, p, again;
	bool ok;

#ifdef BREAK_READ_CLOCK_FIRST
	t = now;
#endif
#ifdef BREAK_READ_CHECKS_FIRST
	ok = head <= CAP;
	v = owner[0];
#else
	v = owner[0];
	ok = head <= CAP;
#endif
	if
	:: !ok ->
#ifndef BREAK_READ_CLOCK_FIRST
		t = now;
#endif
		covered(NO_HOLDER, 0, t, ok)
	:: else
	fi;
	atomic { assert(!ok || v == 0); t = 0; v = 0; ok = false }
}
#endif

/* Does an entry that has not expired at time t hold memory of [c, c + SIZE) ? */
inline scan(k) {
#ifdef BREAK_CLOCK_AFTER_ENTRY
	d = D[k];
	t = now;
	if
	:: !overlap && !FREE(d, t) ->
#else
	if
	:: atomic { !overlap && !FREE(D[k], t) -> skip };
#endif
		overlap = (POS(pos[k]) + CAP - c % CAP) % CAP < SIZE
	:: else
	fi
}

proctype Allocator() {
	byte c, d, t, g, old, times;
	bool overlap;

	do
	:: times < ALLOCS ->
		times++;
#ifdef BREAK_SCAN_BEFORE_ADD
		atomic { c = head; t = now }
		scan(0); scan(1);
#endif
#ifdef BREAK_UNTIL_BEFORE_ADD
		atomic { t = now; old = until }
#endif
		atomic { c = head; head = head + SIZE }
#ifdef BREAK_CLOCK_AFTER_UNTIL
		old = until;
		t = now;
#elif !defined(BREAK_UNTIL_BEFORE_ADD)
		t = now;
		old = until;
#endif
#ifndef BREAK_SCAN_BEFORE_ADD
		if
		:: old + GRACE > t ->
			do
			:: g = gen;
				scan(0); scan(1);
#ifdef BREAK_NO_RESCAN
				break
#else
				if :: overlap || gen == g -> break :: else fi
#endif
			od
		:: else
		fi;
#endif
		if
		:: overlap -> overlap = false /* and again; head is past what was held */
		:: else ->
			/* Stores of a process that slept for a lap are the matter of allocate.pml. */
			atomic {
				if
				:: head - c <= CAP ->
					for (g : 0 .. SIZE - 1) { owner[(c + g) % CAP] = c + g }
					for (g : 0 .. HOLDERS - 1) { assert(INTACT(g)) }
				:: else
				fi
			}
		fi;
		atomic { c = 0; d = 0; t = 0; g = 0; old = 0 }
	:: else -> break
	od;
	times = 0
}

proctype Clock() {
	do :: now < TICKS -> now++ :: else -> break od
}

init {
	byte n;
	atomic {
		for (n : 0 .. CAP - 1) { owner[n] = n }
		for (n : 0 .. HOLDERS - 1) { run Holder(n) }
#ifdef READER
		run Reader();
#endif
		for (n : 1 .. ALLOCATORS) { run Allocator() }
		run Clock();
		n = 0
	}
}
