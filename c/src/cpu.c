#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "cpu.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

struct fbi_cpu_model fbi_cpu_model_here(void)
{
	struct fbi_cpu_model m = {.family = 0};
#if defined(__x86_64__)
	unsigned int a, b, c, d;

	if (!__get_cpuid(0, &a, &b, &c, &d))
		return m;
	memcpy(m.vendor, &b, 4);
	memcpy(m.vendor + 4, &d, 4);
	memcpy(m.vendor + 8, &c, 4);
	if (!__get_cpuid(1, &a, &b, &c, &d))
		return m;
	m.family = (int)(a >> 8 & 0xf);
	m.model = (int)(a >> 4 & 0xf);
	if (m.family == 6 || m.family == 0xf)
		m.model += (int)(a >> 16 & 0xf) << 4;
	if (m.family == 0xf)
		m.family += (int)(a >> 20 & 0xff);
#endif
	return m;
}

/* Takes what the C library knows where the system's files say nothing. */
static size_t or_else(size_t size, int name)
{
	long then = size > 0 ? 0 : sysconf(name);

	return then > 0 ? (size_t)then : size;
}

/* The CPUs that the main thread may run on. */
static struct fbi_cpu_set affinity(void)
{
	struct fbi_cpu_set set;

	memset(&set, 0, sizeof(set));
	if (sched_getaffinity(getpid(), sizeof(set), (cpu_set_t *)(void *)&set) != 0)
		memset(&set, 0, sizeof(set));
	return set;
}

static struct fbi_caches read_here(void)
{
	const struct fbi_cpu_set cpus = affinity();
	struct fbi_caches c = fbi_caches_read("", &cpus);

#ifdef _SC_LEVEL3_CACHE_SIZE
	c.l1d = or_else(c.l1d, _SC_LEVEL1_DCACHE_SIZE);
	c.l2 = or_else(c.l2, _SC_LEVEL2_CACHE_SIZE);
	c.l3 = or_else(c.l3, _SC_LEVEL3_CACHE_SIZE);
#endif
	return c;
}

struct fbi_caches fbi_cpu_here(void)
{
	/*
	 * Each thread that finds ready unset reads the files and stores what they say before it
	 * sets it (release); partner: the load of ready (acquire). They say the same to all of them
	 * or, if the affinity changes at that moment, something as good: no lock is needed that a
	 * fork could leave held.
	 */
	static _Atomic size_t l1d, l2, l3;
	static _Atomic bool one, ready;
	struct fbi_caches c;

	if (!atomic_load_explicit(&ready, memory_order_acquire)) {
		c = read_here();
		atomic_store_explicit(&l1d, c.l1d, memory_order_relaxed);
		atomic_store_explicit(&l2, c.l2, memory_order_relaxed);
		atomic_store_explicit(&l3, c.l3, memory_order_relaxed);
		atomic_store_explicit(&one, c.one_l3, memory_order_relaxed);
		atomic_store_explicit(&ready, true, memory_order_release);
	}
	c.l1d = atomic_load_explicit(&l1d, memory_order_relaxed);
	c.l2 = atomic_load_explicit(&l2, memory_order_relaxed);
	c.l3 = atomic_load_explicit(&l3, memory_order_relaxed);
	c.one_l3 = atomic_load_explicit(&one, memory_order_relaxed);
	return c;
}
