/* The caches, as the files in /sys/devices/system/cpu describe them. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_CLOEXEC */
#endif
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cpu.h"

/* What a machine may have at most; anything beyond is not believed. */
#define LARGEST ((uint64_t)1 << 34) /* bytes of a cache */
enum { MAX_CACHE = 16, LINE = 4096, LONG_BITS = 8 * sizeof(unsigned long) };

static bool is_set(const struct fbi_cpu_set *s, size_t cpu)
{
	return s->bits[cpu / LONG_BITS] >> cpu % LONG_BITS & 1;
}

static void set(struct fbi_cpu_set *s, size_t cpu)
{
	s->bits[cpu / LONG_BITS] |= 1UL << cpu % LONG_BITS;
}

/*
 * Reads a decimal number without sign. Returns what follows it, or NULL if it is none or above
 * most.
 */
static const char *number(const char *at, uint64_t most, uint64_t *value)
{
	if (*at < '0' || *at > '9')
		return NULL;
	for (*value = 0; *at >= '0' && *at <= '9'; at++) {
		*value = *value * 10 + (uint64_t)(*at - '0');
		if (*value > most)
			return NULL;
	}
	return at;
}

size_t fbi_parse_cache_size(const char *text)
{
	uint64_t n, unit = 1;
	const char *rest = number(text, UINT32_MAX, &n);

	if (!rest)
		return 0;
	if (*rest == 'K')
		unit = (uint64_t)1 << 10;
	else if (*rest == 'M')
		unit = (uint64_t)1 << 20;
	else if (*rest == 'G')
		unit = (uint64_t)1 << 30;
	if (rest[*rest != 0 && unit > 1] != 0 || n > LARGEST / unit)
		return 0;
	return (size_t)(n * unit);
}

bool fbi_parse_cpus(const char *list, struct fbi_cpu_set *cpus)
{
	memset(cpus, 0, sizeof(*cpus));
	for (const char *at = list;; at++) {
		uint64_t first, last;

		at = number(at, FBI_MAX_CPUS - 1, &first);
		last = first;
		if (at && *at == '-')
			at = number(at + 1, FBI_MAX_CPUS - 1, &last);
		if (!at || first > last || (*at != 0 && *at != ','))
			break;
		for (; first <= last; first++)
			set(cpus, first);
		if (*at == 0)
			return true;
	}
	memset(cpus, 0, sizeof(*cpus));
	return false;
}

/* Reads the first line of a short file, without its end; "" if there is none. */
static const char *line(char text[LINE], const char *root, size_t cpu, int index, const char *name)
{
	char path[512];
	ssize_t n;
	int fd;

	text[0] = 0;
	if (index < 0)
		n = snprintf(path, sizeof(path), "%s/sys/devices/system/cpu/%s", root, name);
	else
		n = snprintf(path, sizeof(path),
			     "%s/sys/devices/system/cpu/cpu%zu/cache/index%d/%s", root, cpu, index,
			     name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return text;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return text;
	n = read(fd, text, LINE - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	text[strcspn(text, "\n")] = 0;
	return text;
}

/* The caches of one CPU, and the CPUs that share its L3: none if that is not known. */
static struct fbi_caches of_cpu(const char *root, size_t cpu, struct fbi_cpu_set *l3_cpus)
{
	struct fbi_caches c = {.l1d = 0};
	char text[LINE];

	memset(l3_cpus, 0, sizeof(*l3_cpus));
	for (int i = 0; i < MAX_CACHE; i++) {
		const char level = line(text, root, cpu, i, "level")[0];
		size_t size;

		if (level == 0)
			break;
		if (strcmp(line(text, root, cpu, i, "type"), "Instruction") == 0)
			continue;
		size = fbi_parse_cache_size(line(text, root, cpu, i, "size"));
		if (level == '1')
			c.l1d = size;
		if (level == '2')
			c.l2 = size;
		if (level == '3') {
			c.l3 = size;
			fbi_parse_cpus(line(text, root, cpu, i, "shared_cpu_list"), l3_cpus);
		}
	}
	return c;
}

/* The smaller of those that are known. */
static size_t smaller(size_t a, size_t b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

/*
 * Adds the CPUs of cpus that are in group to done. False, and adds none, if one was there before.
 */
static bool add_group(struct fbi_cpu_set *done, const struct fbi_cpu_set *group,
		      const struct fbi_cpu_set *cpus)
{
	const size_t n = sizeof(done->bits) / sizeof(done->bits[0]);

	for (size_t i = 0; i < n; i++) {
		if (done->bits[i] & group->bits[i] & cpus->bits[i])
			return false;
	}
	for (size_t i = 0; i < n; i++)
		done->bits[i] |= group->bits[i] & cpus->bits[i];
	return true;
}

struct fbi_caches fbi_caches_read(const char *root, const struct fbi_cpu_set *cpus)
{
	struct fbi_caches all = {.l1d = 0}, c;
	struct fbi_cpu_set grouped, group, none, online;
	char text[LINE];
	bool known = true;
	size_t groups = 0;

	memset(&none, 0, sizeof(none));
	grouped = none;
	if (memcmp(cpus, &none, sizeof(none)) == 0) {
		fbi_parse_cpus(line(text, root, 0, -1, "online"), &online);
		cpus = &online;
	}
	for (size_t n = 0; n < FBI_MAX_CPUS; n++) {
		if (!is_set(cpus, n) || is_set(&grouped, n))
			continue; /* read with another of its L3, which has the same caches above */
		c = of_cpu(root, n, &group);
		all.l1d = smaller(all.l1d, c.l1d);
		all.l2 = smaller(all.l2, c.l2);
		all.l3 = smaller(all.l3, c.l3);
		if (c.l3 == 0 || !is_set(&group, n) || !add_group(&grouped, &group, cpus))
			known = false;
		groups++;
	}
	all.one_l3 = known && groups == 1;
	return all;
}
