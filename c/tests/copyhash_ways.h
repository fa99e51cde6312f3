/* What the tests of copyhash share: every kernel of this machine with every way to copy. */
#ifndef COPYHASH_WAYS_H
#define COPYHASH_WAYS_H

#include <stdbool.h>

#include "../src/copyhash.h"
#include "../src/copyhash_kernel.h"
#include "common.h"

#include "../src/xxhash_inline.h"

/* What the rest of a test needs: if it is not so, the test ends. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		TRUE(condition);                                                                   \
		if (test_result())                                                                 \
			exit(1);                                                                   \
	} while (0)

static const int ways[] = {
	FBI_CACHED,
	FBI_CACHED | FBI_ONWARD,
	FBI_CACHED | FBI_OUT,
	FBI_CACHED | FBI_OUT | FBI_ONWARD,
	FBI_STREAMING,
	FBI_CACHED | FBI_IN,
	FBI_AUTO | FBI_IN | FBI_ONWARD,
	FBI_STREAMING | FBI_OUT,
	FBI_STREAMING | FBI_OUT | FBI_ONWARD,
	FBI_AUTO,
	FBI_AUTO | FBI_OUT | FBI_ONWARD,
};

#define WAYS (sizeof(ways) / sizeof(ways[0]))

/* A copy that fails the test, naming the kernel, the way and the length, if it is not right. */
static inline void check_copy(const struct fbi_kernel *k, void *dst, const void *src, size_t n,
			      int way, uint64_t want)
{
	uint64_t sum = ~want;
	bool done = fbi_kernel_copy_hash(k, dst, src, n, way, &sum, NULL, NULL);

	if (done && sum == want && (n == 0 || memcmp(dst, src, n) == 0))
		return;
	fprintf(stderr,
		"%s, way %d, %zu bytes to %p from %p: done %d, sum %" PRIx64 ", want %" PRIx64 "\n",
		k->name, way, n, dst, src, done, sum, want);
	exit(1);
}

/* Bytes without a pattern of the stripes' length. */
static inline void fill(unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)(i * 131 + (i >> 8) * 29 + n * 7);
}

#endif
