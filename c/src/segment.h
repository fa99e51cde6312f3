/*
 * One attachment: a mapping, the ring in it, and the slot that this process counts in. It is what
 * fb_client and fb_server have in common, and what topics are built on.
 *
 * Closing does not wait for calls under way in other threads, and they do not pay for a lock: the
 * mapping is replaced by zeroes of the process's own, in which no frame is found (a head of zero is
 * past no chunk, a state of zero is not open), and calls look at closed before they begin and again
 * before they tell of a success that shared memory would have to know of.
 */
#ifndef FBI_SEGMENT_H
#define FBI_SEGMENT_H

#include "clock.h"
#include "control.h"
#include "errors.h"
#include "key.h"
#include "mapping.h"
#include "ring.h"
#include "slot.h"

struct fbi_segment {
	struct fbi_key key;
	char key_text[FB_KEY_SIZE];
	struct fbi_mapping mapping;
	struct fbi_control control;
	struct fbi_clock clock;
	struct fbi_slots slots;
	struct fbi_ring ring;
	bool read_only;
	int closed; /* atomic */
};

/*
 * A function that closing calls while the memory is still there, under the lock of fbi_own: it must not
 * add or remove hooks. Those of a fork's parent are not called in the child.
 */
struct fbi_hook {
	void (*call)(struct fbi_hook *hook);
	struct fbi_hook *next, **at; /* at is NULL outside of the list */
};

/* What both kinds of attachment take. */
struct fbi_attach {
	uint32_t role; /* FBI_ROLE_... */
	bool read_only;
	bool guard; /* see fbi_backend */
	const char *name;
};

/* Maps the segment that a key names, into a zeroed structure. On an error nothing is left. */
fb_status fbi_segment_attach(struct fbi_segment *s, const char *key, const struct fbi_attach *how);

/*
 * Makes a segment of a mapping whose control object is already open: s->key, mapping and control are
 * set. FB_NO_MEMORY; then the mapping is the caller's to unmap.
 */
fb_status fbi_segment_wire(struct fbi_segment *s, const struct fbi_attach *how);

/* Closes; before is called first, while the memory is still there, or NULL. Only once does something. */
void fbi_segment_close(struct fbi_segment *s, void (*before)(void *of), void *of);

/* Unmaps and frees what s points to. fbi_segment_close was called. */
void fbi_segment_free(struct fbi_segment *s);

static inline bool fbi_is_closed(const struct fbi_segment *s)
{
	return __atomic_load_n(&s->closed, __ATOMIC_SEQ_CST);
}

/* FB_CLOSED after closing. */
fb_status fbi_segment_check_open(const struct fbi_segment *s);

/*
 * FB_CLOSED after closing, FB_CORRUPT when another process has truncated the memory. A call that reads
 * shared memory finds zeroes in both cases and fails: it needs this only afterwards, or while it waits.
 */
fb_status fbi_segment_usable(const struct fbi_segment *s);

/*
 * The end of a call: why it failed, which is that the segment was closed or damaged if that happened
 * meanwhile, else status, the thread's error. A timeout is counted by its reason. FB_OK stays so,
 * unless the segment was closed.
 */
fb_status fbi_segment_end(struct fbi_segment *s, fb_status status);

/* As fbi_segment_end, without counting. */
fb_status fbi_segment_explain(const struct fbi_segment *s, fb_status status);

/* FB_READ_ONLY, "cannot WHAT", for a client that may only read. */
fb_status fbi_segment_writable(const struct fbi_segment *s, const char *what);

/* False after closing: then the hook is not in the list. */
bool fbi_hook_add(struct fbi_segment *s, struct fbi_hook *hook);
void fbi_hook_remove(struct fbi_segment *s, struct fbi_hook *hook);

#endif
