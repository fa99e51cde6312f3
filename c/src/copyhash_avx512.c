/*
 * The kernel with registers of 64 bytes, of AVX512F alone. It runs only where fbi_kernels found
 * them.
 */
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

#define FBI_TARGET __attribute__((target("avx512f")))
#define FBI_PART 64
#define PART_INLINE static inline __attribute__((always_inline)) FBI_TARGET

typedef __m512i part;

PART_INLINE part part_load(const void *p)
{
	return _mm512_loadu_si512(p);
}

PART_INLINE part part_keep(part d)
{
	__asm__ volatile("" : "+v"(d));
	return d;
}

PART_INLINE void part_store(void *p, part d)
{
	_mm512_storeu_si512(p, d);
}

/* p is a multiple of 64. */
PART_INLINE void part_stream(void *p, part d)
{
	_mm512_stream_si512((__m512i *)p, d);
}

/* Each accumulator gets its own product and its neighbour's data. */
PART_INLINE part part_add(part sums, part data, part key)
{
	part keyed = _mm512_xor_si512(key, data);
	part product = _mm512_mul_epu32(keyed, _mm512_srli_epi64(keyed, 32));
	part swapped = _mm512_shuffle_epi32(data, (_MM_PERM_ENUM)_MM_SHUFFLE(1, 0, 3, 2));

	return _mm512_add_epi64(sums, _mm512_add_epi64(product, swapped));
}

PART_INLINE part part_scramble(part a, part key)
{
	const part prime = _mm512_set1_epi64((int64_t)0x9E3779B1);
	part high;

	a = _mm512_xor_si512(a, _mm512_srli_epi64(a, 47));
	a = _mm512_xor_si512(a, key);
	high = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), prime);
	return _mm512_add_epi64(_mm512_mul_epu32(a, prime), _mm512_slli_epi64(high, 32));
}

#define FBI_KEYS_HELD /* in memory each of them lies across two cache lines */
#include "copyhash_pass.h"

static void fence(void)
{
	_mm_sfence();
}

const struct fbi_kernel fbi_kernel_avx512 = {
	"avx512",
	true,
	fence,
	{sum, sum_fetch, copy, fetch, lead, stream},
};

#else
typedef int fbi_no_avx512; /* a file has something in it */
#endif
