/* The kernel with registers of 32 bytes. It runs only where fbi_kernels found them. */
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

#define FBI_TARGET __attribute__((target("avx2")))
#define LANES_INLINE static inline __attribute__((always_inline)) FBI_TARGET

typedef struct {
	__m256i v[2];
} lanes;

LANES_INLINE lanes lanes_load(const void *p)
{
	const __m256i_u *at = p;

	return (lanes){{_mm256_loadu_si256(at), _mm256_loadu_si256(at + 1)}};
}

LANES_INLINE lanes lanes_keep(lanes d)
{
	__asm__ volatile("" : "+x"(d.v[0]), "+x"(d.v[1]));
	return d;
}

LANES_INLINE void lanes_store(void *p, lanes d)
{
	__m256i_u *at = p;

	_mm256_storeu_si256(at, d.v[0]);
	_mm256_storeu_si256(at + 1, d.v[1]);
}

/* p is a multiple of 64. */
LANES_INLINE void lanes_stream(void *p, lanes d)
{
	__m256i *at = p;

	_mm256_stream_si256(at, d.v[0]);
	_mm256_stream_si256(at + 1, d.v[1]);
}

/* Each accumulator gets its own product and its neighbour's data. */
LANES_INLINE lanes lanes_add(lanes sums, lanes data, lanes key)
{
	for (int i = 0; i < 2; i++) {
		__m256i keyed = _mm256_xor_si256(data.v[i], key.v[i]);
		__m256i product = _mm256_mul_epu32(keyed, _mm256_srli_epi64(keyed, 32));
		__m256i swapped = _mm256_shuffle_epi32(data.v[i], _MM_SHUFFLE(1, 0, 3, 2));

		sums.v[i] = _mm256_add_epi64(sums.v[i], _mm256_add_epi64(product, swapped));
	}
	return sums;
}

LANES_INLINE lanes lanes_scramble(lanes sums, lanes key)
{
	const __m256i prime = _mm256_set1_epi64x((int64_t)0x9E3779B1);

	for (int i = 0; i < 2; i++) {
		__m256i a = sums.v[i], high;

		a = _mm256_xor_si256(a, _mm256_srli_epi64(a, 47));
		a = _mm256_xor_si256(a, key.v[i]);
		high = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), prime);
		sums.v[i] =
			_mm256_add_epi64(_mm256_mul_epu32(a, prime), _mm256_slli_epi64(high, 32));
	}
	return sums;
}

#include "copyhash_pass.h"

static void fence(void)
{
	_mm_sfence();
}

const struct fbi_kernel fbi_kernel_avx2 = {
	"avx2",
	true,
	fence,
	{sum, sum_fetch, copy, fetch, lead, stream},
};

#else
typedef int fbi_no_avx2; /* a file has something in it */
#endif
