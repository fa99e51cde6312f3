/* Which kernel is chosen, which stores a copy takes, and that a copy stops when it is told to. */
#include <sys/wait.h>
#include <unistd.h>

#include "copyhash_ways.h"

static int64_t time_of[2]; /* what a race measures */
static size_t laps = 21;

static void race(const struct fbi_kernel *a, const struct fbi_kernel *b, struct fbi_heats *heats)
{
	MUST(a != b);
	heats->n = laps;
	for (size_t i = 0; i < laps; i++) {
		for (int j = 0; j < 2; j++)
			heats->of[j][i] = time_of[j] + (int64_t)(i % 7 * 3);
	}
	if (laps > 0)
		heats->of[0][laps - 1] = heats->of[1][laps - 1] =
			1000000; /* the CPU was taken away */
}

/* Kernels of which only the names matter. */
static const struct fbi_kernel wide = {.name = "avx512"}, narrow = {.name = "avx2"};
static const struct fbi_kernel *const three[] = {&wide, &narrow, &fbi_kernel_portable};
static const struct fbi_kernel *const two[] = {&narrow, &fbi_kernel_portable};

#define MODEL(vendor, family, model)                                                               \
	(struct fbi_cpu_model)                                                                     \
	{                                                                                          \
		vendor, family, model                                                              \
	}

static void chooses(const char *force, struct fbi_cpu_model m, int64_t a, int64_t b, size_t n,
		    struct fbi_choice want)
{
	struct fbi_choice got;

	time_of[0] = a;
	time_of[1] = b;
	laps = n;
	got = fbi_choose(force, three, 3, &m, race);
	STR_EQ(got.kernel->name, want.kernel->name);
	EQ(got.why, want.why);
	EQ(got.wish, want.wish);
}

static void choices(void)
{
	const struct fbi_cpu_model no = MODEL("", 0, 0), intel = MODEL("GenuineIntel", 0x19, 0x11);
	const struct fbi_kernel *const alone[] = {&fbi_kernel_portable};
	struct fbi_choice c;

	chooses(NULL, no, 800, 400, 21, (struct fbi_choice){&narrow, FBI_TIMED, 0});
	chooses("", no, 400, 800, 21, (struct fbi_choice){&wide, FBI_TIMED, 0});
	chooses("", no, 800, 700, 21, (struct fbi_choice){&wide, FBI_UNCLEAR, 0});
	chooses("", no, 2000, 10, 6, (struct fbi_choice){&wide, FBI_UNCLEAR, 0});
	chooses("", no, 2000, 10, 0, (struct fbi_choice){&wide, FBI_UNCLEAR, 0});
	chooses("portable", no, 0, 0, 0, (struct fbi_choice){&fbi_kernel_portable, FBI_FORCED, 0});
	chooses("avx2", no, 1, 9, 21, (struct fbi_choice){&narrow, FBI_FORCED, 0});
	chooses("AVX9\n", no, 800, 400, 21,
		(struct fbi_choice){&narrow, FBI_TIMED, FBI_WISH_UNKNOWN});
	chooses("neon", no, 1, 1, 21, (struct fbi_choice){&wide, FBI_UNCLEAR, FBI_WISH_CANNOT_RUN});
	chooses("", intel, 1, 1, 21, (struct fbi_choice){&wide, FBI_UNCLEAR, 0});
	c = fbi_choose("avx512", two, 2, &no, race);
	MUST(c.kernel == &narrow && c.why == FBI_ALONE && c.wish == FBI_WISH_CANNOT_RUN);
	c = fbi_choose(NULL, alone, 1, &no, race);
	MUST(c.kernel == &fbi_kernel_portable && c.why == FBI_ALONE);
}

/* The models whose faster kernel is known, and their neighbours. */
static void models(void)
{
	static const struct {
		int family, model;
		const struct fbi_kernel *want; /* NULL: not known */
	} table[] = {
		{0x19, 0x01, NULL},    {0x19, 0x11, &narrow}, {0x19, 0x21, NULL},
		{0x19, 0x61, &narrow}, {0x19, 0x74, &narrow}, {0x19, 0xa0, &narrow},
		{0x1a, 0x02, &wide},   {0x1a, 0x11, &wide},   {0x1a, 0x24, NULL},
		{0x1a, 0x44, &wide},   {0x1a, 0x50, NULL},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const bool known = table[i].want != NULL;

		chooses("", MODEL("AuthenticAMD", table[i].family, table[i].model), 800, 790, 21,
			(struct fbi_choice){known ? table[i].want : &wide,
					    known ? FBI_BY_MODEL : FBI_UNCLEAR, 0});
	}
}

static bool counting(const void *of)
{
	size_t *left = *(size_t *const *)of;

	return (*left)-- > 0;
}

