/*
 * Where a topic's numbers begin: ordinary publishers, a copy (mirror, replay) that begins with
 * number N, and a subscriber that was there before.
 *
 * PUBLISHERS publish FRAMES frames each into K places, the copy publishes one. With KILL one of
 * them may be killed at any step. TAGS is how many laps a tag tells apart; the code has 32. With
 * ALONE a copy that did not decide where the numbers begin publishes nothing.
 *
 * The orderings: what the code with a macro does wrong, and what then happens.
 *
 * BREAK_CLAIM_BY_STORE: the slower of a publisher and a copy changes what the other began with.
 * BREAK_CLAIM_LAST, after the words and next, and BREAK_FIRST_LOADED_EARLY, before them: a
 *	subscription counts the numbers below as lost.
 * BREAK_GO_ON_WITH_OWN number instead of first: a slower copy moves next to it.
 * BREAK_PUBLISH_WITHOUT_CLAIM of 0: a copy begins above frame 0.
 * BREAK_NEXT_BEFORE_WORDS: an unused word looks like a frame of a later lap.
 * BREAK_WORDS_BY_STORE: a copy that slept overwrites words published since.
 * BREAK_ONLY_THE_CLAIMER_GOES_ON: all wait for ever for a copy killed after its claim.
 */
#define WRITERS (PUBLISHERS + 1)
#define SIZE (N + PUBLISHERS * FRAMES + K + 2)

/* A word: the offset of the record of number s, which for the model is s + 1, or 0 for nothing;
 * and the tag of the lap. */
#define LAP(s) (((s) / K + 1) % TAGS)
#define WORD(s) (((s) + 1) * TAGS + LAP(s))
#define TAG(w) ((w) % TAGS)

byte first, next;
byte words[K];

/* For the model and its assertions only. */
bool published[SIZE]; /* the number was given to a frame */
bool left_out[SIZE];  /* the copy leaves it out, unless a publisher is faster */
bool mixed;           /* it had to: a publisher was first */
byte seen[SIZE];      /* how often the subscriber received it or counted it as lost */
byte finished;
bool kill[WRITERS];

inline advance() {
	atomic { if :: next == s -> assert(published[s] || left_out[s]); next = s + 1 :: else fi }
}

inline claim() {
	w = first;
	if
	:: w == 0 ->
		atomic {
#ifndef BREAK_CLAIM_BY_STORE
			if :: first == 0 -> first = with + 1; w = with + 1 :: else fi
#else
			assert(first == 0); /* a claim never changes */
			first = with + 1; w = with + 1
#endif
		}
	:: else
	fi;
#ifdef BREAK_ONLY_THE_CLAIMER_GOES_ON
	if :: w == 0 || w != with + 1 -> (next != 0 || first == 1) :: else fi;
#endif
#ifndef BREAK_GO_ON_WITH_OWN
	with = first - 1;
#endif
	w = 0
}

/* Words of the numbers before it, then next. */
inline carry_out() {
#ifdef BREAK_NEXT_BEFORE_WORDS
	atomic { if :: next == 0 -> next = with :: else fi };
#endif
	s = (with > K -> with - K : 0);
	do
	:: s < with ->
		atomic {
#ifndef BREAK_WORDS_BY_STORE
			if :: words[s % K] == 0 -> words[s % K] = LAP(s) :: else fi;
#else
			words[s % K] = LAP(s);
#endif
			s++
		}
	:: else -> break
	od;
	atomic { if :: next == 0 -> next = with :: else fi; s = 0 }
}

inline begin(n) {
	with = n;
#ifdef BREAK_CLAIM_LAST
	carry_out();
	claim();
#else
	claim();
	carry_out();
#endif
	with = 0
}

