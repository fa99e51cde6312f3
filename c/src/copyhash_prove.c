/* What decides between kernels: whether they are right here, and how fast they are. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* madvise */
#endif
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "copyhash.h"
#include "copyhash_kernel.h"

#include "xxhash_inline.h"

/* Two whole blocks of the hash, some stripes and an odd rest. */
enum { PROOF = 2 * FBI_HASH_BLOCK + 7 * FBI_STRIPE + 13 };

/* Whether the passes that such a way takes store and hash what they should. */
static bool way_proven(const struct fbi_kernel *k, const unsigned char *src, uint64_t want, int way)
{
	unsigned char dst[PROOF] __attribute__((aligned(FBI_STRIPE)));
	uint64_t sum = ~want;

	memset(dst, 0, sizeof(dst));
	fbi_kernel_copy_hash(k, dst, src, PROOF, way, &sum, NULL, NULL);
	return sum == want && memcmp(dst, src, PROOF) == 0;
}

bool fbi_kernel_proven(const struct fbi_kernel *k)
{
	unsigned char src[PROOF];
	uint64_t want;

	for (size_t i = 0; i < PROOF; i++)
		src[i] = (unsigned char)(i * 131 + (i >> 8) * 29);
	want = XXH3_64bits(src, PROOF);
	return way_proven(k, src, want, FBI_CACHED) && /* short of its end: the plain pass */
	       way_proven(k, src, want, FBI_CACHED | FBI_ONWARD) &&
	       way_proven(k, src, want, FBI_CACHED | FBI_ONWARD | FBI_OUT) &&
	       way_proven(k, src, want, FBI_STREAMING) && fbi_kernel_hash(k, src, PROOF) == want;
}

/*
 * The race between two kernels copies frames of FRAME bytes, each followed by an atomic addition as
 * that of the next allocation, which waits for the frame's stores: the copies alone differ less.
 */
enum { FRAME = 4096, CHUNK = FRAME + FBI_STRIPE, HEAT = 4, LONGEST = 400000 /* ns */ };

#define LEAST_RACE ((size_t)2 << 20)
#define MOST_RACE ((size_t)4 << 20)

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Copies HEAT frames to memory and returns how long it took. */
static int64_t heat(const struct fbi_kernel *k, unsigned char *memory, const unsigned char *src,
		    _Atomic uint64_t *head)
{
	const int64_t began = now();

	for (size_t i = 0; i < HEAT; i++) {
		uint64_t sum;

		fbi_kernel_copy_hash(k, memory + i * CHUNK + FBI_STRIPE, src, FRAME, FBI_ONWARD,
				     &sum, NULL, NULL);
		atomic_fetch_add(head, CHUNK);
	}
	return now() - began;
}

void fbi_race(const struct fbi_kernel *a, const struct fbi_kernel *b, struct fbi_heats *heats)
{
	const struct fbi_kernel *of[2] = {a, b};
	const size_t l2 = fbi_cpu_here().l2, twice = 2 * l2 < MOST_RACE ? 2 * l2 : MOST_RACE;
	const size_t size = twice > LEAST_RACE ? twice : LEAST_RACE, lap = 2 * HEAT * CHUNK;
	unsigned char src[FRAME] = {0}, *memory;
	_Atomic uint64_t head = 0;
	int64_t began;

	heats->n = 0;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return;
#ifdef MADV_POPULATE_WRITE /* without it the copies bring the pages in, and the race is unclear */
	madvise(memory, size, MADV_POPULATE_WRITE);
#endif
	began = now();
	for (size_t at = 0; at + lap <= size && heats->n < 256 && now() - began < LONGEST;
	     at += lap) {
		const size_t first = heats->n % 2; /* they take turns in going first */

		heats->of[first][heats->n] = heat(of[first], memory + at, src, &head);
		heats->of[!first][heats->n] = heat(of[!first], memory + at + lap / 2, src, &head);
		heats->n++;
	}
	munmap(memory, size);
}
