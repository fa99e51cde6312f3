/*
 * The loop of the kernels. A file that includes it has defined FBI_TARGET (attributes of
 * functions), the type lanes of 64 bytes in registers, and lanes_load, lanes_keep, lanes_store,
 * lanes_stream, lanes_add and lanes_scramble; FBI_KEYS_HELD says that a block's keys fit into
 * registers too.
 *
 * lanes_keep is why one load is enough: it makes the compiler believe that the registers were
 * changed, so that it cannot load the same bytes again instead of keeping them.
 *
 * There is one loop, over blocks, unrolled and left in the middle of the last block: the CPU knows
 * a stream by the instruction that loads or stores it, and a loop of its own for what is left over
 * costs a fifth with frames of 4 KiB in cold memory.
 */
#include "copyhash_kernel.h"

#define FBI_INLINE static inline __attribute__((always_inline)) FBI_TARGET
#define FBI_PASS static FBI_TARGET

enum side { NEITHER, SOURCE, TARGET };
enum store { NONE, ORDINARY, NON_TEMPORAL };

/* Asks for the line so many bytes on. Asking beyond the end of memory is harmless. */
FBI_INLINE void ask(const unsigned char *at, uintptr_t ahead)
{
	__builtin_prefetch((const void *)((uintptr_t)at + ahead), 0, 3);
}

/*
 * In one block of each page, asks for a line some pages on: what takes long in cold memory is not
 * only the bytes but their address, which the CPU looks up in the page tables when it first touches
 * a page.
 */
FBI_INLINE void ask_page(const unsigned char *at, uintptr_t ahead)
{
	if (((uintptr_t)at & (FBI_PAGE - FBI_HASH_BLOCK)) == 0)
		ask(at, ahead);
}

FBI_INLINE void pass(uint64_t acc[8], unsigned char *last, unsigned char *dst,
		     const unsigned char *src, const unsigned char *key, size_t stripes,
		     enum store st, enum side lines)
{
	const uintptr_t ahead = st == NON_TEMPORAL ? FBI_STREAM_AHEAD : FBI_LINES_AHEAD;
	lanes sums = lanes_load(acc), data = sums;
#ifdef FBI_KEYS_HELD
	lanes keys[FBI_PER_BLOCK];
#pragma GCC unroll 16
	for (int i = 0; i < FBI_PER_BLOCK; i++)
		keys[i] = lanes_keep(lanes_load(key + 8 * i));
#define FBI_KEY(i) keys[i]
#else
#define FBI_KEY(i) lanes_load(key + 8 * (i))
#endif

	for (;;) {
		if (st != NONE)
			ask_page(dst, FBI_STORES_AHEAD);
		ask_page(src, lines == SOURCE ? FBI_LOADS_AHEAD : FBI_STORES_AHEAD);
#pragma GCC unroll 16
		for (int i = 0; i < FBI_PER_BLOCK; i++) {
			if (lines == SOURCE)
				ask(src + i * FBI_STRIPE, ahead);
			if (lines == TARGET)
				ask(dst + i * FBI_STRIPE, FBI_LINES_AHEAD + FBI_HEADER);
			data = lanes_keep(lanes_load(src + i * FBI_STRIPE));
			if (st == ORDINARY)
				lanes_store(dst + i * FBI_STRIPE, data);
			if (st == NON_TEMPORAL)
				lanes_stream(dst + i * FBI_STRIPE, data);
			sums = lanes_add(sums, data, FBI_KEY(i));
			if (i < FBI_PER_BLOCK - 1 && --stripes == 0)
				goto done;
		}
		sums = lanes_scramble(sums, lanes_load(key + FBI_SCRAMBLE_KEY));
		src += FBI_HASH_BLOCK;
		if (st != NONE)
			dst += FBI_HASH_BLOCK;
		if (--stripes == 0)
			break;
	}
done:
	lanes_store(acc, sums);
	if (st != NONE)
		lanes_store(last, data);
}
#undef FBI_KEY

#define FBI_PASS_FUNCTION(name, st, lines)                                                         \
	FBI_PASS void name(uint64_t acc[8], unsigned char *last, unsigned char *dst,               \
			   const unsigned char *src, const unsigned char *key, size_t stripes)     \
	{                                                                                          \
		pass(acc, last, dst, src, key, stripes, st, lines);                                \
	}

FBI_PASS_FUNCTION(sum, NONE, NEITHER)
FBI_PASS_FUNCTION(sum_fetch, NONE, SOURCE)
FBI_PASS_FUNCTION(copy, ORDINARY, NEITHER)
FBI_PASS_FUNCTION(fetch, ORDINARY, SOURCE)
FBI_PASS_FUNCTION(lead, ORDINARY, TARGET)
FBI_PASS_FUNCTION(stream, NON_TEMPORAL, SOURCE)
