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
		CHECK(all_are(out - MARGIN, MARGIN, 0xa5) && all_are(out + n, MARGIN, 0xa5));
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
			CHECK_U64(fbi_kernel_hash(all[i], in, n), want);
			each_way(all[i], n, offsets[o][0], offsets[o][1], want);
		}
		CHECK_U64(fbi_hash(in, n), want);
		CHECK_U64(fbi_copy_hash(dst, in, n, FBI_AUTO), want);
	}
}

/* The vectors are pairs of a length and sixteen hexadecimal digits in quotes. */
static void vectors(const struct fbi_kernel *const *all, size_t kernels)
{
	const char *dir = getenv("TESTDATA");
	char path[4096], digits[17];
	size_t n, read = 0;
	char next = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/xxh3.json", dir ? dir : "../testdata");
	f = fopen(path, "r");
	CHECK(f != NULL);
	CHECK(fscanf(f, " { \"about\" : \"%*[^\"]\" , \"vectors\" : %1[[]", digits) == 1);
	while (fscanf(f, " [ %zu , \"%16[0-9a-f]\" %1[]]", &n, digits, path) == 3) {
		uint64_t want = strtoull(digits, NULL, 16);

		CHECK(n <= MOST && strlen(digits) == 16);
		fill(src, n);
		CHECK_U64(XXH3_64bits(src, n), want);
		for (size_t i = 0; i < kernels; i++) {
			CHECK_U64(fbi_kernel_hash(all[i], src, n), want);
			each_way(all[i], n, 0, 0, want);
		}
		read++;
		CHECK(fscanf(f, " %c", &next) == 1);
		if (next != ',')
			break;
	}
	CHECK(next == ']' && read > 60);
	fclose(f);
}

int main(void)
{
	const struct fbi_kernel *all[FBI_KERNELS];
	size_t kernels = fbi_kernels(all);

	src = aligned_alloc(64, MOST + 2 * MARGIN);
	dst = aligned_alloc(64, MOST + 4 * MARGIN);
	CHECK(src && dst);
	vectors(all, kernels);
	fill(src, MOST + MARGIN);
	for (size_t n = 0; n <= 2048; n++)
		length(all, kernels, n);
	for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++)
		length(all, kernels, large[i]);
	free(src);
	free(dst);
	return 0;
}
