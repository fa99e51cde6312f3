/* Whether there is memory for a ring. The kernel would promise it, and kill a process later. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "errors.h"
#include "procinfo.h"

static fb_status fail_room(uint64_t size, uint64_t available, const char *what)
{
	return fbi_fail(FB_NO_MEMORY,
			"%llu bytes asked for, %llu available (%s): ask for less, or make room",
			(unsigned long long)size, (unsigned long long)available, what);
}

/* Reads a file with one number. False for "max", and if there is none. */
static bool read_number(const char *path, uint64_t *value)
{
	char text[64], *end;

	if (fbi_read_file(path, text, sizeof text) <= 0)
		return false;
	*value = strtoull(text, &end, 10);
	return end != text;
}

/* One control group's own limit (version 2). Files of the page cache are given back when needed. */
static fb_status check_group(const char *dir, uint64_t size)
{
	char path[4352], stat[8192], *inactive;
	uint64_t most, current, cache = 0, used;

	snprintf(path, sizeof path, "%s/memory.max", dir);
	if (!read_number(path, &most))
		return FB_OK;
	snprintf(path, sizeof path, "%s/memory.current", dir);
	if (!read_number(path, &current))
		return FB_OK;
	snprintf(path, sizeof path, "%s/memory.stat", dir);
	if (fbi_read_file(path, stat, sizeof stat) > 0) {
		for (const char *const *k = (const char *const[]){"\ninactive_file ", "\nactive_file ",
								  NULL}; *k; k++) {
			inactive = strstr(stat, *k);
			cache += inactive ? strtoull(inactive + strlen(*k), NULL, 10) : 0;
		}
	}
	used = current > cache ? current - cache : 0;
	snprintf(path, sizeof path, "%s/memory.max", dir);
	if (used + size <= most)
		return FB_OK;
	return fail_room(size, used < most ? most - used : 0, path);
}

/* The limits of this process's control group and of those above it. */
static fb_status check_groups(uint64_t size)
{
	char text[4096], dir[4224], *own, *end;
	fb_status status = FB_OK;

	if (fbi_read_file("/proc/self/cgroup", text, sizeof text) <= 0)
		return FB_OK;
	own = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	if (!own)
		return FB_OK;
	own = strchr(own, '/');
	end = own ? strchr(own, '\n') : NULL;
	if (!end)
		return FB_OK;
	*end = '\0';
	for (;;) {
		snprintf(dir, sizeof dir, "/sys/fs/cgroup%s", own);
		status = check_group(dir, size);
		end = strrchr(own, '/');
		if (status || !end || !own[0])
			return status;
		*end = '\0';
	}
}

fb_status fbi_check_room(uint64_t size)
{
	char text[4096], *at;
	uint64_t available;

	if (fbi_read_file("/proc/meminfo", text, sizeof text) > 0 &&
	    (at = strstr(text, "MemAvailable:")) != NULL) {
		available = strtoull(at + strlen("MemAvailable:"), NULL, 10) << 10;
		if (size > available)
			return fail_room(size, available, "MemAvailable in /proc/meminfo");
	}
	return check_groups(size);
}

fb_status fbi_finish(struct fbi_mapping *m)
{
	fb_status status;

	fbi_advise(m);
	status = fbi_populate(m->control, m->control_size);
	return status ? status : fbi_populate(m->ring, m->capacity);
}