/* It asks after each block but the last, and the first no ends it. */
static void stops(const struct fbi_kernel *k, int way)
{
	enum { N = 3 * FBI_BLOCK + 5 };
	unsigned char *src = aligned_alloc(64, N + 59), *dst = aligned_alloc(64, N + 59);
	size_t left, *of = &left;
	uint64_t sum;

	MUST(src && dst);
	fill(src, N);
	for (size_t may = 0; may < 3; may++) {
		left = may;
		sum = 1;
		memset(dst, 0xa5, N);
		MUST(!fbi_kernel_copy_hash(k, dst, src, N, way, &sum, counting, &of));
		EQ(sum, 1);
		MUST(memcmp(dst, src, (may + 1) * FBI_BLOCK) == 0);
		MUST(dst[(may + 1) * FBI_BLOCK] == 0xa5 && dst[N - 1] == 0xa5);
	}
	left = 10;
	MUST(fbi_kernel_copy_hash(k, dst, src, N, way, &sum, counting, &of));
	EQ(left, 7);
	EQ(sum, XXH3_64bits(src, N));
	left = 0;
	MUST(fbi_copy_hash_while(dst, src, FBI_BLOCK, way, &sum, counting, &of));
	EQ(sum, XXH3_64bits(src, FBI_BLOCK));
	free(src);
	free(dst);
}

static void stores(const struct fbi_kernel *k)
{
	static unsigned char memory[128] __attribute__((aligned(64)));
	const enum fbi_pass_kind stream_in = k->streams ? FBI_PASS_STREAM : FBI_PASS_LEAD;
	const enum fbi_pass_kind stream_out = k->streams ? FBI_PASS_STREAM : FBI_PASS_FETCH;

	EQ(fbi_stores_of(k, memory, 4096, FBI_AUTO).pass, FBI_PASS_LEAD);
	EQ(fbi_stores_of(k, memory, (1 << 20) - 1, FBI_AUTO).pass, FBI_PASS_LEAD);
	EQ(fbi_stores_of(k, memory, 1 << 20, FBI_AUTO).pass, stream_in);
	EQ(fbi_stores_of(k, memory + 32, 1 << 20, FBI_AUTO).pass, FBI_PASS_LEAD);
	EQ(fbi_stores_of(k, memory, 1 << 20, FBI_CACHED).pass, FBI_PASS_LEAD);
	EQ(fbi_stores_of(k, memory, 300, FBI_STREAMING).pass, stream_in);
	EQ(fbi_stores_of(k, memory, 300, FBI_STREAMING | FBI_OUT).pass, stream_out);
	EQ(fbi_stores_of(k, memory, 1 << 20, FBI_AUTO | FBI_OUT).pass, FBI_PASS_FETCH);
	EQ(fbi_stores_of(k, memory, 300, FBI_OUT).onward, false);
	EQ(fbi_stores_of(k, memory, 300, FBI_OUT | FBI_ONWARD).onward, true);
	EQ(fbi_stores_of(k, memory, 300, FBI_CACHED).onward, false);
	EQ(fbi_stores_of(k, memory, 300, FBI_CACHED | FBI_ONWARD).onward, true);
	EQ(fbi_stores_of(k, memory, 300, FBI_STREAMING).onward, k->streams);
	EQ(fbi_stores_of(k, memory, 300, FBI_STREAMING | FBI_OUT).onward, false);
}

static void names(void)
{
	int way = 99;

	MUST(fbi_parse_way(NULL, &way) && way == FBI_AUTO);
	MUST(fbi_parse_way("", &way) && way == FBI_AUTO);
	MUST(fbi_parse_way("cached", &way) && way == FBI_CACHED);
	MUST(fbi_parse_way("streaming", &way) && way == FBI_STREAMING);
	MUST(fbi_parse_way("auto", &way) && way == FBI_AUTO);
	MUST(!fbi_parse_way("Cached", &way) && way == FBI_AUTO);
	EQ(fbi_stream_out_limit(0), SIZE_MAX);
	EQ(fbi_stream_out_limit(8 << 20), 4 << 20);
	EQ(fbi_stream_out_limit(32 << 20), 12 << 20);
	EQ(fbi_auto_in(4096), FBI_CACHED);
	EQ(fbi_auto_in(1 << 20), fbi_streams() ? FBI_STREAMING : FBI_CACHED);
}

/* In a process of its own, since each chooses once: the environment forces a kernel. */
static void forced(const char *value, const char *want)
{
	int status;
	pid_t pid = fork();

	MUST(pid >= 0);
	if (pid == 0) {
		MUST(setenv("FRAMEBUFFER_KERNEL", value, 1) == 0);
		STR_EQ(fbi_kernel_name(), want);
		MUST(fbi_kernel_in_use() == fbi_kernel_in_use());
		exit(test_result());
	}
	MUST(waitpid(pid, &status, 0) == pid);
	MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
	const struct fbi_kernel *all[FBI_KERNELS];
	const size_t n = fbi_kernels(all);
	struct fbi_heats heats;

	choices();
	models();
	for (size_t i = 0; i < n; i++) /* before this process has chosen */
		forced(all[i]->name, all[i]->name);
	if (n < 3) /* otherwise a timing may decide */
		forced("no such", all[0]->name);
	for (size_t i = 0; i < n; i++) {
		MUST(fbi_kernel_proven(all[i]));
		stores(all[i]);
		for (size_t w = 0; w < WAYS; w++)
			stops(all[i], ways[w]);
	}
	MUST(all[n - 1] == &fbi_kernel_portable);
	names();
	fbi_race(all[0], all[0], &heats); /* decides nothing, and ends */
	MUST(heats.n > 0 && heats.of[0][0] > 0);
	return test_result();
}
