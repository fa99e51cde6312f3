/*
 * Copying with the hash beside memcpy, and memcpy followed by the hash. The ring's side is where no
 * cache has it.
 *
 *	bench/copyhash [seconds for each line, 1 if none is given]
 *
 * The contenders take turns, each time in another order, so that what else the machine does hits
 * all alike. A line has memcpy's speed and how many times as fast each contender is, by the medians
 * of all turns.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "../src/copyhash.h"
#include "../src/copyhash_kernel.h"

#define COLD ((size_t)512 << 20) /* many times the largest cache */
enum { HEADER = 64, MOST = 20000, CONTENDERS = 12 };

/* Memory that is walked like the ring. */
struct walk {
	unsigned char *memory;
	size_t size, at;
};

struct contender {
	const char *name, *how;
	const struct fbi_kernel *kernel; /* NULL: memcpy */
	int way;			 /* without a kernel: whether it hashes too */
	double *took;
};

static volatile uint64_t sink; /* so that no hash is left out */

static unsigned char *next(struct walk *w, size_t n)
{
	unsigned char *p;

	if (w->at + HEADER + n > w->size)
		w->at = 0;
	p = w->memory + w->at + HEADER;
	w->at += (HEADER + n + 63) & ~(size_t)63;
	return p;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void run(const struct contender *c, void *dst, const void *src, size_t n)
{
	uint64_t sum = 0;

	if (c->kernel) {
		fbi_kernel_copy_hash(c->kernel, dst, src, n, c->way, &sum, NULL, NULL);
	} else {
		memcpy(dst, src, n);
		if (c->way)
			sum = fbi_hash(dst, n);
	}
	sink = sum;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(const struct contender *c, size_t turns)
{
	qsort(c->took, turns, sizeof(double), compare);
	return c->took[turns / 2];
}

static void take_turns(struct walk *to, struct walk *from, size_t n, struct contender *all,
		       size_t count, double seconds)
{
	const size_t batch = n < (1 << 20) ? (1 << 20) / n : 1;
	const double began = now();
	size_t turns = 0, order[CONTENDERS];

	for (size_t i = 0; i < count; i++)
		order[i] = i;
	for (; turns < MOST && (turns < 5 || now() - began < seconds); turns++) {
		for (size_t i = count; i > 1; i--) {
			size_t j = (size_t)rand() % i, was = order[i - 1];

			order[i - 1] = order[j];
			order[j] = was;
		}
		for (size_t i = 0; i < count; i++) {
			const double start = now();

			for (size_t j = 0; j < batch; j++)
				run(&all[order[i]], next(to, n), next(from, n), n);
			all[order[i]].took[turns] = now() - start;
		}
	}
	printf("memcpy %6.2f GB/s", (double)(batch * n) / median(&all[0], turns) / 1e9);
	for (size_t i = 1; i < count; i++)
		printf("  %s%s %.3f", all[i].name, all[i].how,
		       median(&all[0], turns) / median(&all[i], turns));
	printf("  (%zu turns)\n", turns);
	fflush(stdout);
}

/* Fills in the contenders of a direction and returns how many they are. */
static size_t contenders(struct contender *all, int direction)
{
	const struct fbi_kernel *kernels[FBI_KERNELS];
	const size_t n = fbi_kernels(kernels);
	size_t count = 0;

	all[count++] = (struct contender){"memcpy", "", NULL, 0, NULL};
	all[count++] = (struct contender){"memcpy+hash", "", NULL, 1, NULL};
	for (size_t i = 0; i < n; i++) {
		const char *name = kernels[i]->name;

		all[count++] = (struct contender){name, "-cached", kernels[i],
						  FBI_CACHED | direction, NULL};
		if (kernels[i]->streams)
			all[count++] = (struct contender){name, "-streaming", kernels[i],
							  FBI_STREAMING | direction, NULL};
	}
	all[count++] =
		(struct contender){"auto", "", fbi_kernel_in_use(), FBI_AUTO | direction, NULL};
	for (size_t i = 0; i < count; i++) {
		all[i].took = calloc(MOST, sizeof(double));
		if (!all[i].took)
			exit(1);
	}
	return count;
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = {64, 4 << 10, 64 << 10, 1 << 20, 6220800, 24883200};
	const double seconds = argc > 1 ? atof(argv[1]) : 1;
	const int flags = MAP_ANONYMOUS | MAP_POPULATE;
	unsigned char *memory = mmap(NULL, COLD, PROT_READ | PROT_WRITE, MAP_SHARED | flags, -1, 0);
	unsigned char *private =
		mmap(NULL, COLD, PROT_READ | PROT_WRITE, MAP_PRIVATE | flags, -1, 0);
	struct walk ring = {memory, COLD, 0};
	struct contender in[CONTENDERS], out[CONTENDERS];
	const size_t ins = contenders(in, FBI_ONWARD | FBI_IN), outs = contenders(out, FBI_OUT);

	if (memory == MAP_FAILED || private == MAP_FAILED)
		return 1;
	memset(memory, 1, COLD); /* pages that were only read cost their first store */
	for (size_t i = 0; i < COLD; i++)
	private[i] = (unsigned char)(i >> 7);
	printf("kernel in use: %s\n", fbi_kernel_name());
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (int warm = 1; warm >= 0; warm--) {
			struct walk own = {private, warm ? HEADER + sizes[i] : COLD, 0};

			printf("in  %8zu bytes of a source %s: ", sizes[i],
			       warm ? "in a cache" : "in memory ");
			take_turns(&ring, &own, sizes[i], in, ins, seconds);
			printf("out %8zu bytes to a place %s: ", sizes[i],
			       warm ? "in a cache" : "in memory ");
			take_turns(&own, &ring, sizes[i], out, outs, seconds);
		}
	}
	return 0;
}
