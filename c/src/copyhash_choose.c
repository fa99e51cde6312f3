/* Which kernel a process uses. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "copyhash.h"
#include "copyhash_kernel.h"

/*
 * CPUs with several kernels of which the faster is known by measurement; models from and to are
 * included. Linux, arch/x86/kernel/cpu/amd.c, says which are of which generation.
 * internal/copyhash/models.go has the same.
 */
static const struct {
	const char *vendor;
	int family, from, to;
	const char *take;
} models[] = {
	/*
	 * Zen 4: a store of 64 bytes takes two turns, which the next allocation's atomic waits for
	 */
	{"AuthenticAMD", 0x19, 0x10, 0x1f, "avx2"},
	{"AuthenticAMD", 0x19, 0x60, 0x7f, "avx2"},
	{"AuthenticAMD", 0x19, 0xa0, 0xaf, "avx2"},
	/* Zen 5 with registers of full width, not the mobile ones */
	{"AuthenticAMD", 0x1a, 0x00, 0x1f, "avx512"},
	{"AuthenticAMD", 0x1a, 0x40, 0x4f, "avx512"},
};

size_t fbi_kernels(const struct fbi_kernel *all[FBI_KERNELS])
{
	size_t n = 0;

#if defined(__x86_64__)
	__builtin_cpu_init(); /* what follows is also whether the system saves the registers */
	if (__builtin_cpu_supports("avx512f"))
		all[n++] = &fbi_kernel_avx512;
	if (__builtin_cpu_supports("avx2"))
		all[n++] = &fbi_kernel_avx2;
#elif defined(__aarch64__)
	all[n++] = &fbi_kernel_neon;
#endif
	all[n++] = &fbi_kernel_portable;
	return n;
}

static const struct fbi_kernel *find(const char *name, const struct fbi_kernel *const *all,
				     size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	}
	return NULL;
}

/* What is wrong with a name that is not one of this machine's kernels. */
static enum fbi_wish missing(const char *name)
{
	static const char *const known[] = {"portable", "neon", "avx2", "avx512"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i], name) == 0)
			return FBI_WISH_CANNOT_RUN;
	}
	return FBI_WISH_UNKNOWN;
}

static const struct fbi_kernel *preferred(const struct fbi_cpu_model *m,
					  const struct fbi_kernel *const *all, size_t n)
{
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		if (strcmp(m->vendor, models[i].vendor) == 0 && m->family == models[i].family &&
		    models[i].from <= m->model && m->model <= models[i].to)
			return find(models[i].take, all, n);
	}
	return NULL;
}

enum { LEAST_LAPS = 7 }; /* heats of each without which a race decides nothing */

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/*
 * Whether the first median is below three quarters of the second. Where it matters one kernel takes
 * half the time of the other; without a difference two processes of one machine seldom differ so
 * much by chance.
 */
static bool clearly_faster(const int64_t *a, const int64_t *b, size_t n)
{
	return n >= LEAST_LAPS && 4 * a[n / 2] < 3 * b[n / 2];
}

struct fbi_choice fbi_choose(const char *force, const struct fbi_kernel *const *all, size_t n,
			     const struct fbi_cpu_model *model, fbi_race_fn *timing)
{
	struct fbi_choice c = {all[0], FBI_ALONE, FBI_WISH_NONE_OR_RIGHT};
	const struct fbi_kernel *k;
	struct fbi_heats heats = {.n = 0};

	if (force && *force) {
		k = find(force, all, n);
		if (k)
			return (struct fbi_choice){k, FBI_FORCED, FBI_WISH_NONE_OR_RIGHT};
		c.wish = missing(force);
	}
	if (n < 3) /* one, and the portable one */
		return c;
	k = preferred(model, all, n);
	if (k) {
		c.kernel = k;
		c.why = FBI_BY_MODEL;
		return c;
	}
	timing(all[0], all[1], &heats);
	for (int i = 0; i < 2; i++)
		qsort(heats.of[i], heats.n, sizeof(heats.of[i][0]), compare);
	c.why = FBI_UNCLEAR;
	if (clearly_faster(heats.of[1], heats.of[0], heats.n))
		c = (struct fbi_choice){all[1], FBI_TIMED, c.wish};
	else if (clearly_faster(heats.of[0], heats.of[1], heats.n))
		c.why = FBI_TIMED;
	return c;
}

/* Those that a CPU, an emulator or a hypervisor runs wrongly are left out. */
static struct fbi_choice decide(void)
{
	const struct fbi_kernel *all[FBI_KERNELS];
	const struct fbi_cpu_model model = fbi_cpu_model_here();
	size_t n = fbi_kernels(all), proven = 0;

	for (size_t i = 0; i < n; i++) {
		if (all[i] == &fbi_kernel_portable || fbi_kernel_proven(all[i]))
			all[proven++] = all[i];
	}
	return fbi_choose(getenv("FRAMEBUFFER_KERNEL"), all, proven, &model, fbi_race);
}

const struct fbi_kernel *fbi_kernel_in_use(void)
{
	/*
	 * NULL until a thread has chosen; set once. What it points to is constant, so no order is
	 * needed. Threads that come at the same time each choose, and all take what the first of
	 * them stored: no lock that a fork could leave held.
	 */
	static const struct fbi_kernel *_Atomic chosen;
	const struct fbi_kernel *k = atomic_load_explicit(&chosen, memory_order_relaxed),
				*none = NULL;

	if (__builtin_expect(k != NULL, 1))
		return k;
	k = decide().kernel;
	if (!atomic_compare_exchange_strong(&chosen, &none, k))
		k = none;
	return k;
}

const char *fbi_kernel_name(void)
{
	return fbi_kernel_in_use()->name;
}
