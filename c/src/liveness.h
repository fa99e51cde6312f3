/*
 * Makes the death of this process a fact that the kernel writes into shared memory. See
 * docs/layout.md, Liveness.
 *
 * Each word that a client or a server holds has a thread of its own, which sleeps and has the word's
 * entry in its robust list. So there is no global state, and a list never has an entry whose memory is
 * gone: releasing the word unlinks the entry and ends the thread.
 *
 *	word   written: its owner, one compare-and-swap; the kernel.  read: all processes.
 *	next   written: this process, in one piece.                   read: the kernel, at the end.
 */
#ifndef FBI_LIVENESS_H
#define FBI_LIVENESS_H

#include <stdbool.h>
#include <stdint.h>

struct fbi_life; /* a thread with a robust list */

/*
 * Starts the thread. NULL where the kernel refuses set_robust_list, or no thread can be started: words
 * then have the value FBI_LIFE_UNKNOWN.
 */
struct fbi_life *fbi_life_start(void);

/* Ends the thread. NULL is allowed. Its word was released before. */
void fbi_life_end(struct fbi_life *life);

/*
 * Changes a life word from old to this thread's id (life NULL: to FBI_LIFE_UNKNOWN), and reports whether
 * it was old. From then on the kernel marks it when the process ends.
 *
 * Preconditions: the FBI_LIFE_DISTANCE bytes in front of the word's control object are private memory;
 * life holds no word.
 */
bool fbi_life_hold(struct fbi_life *life, uint32_t *word, uint32_t old);

/* Makes the word 0, if it is still this process's. */
void fbi_life_release(struct fbi_life *life, uint32_t *word);

#endif
