/* The words of hold.pml, and what more than one of its processes does with them. */
#define CAP 2        /* units in the ring */
#define ENTRIES 2    /* in the hold table */
#ifdef BREAK_NO_GRACE
#define GRACE 0
#else
#define GRACE 1      /* the allocators': a clock may be a tick late */
#endif

/* Word D of an entry: deadline, bits that make it unique, confirmed. 0: free. */
#define TENTATIVE(deadline, unique) ((deadline) * 16 + (unique) * 2)
#define CONFIRMED(d) ((d) & 1)
#ifdef BREAK_JOIN_TENTATIVE
#define COUNTS(d) ((d) != 0)
#else
#define COUNTS(d) CONFIRMED(d)
#endif
#define DEADLINE(d) ((d) / 16)
#define EXPIRED(d, t) ((d) == 0 || (t) >= DEADLINE(d) + GRACE) /* to allocators and claimers */
#ifdef BREAK_TENTATIVE_UNSEEN
#define FREE(d, t) (!CONFIRMED(d) || EXPIRED(d, t))
#else
#define FREE(d, t) EXPIRED(d, t)
#endif

/* Word pos of an entry: the position, and in its low bits a count of the claims. */
#ifdef BREAK_NO_CLAIM_COUNT
#define NEXTPOS(old, c) ((c) * 8)
#else
#define NEXTPOS(old, c) ((c) * 8 + ((old) % 8 + 1) % 8)
#endif
#define POS(p) ((p) / 8)

byte head = CAP, until, gen, now;
byte D[ENTRIES], pos[ENTRIES];

/* For the assertions only: whose bytes stand in a unit; which process relies on which chunk until when. */
byte owner[CAP];
byte relies[HOLDERS], on[HOLDERS];

/* No process got the memory of a chunk that holder h relies on. Its clock may be a tick late. */
#define INTACT(h) (relies[h] == 0 || now > relies[h] || owner[on[h] % CAP] == on[h])

#ifdef LIMIT /* each hold counts for one, and one is the limit */
#define FEW (relies[0] <= now || relies[1] <= now)
#else
#define FEW true
#endif

inline confirm() {
	mine = mine | 1; D[e] = mine;
	relies[h] = DEADLINE(mine); on[h] = c;
	assert(INTACT(h)); assert(FEW)
}

inline raise(word, x) { /* a loop of compare-and-swap; the word only grows */
	d_step { if :: word < x -> word = x :: else fi }
}

/* At time t, is entry k, of another holder, a confirmed, unexpired hold on chunk c? */
#define NO_HOLDER 255
inline look(k, self, c, t, yes) {
	if
	:: atomic { !yes && k != self && COUNTS(D[k]) -> d = D[k] };
		p = pos[k];
		atomic {
#ifdef BREAK_ENTRY_LOADED_ONCE
			again = d;
#else
			again = D[k]; /* if not as before, the position may be the next owner's */
#endif
			if
			:: again == d && POS(p) == c && t <= DEADLINE(d) -> yes = true
			:: again != d || POS(p) != c || t >= DEADLINE(d) /* at the deadline both: a late clock */
			fi;
			d = 0; p = 0; again = 0
		}
	:: else
	fi
}

inline covered(self, c, t, yes) { look(0, self, c, t, yes); look(1, self, c, t, yes) }

/* Too much is held, if another entry holds anything. */
inline limit(k) {
	if
	:: k != e && !EXPIRED(D[k], t) -> goto withdraw
	:: else
	fi
}

inline few() { t = now; limit(0); limit(1); t = 0 }
