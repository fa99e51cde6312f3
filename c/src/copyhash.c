#include "copyhash.h"

#include <string.h>

#include "copyhash_kernel.h"

/* xxhash.h does the short inputs. */
#include "xxhash_inline.h"

/* Where the parts of the secret begin that are used out of turn. */
enum { LAST_STRIPE_KEY = FBI_SECRET - FBI_STRIPE - 7, MERGE_KEY = 11 };

#define PRIME32_2 0x85EBCA77u
#define PRIME32_3 0xC2B2AE3Du
#define PRIME64_1 0x9E3779B185EBCA87u
#define PRIME64_2 0xC2B2AE3D27D4EB4Fu
#define PRIME64_3 0x165667B19E3779F9u
#define PRIME64_4 0x85EBCA77C2B2AE63u
#define PRIME64_5 0x27D4EB2F165667C5u

/* The state that every long hash begins with. Kernels load it with wide registers. */
#define ACCUMULATORS                                                                               \
	{                                                                                          \
		PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5,       \
			FBI_PRIME32_1                                                              \
	}

__extension__ typedef unsigned __int128 uint128;

static uint64_t merge(uint64_t a, uint64_t b, const unsigned char *key)
{
	const uint128 product = (uint128)(a ^ fbi_word(key)) * (b ^ fbi_word(key + 8));

	return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

/* Adds the last 64 bytes of an input of n, and returns the hash. */
static uint64_t finish(const struct fbi_kernel *k, uint64_t acc[8], const unsigned char *last,
		       size_t n)
{
	uint64_t h = (uint64_t)n * PRIME64_1;

	k->pass[FBI_PASS_SUM](acc, NULL, NULL, last, fbi_secret + LAST_STRIPE_KEY, 1);
	for (int i = 0; i < 8; i += 2)
		h += merge(acc[i], acc[i + 1], fbi_secret + MERGE_KEY + 8 * i);
	h ^= h >> 37;
	h *= 0x165667919E3779F9u;
	return h ^ h >> 32;
}

/* How many stripes come before the last one in n bytes, n being more than FBI_SHORT. */
static size_t stripes_before(size_t n)
{
	return (n - 1) / FBI_STRIPE;
}

/*
 * How many of the last stripes of a frame can be moved without prefetching past the frame, in whole
 * blocks of the hash. Prefetching past it would steal cache lines from a writer of the next chunk.
 */
static size_t clear_of_end(size_t stripes)
{
	const size_t reach = (FBI_LINES_AHEAD + FBI_HEADER) / FBI_STRIPE;

	return stripes > reach ? (stripes - reach) & ~(size_t)(FBI_PER_BLOCK - 1) : 0;
}

uint64_t fbi_kernel_hash(const struct fbi_kernel *k, const void *p, size_t n)
{
	uint64_t acc[8] __attribute__((aligned(64))) = ACCUMULATORS;
	const unsigned char *at = p;
	size_t stripes, far;

	if (n <= FBI_SHORT)
		return XXH3_64bits(p, n);
	stripes = stripes_before(n);
	far = clear_of_end(stripes);
	if (far > 0)
		k->pass[FBI_PASS_SUM_FETCH](acc, NULL, NULL, at, fbi_secret, far);
	if (stripes > far)
		k->pass[FBI_PASS_SUM](acc, NULL, NULL, at + far * FBI_STRIPE, fbi_secret,
				      stripes - far);
	return finish(k, acc, at + n - FBI_STRIPE, n);
}

/*
 * A copy of up to FBI_SHORT bytes, which is hashed in the one of the two that is private. If
 * neither is known to be, it goes through the stack.
 */
static uint64_t copy_short(void *dst, const void *src, size_t n, int way)
{
	unsigned char piece[FBI_SHORT];

	if (n == 0)
		return XXH3_64bits(NULL, 0);
	if (way & (FBI_IN | FBI_OUT)) {
		memcpy(dst, src, n);
		return XXH3_64bits(way & FBI_OUT ? dst : src, n);
	}
	memcpy(piece, src, n);
	__asm__ volatile("" ::: "memory"); /* src is not loaded again in its place */
	memcpy(dst, piece, n);
	return XXH3_64bits(piece, n);
}

/*
 * A copy of more than FBI_SHORT bytes. Kernels load each byte of src once. The rest, 1 to 64 bytes,
 * goes through the stack, where it follows what the kernel stored of the stripe before, which the
 * last stripe overlaps.
 */
static bool copy_long(const struct fbi_kernel *k, unsigned char *dst, const unsigned char *src,
		      size_t n, struct fbi_stores st, uint64_t *sum, bool (*go_on)(const void *of),
		      const void *of)
{
	uint64_t acc[8] __attribute__((aligned(64))) = ACCUMULATORS;
	unsigned char last[2 * FBI_STRIPE] __attribute__((aligned(64)));
	size_t at = 0, stripes, far;

	for (; n - at > FBI_BLOCK; at += FBI_BLOCK) {
		if (at > 0 && go_on && !go_on(of))
			return false;
		k->pass[st.pass](acc, last, dst + at, src + at, fbi_secret, FBI_BLOCK / FBI_STRIPE);
	}
	if (at > 0 && go_on && !go_on(of))
		return false;
	stripes = stripes_before(n) - at / FBI_STRIPE;
	far = st.onward ? stripes : clear_of_end(stripes);
	if (far > 0)
		k->pass[st.pass](acc, last, dst + at, src + at, fbi_secret, far);
	at += far * FBI_STRIPE;
	if (stripes > far)
		k->pass[FBI_PASS_COPY](acc, last, dst + at, src + at, fbi_secret, stripes - far);
	at += (stripes - far) * FBI_STRIPE;
	memcpy(last + FBI_STRIPE, src + at, n - at);
	__asm__ volatile("" ::: "memory"); /* src is not loaded again in its place */
	memcpy(dst + at, last + FBI_STRIPE, n - at);
	*sum = finish(k, acc, last + (n - at), n);
	return true;
}

bool fbi_kernel_copy_hash(const struct fbi_kernel *k, void *dst, const void *src, size_t n, int way,
			  uint64_t *sum, bool (*go_on)(const void *of), const void *of)
{
	struct fbi_stores st;
	bool done;

	if (n <= FBI_SHORT) {
		*sum = copy_short(dst, src, n, way);
		return true;
	}
	st = fbi_stores_of(k, dst, n, way);
	done = copy_long(k, dst, src, n, st, sum, go_on, of);
	if (st.pass == FBI_PASS_STREAM)
		k->fence();
	return done;
}

bool fbi_copy_hash_while(void *dst, const void *src, size_t n, int way, uint64_t *sum,
			 bool (*go_on)(const void *of), const void *of)
{
	if (n <= FBI_SHORT) {
		*sum = copy_short(dst, src, n, way);
		return true;
	}
	return fbi_kernel_copy_hash(fbi_kernel_in_use(), dst, src, n, way, sum, go_on, of);
}

uint64_t fbi_copy_hash(void *dst, const void *src, size_t n, int way)
{
	uint64_t sum = 0;

	fbi_copy_hash_while(dst, src, n, way, &sum, NULL, NULL);
	return sum;
}

uint64_t fbi_hash(const void *p, size_t n)
{
	if (n <= FBI_SHORT)
		return XXH3_64bits(p, n);
	return fbi_kernel_hash(fbi_kernel_in_use(), p, n);
}
