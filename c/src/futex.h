/*
 * Sleeping on a word of shared memory until another process has changed it and wakes the sleepers.
 */
#ifndef FBI_FUTEX_H
#define FBI_FUTEX_H

#include <stdint.h>

/*
 * Sleeps while the word is old, for at most ns. Returns 0 when it was woken, when the word had
 * another value, when the time was over, and sometimes for no reason: callers look at the word
 * again. Otherwise an error number. Not private: the kernel knows the word by the memory behind it,
 * since its address differs between processes.
 */
int fbi_futex_wait(uint32_t *word, uint32_t old, int64_t ns);

/* Wakes all that sleep on the word. It does not fail on a word that is mapped. */
void fbi_futex_wake(uint32_t *word);

#endif
