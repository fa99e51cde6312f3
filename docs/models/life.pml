/*
 * Life words: clients take and give back one slot while the kernel kills them at any step; and a
 * subscriber that receives all that was published before its server died.
 *
 * Process p has the id p + 1 and a robust list that has the slot's life word or not. A process is
 * killed before any step, and the kernel walks its list in a later one.
 *
 * The orderings: what the code with a macro does wrong, and what then happens.
 *
 * BREAK_TAKE_BY_STORE: two clients have one slot.
 * BREAK_CLAIM_BEFORE_LIFE: a slower client leaves its claim in another's slot.
 * BREAK_LINK_AFTER_LIFE (into the kernel's list), BREAK_UNLINK_BEFORE_FREE: a client killed in
 *	between blocks the slot for ever.
 * BREAK_UNCLAIM_AFTER_LIFE: the next owner loses its claim.
 * BREAK_NO_WALK of a dead process's list by the kernel: its slot is lost.
 * BREAK_PUBLISHER_LOOKS_BEFORE (at the server) it stores into the queue: its frame counts as
 *	published, but the subscription has ended.
 * BREAK_LOOKS_AT_THE_END_LAST, after the queue: a frame published in between is missed.
 */
#define FREE 0
#define DIED 255

#ifdef SLOT
byte life = FREE;
byte claim = 0;
bool linked[CLIENTS];
bool owns[CLIENTS];
bool dead[CLIENTS];
byte kills = 0;

#define ID (p + 1)

/* Before each step: go on, or be killed, if fewer than KILLS were. */
#define MAY_DIE if :: atomic { kills < KILLS -> kills++; dead[p] = true; goto died } :: true fi

inline take_it() {
#ifdef BREAK_TAKE_BY_STORE
	life = ID; ok = true
#else
	atomic { ok = life == old; if :: ok -> life = ID :: else fi }
#endif
}

proctype Client(byte p) {
	byte old, round, q;
	bool ok;

	do
	:: round == ROUNDS -> goto end
	:: else ->
		round++;
		MAY_DIE;
		old = life;
		if
		:: old != FREE && old != DIED
		:: else ->
#ifdef BREAK_CLAIM_BEFORE_LIFE
			MAY_DIE;
			claim = ID;
#endif
			MAY_DIE;
#ifdef BREAK_LINK_AFTER_LIFE
			take_it();
			MAY_DIE;
			if :: ok -> linked[p] = true :: else fi;
#else
			linked[p] = true;
			MAY_DIE;
			take_it();
#endif
			MAY_DIE;
			if
			:: !ok -> linked[p] = false
			:: else ->
				atomic {
					owns[p] = true;
					for (q : 0 .. CLIENTS - 1) { assert(q == p || dead[q] || !owns[q]) };
					q = 0
				}
#ifndef BREAK_CLAIM_BEFORE_LIFE
				MAY_DIE;
				claim = ID;
#endif
				/* attached: its words are its own, and the kernel says that it lives */
				MAY_DIE;
				assert(claim == ID && life == ID);
				owns[p] = false;
#ifndef BREAK_UNCLAIM_AFTER_LIFE
				claim = 0;
				MAY_DIE;
#endif
#ifdef BREAK_UNLINK_BEFORE_FREE
				linked[p] = false;
				MAY_DIE;
#endif
				atomic { if :: life == ID -> life = FREE :: else fi };
				MAY_DIE;
#ifdef BREAK_UNCLAIM_AFTER_LIFE
				claim = 0;
				MAY_DIE;
#endif
				linked[p] = false
			fi
		fi
	od;
died:
#ifndef BREAK_NO_WALK
	/* the kernel */
	atomic { if :: linked[p] && life == ID -> life = DIED :: else fi };
#endif
end:	skip
}

init {
	byte i;
	atomic { for (i : 0 .. CLIENTS - 1) { run Client(i) } }
	/* when all have ended or died and the kernel has walked, the slot can be taken */
	timeout -> assert(life == FREE || life == DIED)
}
#endif

#ifdef SERVER
bool gone = false;
byte queue = 0;         /* frames published */
byte received = 0;      /* the subscriber has all frames before this one, in order */
byte promised = 0;      /* the publisher was told that frames before this one are published */
bool ended = false;

proctype Publisher() {
	bool over;

	do
	:: queue == FRAMES -> break
	:: else ->
#ifdef BREAK_PUBLISHER_LOOKS_BEFORE
		over = gone;
		if :: over -> break :: else fi;
		queue++;
#else
		queue++;
		over = gone;
		if :: over -> break :: else fi;
#endif
		promised = queue
	od
}

proctype Subscriber() {
	bool over, nothing;

	do
	:: received < queue -> received++
	:: else ->
#ifdef BREAK_LOOKS_AT_THE_END_LAST
		nothing = received == queue;
		over = gone;
#else
		over = gone;
		nothing = received == queue;
#endif
		if :: over && nothing -> break :: else fi
	od;
	ended = true
}

proctype Kernel() { gone = true }

init {
	atomic { run Publisher(); run Subscriber(); run Kernel() }
	/* what the publisher was told is published has been received */
	timeout -> assert(ended && received >= promised)
}
#endif
