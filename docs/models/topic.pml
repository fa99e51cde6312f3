/*
 * Topics: publish, next frame, sleep and wake, end, groups.
 *
 * One or two PUBLISHERS publish FRAMES0 and FRAMES1 frames into K slots; with END the first
 * then ends the topic. With SAME all of these are one frame. SUBSCRIBERS read them, each for
 * itself or, with GROUP, as one group. With KILL one publisher may be killed at any step. Every
 * access to a shared word is a step of its own, so a process can be stopped between any two, for
 * any time. README.md says what is left out.
 *
 * The orderings: what the code with a macro does wrong, and what then happens.
 *
 * To publish, to wake, to end:
 * BREAK_NEXT_NOT_LOADED_AGAIN after the slot: the publisher replaces a frame of a later lap.
 * BREAK_SLOT_BY_STORE: two publishers fill one slot.
 * BREAK_NO_HELP for next if the slot is full: all wait for ever for a killed publisher.
 * BREAK_SEQ_AFTER_SLOT: a subscription finds no number and takes the frame for lost.
 * BREAK_LABEL_BY_STORE: two publish one frame with one label, and the first's number is lost.
 * BREAK_NEXT_BEFORE_SLOT: a kill in between leaves a number without a frame.
 * BREAK_TELL_BEFORE_SLOT is filled: the publisher sees no bit; a subscription sets it, finds
 *	nothing, and sleeps.
 * BREAK_WAKE_BEFORE_FUTEX is changed: a subscription goes to sleep just after the call.
 * BREAK_FUTEX_NOT_COUNTED: cleared and set again, the word looks unchanged.
 * BREAK_WAKE_ONE: the bit is cleared for all sleepers.
 * BREAK_END_WAKES_FIRST: the woken subscription finds the topic open and sleeps for ever.
 *
 * To subscribe:
 * BREAK_NO_SECOND_LOOK after setting the bit: the slot was filled before.
 * BREAK_NEXT_AFTER_SLOT: a frame published in between is skipped.
 * BREAK_STATE_AFTER_SLOT: a last frame and the end come in between.
 * BREAK_SEQ_NOT_CHECKED: the lap tag is the same some laps later.
 * BREAK_CURSOR_BY_STORE of a group: two members deliver one frame.
 *
 * Not needed: that subscriptions move next on, and a wake by a publisher whose compare-and-swap
 * of the futex word failed.
 */
#define TAGS 2 /* laps that a tag tells apart; the code has 64 */
#define FRAMES (FRAMES0 + FRAMES1)

/* A slot: where the record is, which for the model is its number, and the tag of the lap. */
#define LAPTAG(t) (((t) / K + 1) % TAGS)
#define WORD(o, t) ((o) * TAGS + LAPTAG(t))
#define TAG(w) ((w) % TAGS)
#define RECORD(w) ((w) / TAGS)

/* The futex word: bit 0 says that a subscription may sleep; clearing it counts. */
#ifdef BREAK_FUTEX_NOT_COUNTED
#define CLEARED(f) ((f) & 254)
#else
#define CLEARED(f) (((f) + 2) & 254)
#endif

byte next, futex;
bool ended;
byte slots[K];
byte seq[FRAMES + 2]; /* in record o, o > 0; the last one is the label of the frame */
bool labelled;        /* the label is taken */
byte cursor;          /* of the group */

#ifdef END
#define STATE ended
#else
#define STATE false
#endif

/* The kernel: which processes sleep in futex_wait. */
bool asleep[2];

/* For the model and its assertions only. */
byte count;             /* slots filled, which is frames published */
byte frame[FRAMES + 1]; /* record, or label, that was published under a number */
byte before;            /* frames published before the end */
byte finished;
bool killed;
bool kill[2];
bool delivered[FRAMES + 1];

#ifdef BREAK_WAKE_ONE
inline wake() { d_step { if :: asleep[0] -> asleep[0] = false :: else -> asleep[1] = false fi } }
#else
inline wake() { d_step { asleep[0] = false; asleep[1] = false } }
#endif

/* Sleepers are woken, if the bit says that there may be some. */
inline tell() {
	f = futex;
	if
	:: f & 1 ->
#ifdef BREAK_WAKE_BEFORE_FUTEX
		wake();
#endif
		atomic { if :: futex == f -> futex = CLEARED(f); f = 1 :: else -> f = 0 fi }
#ifndef BREAK_WAKE_BEFORE_FUTEX
		if :: f -> wake() :: else fi /* otherwise another process has cleared the bit, and wakes */
#endif
	:: else
	fi;
	f = 0
}

/* CAS next t -> t + 1 */
inline advance(t) { d_step { if :: next == t -> next = t + 1 :: else fi } }

/* With SAME all publish one frame: the one that puts its label on it needs no record. */
#ifdef SAME
#define ENTRY e
#else
#define ENTRY o
#endif

