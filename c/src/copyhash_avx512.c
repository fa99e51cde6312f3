/*
 * The kernel with registers of 64 bytes, of AVX512F alone. It runs only where fbi_kernels found
 * them.
 */
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

#define FBI_TARGET __attribute__((target("avx512f")))
#define LANES_INLINE static inline __attribute__((always_inline)) FBI_TARGET

typedef struct {
	__m512i v;
} lanes;

LANES_INLINE lanes lanes_load(const void *p)
{
	return (lanes){_mm512_loadu_si512(p)};
}

LANES_INLINE lanes lanes_keep(lanes d)
{
	__asm__ volatile("" : "+v"(d.v));
	return d;
}

LANES_INLINE void lanes_store(void *p, lanes d)
{
	_mm512_storeu_si512(p, d.v);
}

/* p is a multiple of 64. */
LANES_INLINE void lanes_stream(void *p, lanes d)
{
	_mm512_stream_si512(p, d.v);
}

/* Each accumulator gets its own product and its neighbour's data. */
LANES_INLINE lanes lanes_add(lanes sums, lanes data, lanes key)
{
	__m512i keyed = _mm512_xor_si512(data.v, key.v);
	__m512i product = _mm512_mul_epu32(keyed, _mm512_srli_epi64(keyed, 32));
	__m512i swapped = _mm512_shuffle_epi32(data.v, (_MM_PERM_ENUM)_MM_SHUFFLE(1, 0, 3, 2));

	return (lanes){_mm512_add_epi64(sums.v, _mm512_add_epi64(product, swapped))};
}

LANES_INLINE lanes lanes_scramble(lanes sums, lanes key)
{
	const __m512i prime = _mm512_set1_epi64((int64_t)0x9E3779B1);
	__m512i a = sums.v, high;

	a = _mm512_xor_si512(a, _mm512_srli_epi64(a, 47));
	a = _mm512_xor_si512(a, key.v);
	high = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), prime);
	return (lanes){_mm512_add_epi64(_mm512_mul_epu32(a, prime), _mm512_slli_epi64(high, 32))};
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
