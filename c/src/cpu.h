/*
 * What the processors of this machine are: their model, their caches, and whether they share the
 * last one. All of it is advice, for choices that only speed depends on.
 */
#ifndef FBI_CPU_H
#define FBI_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A kind of CPU, as CPUID has it, extended family and model added. All zero if it is not known. */
struct fbi_cpu_model {
	char vendor[13]; /* "AuthenticAMD", "GenuineIntel", ... */
	int family, model;
};

/* It reads no file. */
struct fbi_cpu_model fbi_cpu_model_here(void);

enum { FBI_MAX_CPUS = 1 << 14 };

/* A set of CPUs, laid out as sched_getaffinity has it. */
struct fbi_cpu_set {
	unsigned long bits[FBI_MAX_CPUS / (8 * sizeof(unsigned long))];
};

/* Bytes of one such cache, of the smallest if they differ. 0: not known, l3 also: there is none. */
struct fbi_caches {
	size_t l1d, l2, l3;
	bool one_l3; /* all CPUs of this process are known to share one L3 */
};

/* What the files below root ("" is the system's) say about the caches of those CPUs. */
struct fbi_caches fbi_caches_read(const char *root, const struct fbi_cpu_set *cpus);

/* The caches of the CPUs that this process may run on: read once per process. */
struct fbi_caches fbi_cpu_here(void);

/* Reads a list such as 0-3,8-11. False for any other text; the set is empty then. */
bool fbi_parse_cpus(const char *list, struct fbi_cpu_set *cpus);

/* Reads a size such as 32768K. 0 for any other text, and for sizes that no cache has. */
size_t fbi_parse_cache_size(const char *text);

#endif