/* me < PUBLISHERS publishes FRAMES frames; the last is the copy, and publishes number N. */
proctype Writer(byte me) {
	byte left, s, w, with, n;

	{
		left = (me < PUBLISHERS -> FRAMES : 1);
		if
		:: me == PUBLISHERS ->
			if :: next == 0 -> begin(N) :: else fi;
#ifdef ALONE
			if :: first != N + 1 -> left = 0; goto done :: else fi;
#endif
			do /* leave out what is before N */
			:: atomic {
				s = next;
				if
				:: s >= N -> break
				:: else
				fi
			   }
			   if
			   :: N - s > K ->
				atomic {
					if
					:: next == s ->
						for (n : s .. N - 1) { left_out[n] = true };
						mixed = true;
						n = 0; next = N - K
					:: else
					fi
				}
			   :: else ->
				w = words[s % K];
				if
				:: next == s && TAG(w) != LAP(s) ->
					atomic {
						if
						:: words[s % K] == w -> words[s % K] = LAP(s); left_out[s] = true; mixed = true
						:: else -> w = 255
						fi
					}
				:: else
				fi;
				if :: w != 255 -> advance() :: else fi
			   fi
			od
		:: else
		fi;
		do
		:: left == 0 -> break
		:: else ->
again:			s = next;
#ifndef BREAK_PUBLISH_WITHOUT_CLAIM
			if :: s == 0 -> begin(0); s = next :: else fi;
#endif
			if :: me == PUBLISHERS && s != N -> break :: else fi;
			w = words[s % K];
			if :: next != s -> goto again :: else fi;
			if :: TAG(w) == LAP(s) -> advance(); goto again :: else fi;
			atomic {
				if :: words[s % K] != w -> goto again :: else fi;
				words[s % K] = WORD(s);
				assert(!published[s]); /* no number twice */
				published[s] = true
			}
			advance();
			left--
		od;
done:		skip
	} unless { kill[me] };
	atomic { finished++; left = 0; s = 0; w = 0; with = 0; n = 0 }
}

proctype Subscriber() {
	byte s, n, w, to, f;

look:
#ifdef BREAK_FIRST_LOADED_EARLY
	f = first;
#endif
	w = words[s % K];
	if
	:: TAG(w) == LAP(s) && w == WORD(s) ->
		atomic { assert(published[s]); seen[s]++; s++; w = 0; goto look }
	:: TAG(w) == LAP(s) && w != WORD(s) -> goto gone
	:: else
	fi;
	n = next;
	if
	:: n <= s -> goto wait
	:: n > s && words[s % K] != w -> goto look
	:: else
	fi;

gone:	/* go on with the oldest that is there; what is between is lost, but for what is below first */
	atomic { n = next; to = s + 1; if :: n > to && n - to > K -> to = n - K :: else fi }
	do
	:: to >= n -> break
	:: to < n -> atomic { if :: words[to % K] == WORD(to) -> break :: else -> to++ fi }
	od;
#ifndef BREAK_FIRST_LOADED_EARLY
	f = first;
#endif
	atomic {
		if :: f > 0 && f - 1 > s -> s = f - 1 :: else fi;
		do
		:: s < to ->
			/* only what is no longer there is lost */
			assert(left_out[s] || published[s] && (published[s + K] || mixed));
			seen[s]++; s++
		:: else -> break
		od;
		s = to; n = 0; w = 0; to = 0; f = 0; goto look
	}

wait:	/* nothing, for ever and rightly, once all have ended or died */
	atomic {
		n = 0; w = 0;
		if
		:: TAG(words[s % K]) == LAP(s) || next > s -> goto look
		:: finished == WRITERS && TAG(words[s % K]) != LAP(s) && next <= s
		fi
	}
	/* all that was published is received or counted, once, and nothing else */
	atomic {
		for (n : 0 .. SIZE - 1) {
			assert(published[n] || left_out[n] && n < next -> seen[n] == 1 : seen[n] <= left_out[n]);
			assert(!(published[n] || left_out[n]) || n + 1 >= first)
		};
		s = 0; n = 0
	}
}

#ifdef KILL
proctype Killer() {
	byte n;
	atomic {
		if
		:: n = 0
		:: n = PUBLISHERS
		:: n = WRITERS
		fi;
		if :: n < WRITERS -> skip :: else -> goto end fi
	}
	kill[n] = true;
end:	n = 0
}
#endif

init {
	byte n;
	atomic {
		for (n : 1 .. WRITERS) { run Writer(n - 1) }
		run Subscriber();
#ifdef KILL
		run Killer();
#endif
		n = 0
	}
}
