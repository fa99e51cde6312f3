/*
 * The ring without holds: allocate, write, read.
 *
 * A chunk is UNITS units; the first stands for the header, every one for a block between two
 * looks at head. A unit holds one number, which names the chunk and its writer. Every access
 * to a shared word or unit is a step of its own, so a process can be stopped between any two,
 * for a whole lap or for ever. README.md says what is left out.
 *
 * The ring has CAP units; each writer allocates CHUNKS chunks, each reader reads once.
 *
 * The orderings: what the code with a macro does wrong, and what then happens.
 *
 * BREAK_ADD_IN_TWO_STEPS: two writers get one chunk.
 * BREAK_STORE_BEFORE_ADD, to head: a reader of the old chunk loads new bytes and finds head
 *	unmoved.
 * BREAK_READER_LOOKS_BEFORE: it finds the chunk alive, stops for a lap, and loads another frame.
 * BREAK_WRITER_DOES_NOT_LOOK, at head: after a lap it overwrites others with its whole frame.
 * BREAK_WRITER_LOOKS_BEFORE each block, not after: it reports a write that went over another
 *	frame.
 * BREAK_NO_CHECKSUM: head does not tell that a process that slept put a block into the frame.
 * BREAK_SUM_OF_MEMORY, not of what was to be written: it covers the block of a process that
 *	slept too.
 */
#define ALIVE(h, c) ((h) - (c) <= CAP)
#define CONTENT(c, writer) ((c) * 4 + (writer) + 1)

byte head;
byte unit[CAP];

/* The last descriptor handed on, valid if its checksum is not 0. Here no two contents have
   the same checksum. */
byte chunk;
short checksum;
byte author; /* for the assertions only */
#define SUM(s, content) ((s) * 64 + (content))

/* For the assertions only: stores by a process whose chunk was no longer alive. */
bool late[CAP];

inline store(k) {
	atomic {
		unit[(c + k) % CAP] = CONTENT(c, me);
		late[(c + k) % CAP] = !ALIVE(head, c);
		if :: late[(c + k) % CAP] -> damage++ :: else fi;
		assert(damage <= 1) /* a process that slept spoils one block at most */
	}
}

proctype Writer(byte me) {
	byte c, h, k, n, damage;
	short s;

	do
	:: n < CHUNKS ->
		n++;
		/* allocate */
#ifdef BREAK_ADD_IN_TWO_STEPS
		c = head;
		head = c + UNITS;
		h = head;
#else
#ifdef BREAK_STORE_BEFORE_ADD
		c = head;
		store(0);
#endif
		atomic {
#ifdef BREAK_STORE_BEFORE_ADD
			if :: head != c -> goto gone :: else fi;
#endif
			c = head; head = head + UNITS
		}
		h = head;
#endif
		if :: !ALIVE(h, c) -> goto gone :: else fi;
		k = 0;
		/* write, and look at head after each block */
		do
		:: k < UNITS ->
#ifdef BREAK_WRITER_LOOKS_BEFORE
			h = head;
			if :: !ALIVE(h, c) -> goto gone :: else fi;
#endif
			store(k);
			k++;
#if !defined(BREAK_WRITER_LOOKS_BEFORE) && !defined(BREAK_WRITER_DOES_NOT_LOOK)
			h = head;
			if :: !ALIVE(h, c) -> goto gone :: else fi
#endif
		:: else -> break
		od;
		k = 0;
		do
		:: k < UNITS ->
#ifdef BREAK_SUM_OF_MEMORY
			s = SUM(s, unit[(c + k) % CAP]);
#else
			s = SUM(s, CONTENT(c, me));
#endif
			k++
		:: else -> break
		od;
		assert(damage == 0); /* what is reported as written was alive when it was written */
		atomic { chunk = c; checksum = s; author = me }
gone:
		atomic { c = 0; h = 0; k = 0; s = 0; damage = 0 }
	:: else -> break
	od;
	n = 0
}

proctype Reader() {
	byte c, h, k, by;
	short s, sum;
	bool other, taken;

end_waiting:
	atomic { checksum != 0 -> c = chunk; sum = checksum; by = author }
	h = head;
	if :: !ALIVE(h, c) -> goto gone :: else fi;
#ifdef BREAK_READER_LOOKS_BEFORE
	h = head;
#endif
	do
	:: k < UNITS ->
		atomic {
			s = SUM(s, unit[(c + k) % CAP]);
			if
			:: unit[(c + k) % CAP] != CONTENT(c, by) -> other = true; taken = taken || !late[(c + k) % CAP]
			:: else
			fi
		}
		k++
	:: else -> break
	od;
#ifndef BREAK_READER_LOOKS_BEFORE
	h = head;
#endif
	if :: !ALIVE(h, c) -> goto gone :: else fi;
	assert(!taken); /* other bytes can only come from a process that slept */
#ifndef BREAK_NO_CHECKSUM
	if :: s != sum -> goto gone :: else fi;
#endif
	assert(!other); /* what is returned is what was written */
gone:
	skip
}

init {
	byte n;
	atomic {
		for (n : 0 .. WRITERS - 1) { run Writer(n) }
		for (n : 1 .. READERS) { run Reader() }
		n = 0
	}
}
