/* No byte outside of the two is loaded or stored: there are pages that cannot be touched. */
#include <sys/mman.h>
#include <unistd.h>

#include "copyhash_ways.h"

enum { ROOM = 2 * FBI_BLOCK }; /* between the guards */

static const size_t lengths[][2] = {
	{0, 700}, {1000, 1100}, {4000, 4300}, {FBI_BLOCK - 2, FBI_BLOCK + 70}, {ROOM - 1, ROOM},
};

/* Returns ROOM bytes between two pages that nothing may touch. */
static unsigned char *guarded(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *p =
		mmap(NULL, ROOM + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(p != MAP_FAILED && ROOM % page == 0);
	MUST(mprotect(p + page, ROOM, PROT_READ | PROT_WRITE) == 0);
	return p + page;
}

/* Copies between both beginnings and both ends. */
static void length(const struct fbi_kernel *k, unsigned char *dst, const unsigned char *src,
		   size_t n)
{
	for (int at = 0; at < 4; at++) {
		unsigned char *to = at & 1 ? dst + ROOM - n : dst;
		const unsigned char *from = at & 2 ? src + ROOM - n : src;
		const uint64_t want = XXH3_64bits(from, n);

		EQ(fbi_kernel_hash(k, from, n), want);
		for (size_t w = 0; w < WAYS; w++)
			check_copy(k, to, from, n, ways[w], want);
	}
}

int main(void)
{
	const struct fbi_kernel *all[FBI_KERNELS];
	const size_t kernels = fbi_kernels(all);
	unsigned char *src = guarded(), *dst = guarded();

	fill(src, ROOM);
	MUST(mprotect(src, ROOM, PROT_READ) == 0);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		for (size_t n = lengths[i][0]; n <= lengths[i][1]; n++) {
			for (size_t j = 0; j < kernels; j++)
				length(all[j], dst, src, n);
		}
	}
	return test_result();
}
