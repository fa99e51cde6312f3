/* Every kernel and way against the reference: its vectors, and its header on all lengths. */
#include "copyhash_ways.h"

enum { MARGIN = 64, MOST = (4 << 20) + 4096 };

static unsigned char *src, *dst; /* of MOST bytes and margins, multiples of 64 */

static const size_t large[] = {
	4096,
	4097,
	4160,
	4161,
	5000,
	8192,
	FBI_BLOCK - 1,
	FBI_BLOCK,
	FBI_BLOCK + 1,
	FBI_BLOCK + 64,
	FBI_BLOCK + 65,
	2 * FBI_BLOCK,
	2 * FBI_BLOCK + 4095,
	1 << 20,
	(1 << 20) + 33,
	4 << 20,
	(4 << 20) + 1,
};

static bool all_are(const unsigned char *p, size_t n, unsigned char value)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != value)
			return false;
	}
	return true;
}

/* Copies in all ways between those offsets, with bytes around the destination that must stay. */
static void each_way(const struct fbi_kernel *k, size_t n, size_t to, size_t from, uint64_t want)
{
	unsigned char *out = dst + MARGIN + to;

	for (size_t w = 0; w < WAYS; w++) {
		memset(out - MARGIN, 0xa5, n + 2 * MARGIN);
		check_copy(k, out, src + from, n, ways[w], want);
		MUST(all_are(out - MARGIN, MARGIN, 0xa5) && all_are(out + n, MARGIN, 0xa5));
	}
}

static void length(const struct fbi_kernel *const *all, size_t kernels, size_t n)
{
	static const size_t offsets[][2] = {{0, 0}, {0, 1}, {1, 0}, {32, 16}, {8, 63}, {63, 8}};
	const size_t pairs = n <= 600 || n % 64 < 2 ? sizeof(offsets) / sizeof(offsets[0]) : 2;

	for (size_t o = 0; o < pairs; o++) {
		const unsigned char *in = src + offsets[o][1];
		const uint64_t want = XXH3_64bits(in, n);

		for (size_t i = 0; i < kernels; i++) {
			EQ(fbi_kernel_hash(all[i], in, n), want);
			each_way(all[i], n, offsets[o][0], offsets[o][1], want);
		}
		EQ(fbi_hash(in, n), want);
		EQ(fbi_copy_hash(dst, in, n, FBI_AUTO), want);
	}
}

/* Pairs of a length and the hash in sixteen hexadecimal digits. */
static void vectors(const struct fbi_kernel *const *all, size_t kernels)
{
	static const char *volatile file; /* never freed, and so no leak */
	json pairs, pair;
	size_t i = 0;

	file = json_file("xxh3.json");
	pairs = json_member(file, "vectors");
	for (; (pair = json_item(pairs, i)) != NULL; i++) {
		const size_t n = json_number(json_item(pair, 0));
		char *digits = json_string(json_item(pair, 1));
		const uint64_t want = strtoull(digits, NULL, 16);

		MUST(n <= MOST);
		fill(src, n);
		EQ(XXH3_64bits(src, n), want);
		for (size_t k = 0; k < kernels; k++) {
			EQ(fbi_kernel_hash(all[k], src, n), want);
			each_way(all[k], n, 0, 0, want);
		}
		free(digits);
	}
	TRUE(i > 60);
}

int main(void)
{
	const struct fbi_kernel *all[FBI_KERNELS];
	size_t kernels = fbi_kernels(all);

	src = aligned_alloc(64, MOST + 2 * MARGIN);
	dst = aligned_alloc(64, MOST + 4 * MARGIN);
	MUST(src && dst);
	vectors(all, kernels);
	fill(src, MOST + MARGIN);
	for (size_t n = 0; n <= 2048; n++)
		length(all, kernels, n);
	for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++)
		length(all, kernels, large[i]);
	free(src);
	free(dst);
	return test_result();
}
