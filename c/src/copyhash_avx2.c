/* The kernel with registers of 32 bytes. It runs only where fbi_kernels found them. */
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

#define FBI_TARGET __attribute__((target("avx2")))
#define FBI_PART 32
#define PART_INLINE static inline __attribute__((always_inline)) FBI_TARGET

typedef __m256i part;

PART_INLINE part part_load(const void *p)
{
	return _mm256_loadu_si256((const __m256i_u *)p);
}

PART_INLINE part part_keep(part d)
{
	__asm__ volatile("" : "+x"(d));
	return d;
}

PART_INLINE void part_store(void *p, part d)
{
	_mm256_storeu_si256((__m256i_u *)p, d);
}

/* p is a multiple of 32. */
PART_INLINE void part_stream(void *p, part d)
{
	_mm256_stream_si256((__m256i *)p, d);
}

/* Each accumulator gets its own product and its neighbour's data. */
PART_INLINE part part_add(part sums, part data, part key)
{
	part keyed = _mm256_xor_si256(key, data);
	part product = _mm256_mul_epu32(keyed, _mm256_srli_epi64(keyed, 32));
	part swapped = _mm256_shuffle_epi32(data, _MM_SHUFFLE(1, 0, 3, 2));

	return _mm256_add_epi64(sums, _mm256_add_epi64(product, swapped));
}

PART_INLINE part part_scramble(part a, part key)
{
	const part prime = _mm256_set1_epi64x((int64_t)0x9E3779B1);
	part high;

	a = _mm256_xor_si256(a, _mm256_srli_epi64(a, 47));
	a = _mm256_xor_si256(a, key);
	high = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), prime);
	return _mm256_add_epi64(_mm256_mul_epu32(a, prime), _mm256_slli_epi64(high, 32));
}

/*
 * Before each block of 1 KiB. Without it the place at which the linker puts a pass decides how fast
 * it is, by up to a fifth with streaming stores; with it copies are as fast as at the best of the
 * places, with gcc and clang. Measured on a Zen 3; what counts is the number of instructions, not
 * of bytes.
 */
#define FBI_SPACER ".p2align 6\n\t.skip 48, 0x90"

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
