/*
 * The loop of the kernels of x86. A file that includes it has defined FBI_TARGET (attributes of
 * functions), the type part of FBI_PART bytes in a register, and part_load, part_keep, part_store,
 * part_stream, part_add and part_scramble; FBI_KEYS_HELD says that a block's keys fit into
 * registers too.
 *
 * part_keep is why one load is enough: it makes the compiler believe that the register was changed,
 * so that it cannot load the same bytes again instead of keeping them.
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

/* The parts of a stripe, and the accumulators likewise. */
typedef struct {
	part v[FBI_STRIPE / FBI_PART];
} parts;

enum { PARTS = FBI_STRIPE / FBI_PART };

FBI_INLINE parts parts_load(const void *p)
{
	parts all;

#pragma GCC unroll 2
	for (int i = 0; i < PARTS; i++)
		all.v[i] = part_load((const unsigned char *)p + i * FBI_PART);
	return all;
}

FBI_INLINE void parts_store(void *p, parts all)
{
#pragma GCC unroll 2
	for (int i = 0; i < PARTS; i++)
		part_store((unsigned char *)p + i * FBI_PART, all.v[i]);
}

/*
 * Takes a stripe: each part is loaded, stored and added. Sets *data to what it loaded. The key is
 * in registers, or it is loaded behind the store, where the compiler can make it an operand: each
 * instruction less is one more that the CPU can look ahead.
 */
FBI_INLINE parts stripe(parts sums, parts *data, unsigned char *dst, const unsigned char *src,
			const parts *held, const unsigned char *key, enum store st)
{
#pragma GCC unroll 2
	for (int i = 0; i < PARTS; i++) {
		part d = part_keep(part_load(src + i * FBI_PART));

		if (st == ORDINARY)
			part_store(dst + i * FBI_PART, d);
		if (st == NON_TEMPORAL)
			part_stream(dst + i * FBI_PART, d);
		sums.v[i] =
			part_add(sums.v[i], d, held ? held->v[i] : part_load(key + i * FBI_PART));
		data->v[i] = d;
	}
	return sums;
}

FBI_INLINE void pass(uint64_t acc[8], unsigned char *last, unsigned char *dst,
		     const unsigned char *src, const unsigned char *key, size_t stripes,
		     enum store st, enum side lines)
{
	const uintptr_t ahead = st == NON_TEMPORAL ? FBI_STREAM_AHEAD : FBI_LINES_AHEAD;
	parts sums = parts_load(acc), data = sums, k;
#ifdef FBI_KEYS_HELD
	parts keys[FBI_PER_BLOCK];
#pragma GCC unroll 16
	for (int i = 0; i < FBI_PER_BLOCK; i++)
		keys[i].v[0] = part_keep(part_load(key + 8 * i));
#define FBI_HELD(i) (&keys[i])
#else
#define FBI_HELD(i) NULL
#endif

	for (;;) {
		if (st != NONE)
			ask_page(dst, FBI_STORES_AHEAD);
		ask_page(src, lines == SOURCE ? FBI_LOADS_AHEAD : FBI_STORES_AHEAD);
#ifdef FBI_SPACER
		if (st != NONE)
			__asm__ volatile(FBI_SPACER);
#endif
#pragma GCC unroll 16
		for (int i = 0; i < FBI_PER_BLOCK; i++) {
			if (lines == SOURCE)
				ask(src + i * FBI_STRIPE, ahead);
			if (lines == TARGET)
				ask(dst + i * FBI_STRIPE, FBI_LINES_AHEAD + FBI_HEADER);
			sums = stripe(sums, &data, st == NONE ? NULL : dst + i * FBI_STRIPE,
				      src + i * FBI_STRIPE, FBI_HELD(i), key + 8 * i, st);
			if (i < FBI_PER_BLOCK - 1 && --stripes == 0)
				goto done;
		}
		k = parts_load(key + FBI_SCRAMBLE_KEY);
#pragma GCC unroll 2
		for (int i = 0; i < PARTS; i++)
			sums.v[i] = part_scramble(sums.v[i], k.v[i]);
		src += FBI_HASH_BLOCK;
		if (st != NONE)
			dst += FBI_HASH_BLOCK;
		if (--stripes == 0)
			break;
	}
done:
	parts_store(acc, sums);
	if (st != NONE)
		parts_store(last, data);
}
#undef FBI_HELD

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