proctype Publisher(byte me) {
	byte o, t, w, f, left;
#ifdef SAME
	byte e;
#endif

	atomic { o = 1 + me * FRAMES0; left = (me == 0 -> FRAMES0 : FRAMES1) }
	{
		do
		:: left > 0 ->
			left--;
#ifdef BREAK_TELL_BEFORE_SLOT
			tell();
#endif
#ifdef SAME
#ifdef BREAK_LABEL_BY_STORE
			if :: !labelled -> labelled = true; e = FRAMES + 1 :: else -> e = o fi;
#else
			atomic { if :: !labelled -> labelled = true; e = FRAMES + 1 :: else -> e = o fi };
#endif
#endif
again:			atomic { w = 0; t = next }
			w = slots[t % K];
			atomic {
#ifndef BREAK_NEXT_NOT_LOADED_AGAIN
				if :: next != t -> goto again :: else fi;
#endif
				if :: TAG(w) != LAPTAG(t) -> goto fill :: else fi
			}
#ifdef BREAK_NO_HELP
			next != t; /* wait for the process that filled the slot */
#endif
			advance(t);
			goto again;
fill:
#ifndef BREAK_SEQ_AFTER_SLOT
			seq[ENTRY] = t;
#endif
#ifdef BREAK_NEXT_BEFORE_SLOT
			atomic { if :: next == t -> next = t + 1 :: else -> goto again fi }
#endif
			atomic {
#ifndef BREAK_SLOT_BY_STORE
				if :: slots[t % K] != w -> goto again :: else fi;
#endif
				slots[t % K] = WORD(ENTRY, t);
				assert(t == count); /* no gap, no duplicate */
				frame[t] = ENTRY; count++; w = 0
			}
#ifdef BREAK_SEQ_AFTER_SLOT
			seq[ENTRY] = t;
#endif
			advance(t);
			t = 0;
#ifndef BREAK_TELL_BEFORE_SLOT
			tell();
#endif
			o++
		:: else -> break
		od;
#ifdef END
		if
		:: me == 0 ->
#ifdef BREAK_END_WAKES_FIRST
			futex = CLEARED(futex); wake(); atomic { ended = true; before = count }
#else
			atomic { ended = true; before = count }
			futex = CLEARED(futex); /* a loop of compare-and-swap */
			wake()
#endif
		:: else
		fi
#endif
	} unless { kill[me] };
	atomic {
		finished++; o = 0; t = 0; w = 0; f = 0; left = 0;
#ifdef SAME
		e = 0
#endif
	}
}

#if SUBSCRIBERS > 0
proctype Subscriber(byte me) {
	byte s, n, w, f;
	bool end, armed;

look:
	atomic {
		n = 0; w = 0; end = false;
#ifdef GROUP
		s = cursor
#endif
	}
#ifdef BREAK_STATE_AFTER_SLOT
	n = next; w = slots[s % K]; end = STATE;
#elif defined(BREAK_NEXT_AFTER_SLOT)
	end = STATE; w = slots[s % K]; n = next;
#else
	end = STATE; n = next; w = slots[s % K];
#endif
	atomic {
		if
		:: TAG(w) == LAPTAG(s) -> armed = false; f = 0
		:: TAG(w) != LAPTAG(s) && n > s -> goto overtaken
		:: TAG(w) != LAPTAG(s) && n <= s && end -> goto eof
		:: TAG(w) != LAPTAG(s) && n <= s && !end && armed -> goto wait
		:: TAG(w) != LAPTAG(s) && n <= s && !end && !armed -> goto arm
		fi
	}

	/* the slot holds frame s, or its tag is that of a later lap */
	if :: n == s -> advance(s) :: true fi; /* may help */
	atomic {
#ifndef BREAK_SEQ_NOT_CHECKED
		if :: seq[RECORD(w)] != s -> goto overtaken :: else fi;
#endif
		assert(frame[s] == RECORD(w))
	}
	atomic {
#ifdef GROUP
#ifdef BREAK_CURSOR_BY_STORE
		cursor = s + 1;
#else
		if :: cursor != s -> goto look :: else -> cursor = s + 1 fi;
#endif
		assert(!delivered[s]); delivered[s] = true;
#endif
		s++; goto look
	}

overtaken:
	atomic {
		assert(count > s + K); /* only what is no longer there is skipped */
		n = (n > s + K -> n - K : s + 1);
#ifdef GROUP
		if :: cursor == s -> cursor = n :: else fi;
#endif
		s = n; armed = false; f = 0; goto look
	}

arm:	/* set the bit, then look once more */
	atomic { n = 0; w = 0; f = futex; if :: f & 1 -> armed = true :: else fi }
	if
	:: !armed ->
		atomic { if :: futex != f -> goto arm :: else -> futex = f | 1; f = f | 1; armed = true fi }
	:: else
	fi;
#ifndef BREAK_NO_SECOND_LOOK
	goto look;
#endif

wait:
	atomic { n = 0; w = 0; armed = false; asleep[me] = (futex == f); f = 0 } /* futex_wait */
	atomic {
		if
		:: !asleep[me] -> goto look
		:: killed -> asleep[me] = false; goto look /* 200 ms; not counted on while all live */
		:: finished == PUBLISHERS && count <= s && !ended -> goto done /* for ever, and rightly */
		fi
	}

eof:
	assert(s >= before); /* what was published before the end was seen */
done:
	atomic { s = 0; n = 0; w = 0; f = 0; end = false; armed = false }
}
#endif

#ifdef KILL
proctype Killer() {
	if
	:: atomic { kill[0] = true; killed = true }
	:: atomic { kill[PUBLISHERS - 1] = true; killed = true }
	:: true
	fi
}
#endif

init {
	byte n;
	atomic {
		for (n : 1 .. PUBLISHERS) { run Publisher(n - 1) }
#if SUBSCRIBERS > 0
		for (n : 1 .. SUBSCRIBERS) { run Subscriber(n - 1) }
#endif
#ifdef KILL
		run Killer();
#endif
		n = 0
	}
}
