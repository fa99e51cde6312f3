/*
 * The kernel of arm64, each of which has NEON. It has no streaming stores: the architecture's STNP
 * is only a hint, and there was no machine to measure it on; for the same reason all passes
 * prefetch the source alone, as Go's kernel does.
 */
#if defined(__aarch64__)

#include <arm_neon.h>
#include <stdint.h>

#include "copyhash_kernel.h"

typedef struct {
	uint64x2_t v[4];
} lanes;

#define LANES_INLINE static inline __attribute__((always_inline))

LANES_INLINE lanes lanes_load(const void *p)
{
	const uint8_t *at = p;
	lanes d;

	for (int i = 0; i < 4; i++)
		d.v[i] = vreinterpretq_u64_u8(vld1q_u8(at + 16 * i));
	return d;
}

/*
 * The compiler cannot load the same bytes again after it: it believes that the registers were
 * changed.
 */
LANES_INLINE lanes lanes_keep(lanes d)
{
	__asm__ volatile("" : "+w"(d.v[0]), "+w"(d.v[1]), "+w"(d.v[2]), "+w"(d.v[3]));
	return d;
}

LANES_INLINE void lanes_store(void *p, lanes d)
{
	uint8_t *at = p;

	for (int i = 0; i < 4; i++)
		vst1q_u8(at + 16 * i, vreinterpretq_u8_u64(d.v[i]));
}

/* Each accumulator gets its own product and its neighbour's data. */
LANES_INLINE lanes lanes_add(lanes sums, lanes data, lanes key)
{
	for (int i = 0; i < 4; i++) {
		uint64x2_t keyed = veorq_u64(data.v[i], key.v[i]);

		sums.v[i] = vaddq_u64(sums.v[i], vextq_u64(data.v[i], data.v[i], 1));
		sums.v[i] = vmlal_u32(sums.v[i], vmovn_u64(keyed), vshrn_n_u64(keyed, 32));
	}
	return sums;
}

LANES_INLINE lanes lanes_scramble(lanes sums, lanes key)
{
	const uint32x2_t prime = vdup_n_u32(FBI_PRIME32_1);

	for (int i = 0; i < 4; i++) {
		uint64x2_t a = sums.v[i];

		a = veorq_u64(a, vshrq_n_u64(a, 47));
		a = veorq_u64(a, key.v[i]);
		sums.v[i] = vshlq_n_u64(vmull_u32(vshrn_n_u64(a, 32), prime), 32);
		sums.v[i] = vmlal_u32(sums.v[i], vmovn_u64(a), prime);
	}
	return sums;
}

/* One loop for all passes. dst and last are NULL in those that do not copy. */
LANES_INLINE void pass(uint64_t acc[8], unsigned char *last, unsigned char *dst,
		       const unsigned char *src, const unsigned char *key, size_t stripes)
{
	lanes sums = lanes_load(acc), data = sums;

	for (size_t i = 0; stripes > 0; stripes--, src += FBI_STRIPE) {
		__builtin_prefetch((const void *)((uintptr_t)src + 1024), 0, 0);
		data = lanes_keep(lanes_load(src));
		if (dst) {
			lanes_store(dst, data);
			dst += FBI_STRIPE;
		}
		sums = lanes_add(sums, data, lanes_load(key + 8 * i));
		if (++i == FBI_PER_BLOCK) {
			sums = lanes_scramble(sums, lanes_load(key + FBI_SCRAMBLE_KEY));
			i = 0;
		}
	}
	lanes_store(acc, sums);
	if (last)
		lanes_store(last, data);
}

static void sum(uint64_t acc[8], unsigned char *last, unsigned char *dst, const unsigned char *src,
		const unsigned char *key, size_t stripes)
{
	(void)last, (void)dst;
	pass(acc, NULL, NULL, src, key, stripes);
}

static void copy(uint64_t acc[8], unsigned char *last, unsigned char *dst, const unsigned char *src,
		 const unsigned char *key, size_t stripes)
{
	pass(acc, last, dst, src, key, stripes);
}

const struct fbi_kernel fbi_kernel_neon = {
	"neon",
	false,
	NULL,
	{sum, sum, copy, copy, copy, copy},
};

#else
typedef int fbi_no_neon; /* a file has something in it */
#endif
