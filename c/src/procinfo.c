#include "procinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The inode in a link such as "ipc:[4026531839]". */
static uint64_t namespace_of(const char *link_name)
{
	char path[64], text[64];
	const char *open;
	ssize_t n;

	snprintf(path, sizeof path, "/proc/self/ns/%s", link_name);
	n = readlink(path, text, sizeof text - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	open = strstr(text, ":[");
	return open ? strtoull(open + 2, NULL, 10) : 0;
}

uint64_t fbi_namespace(const char *kind)
{
	return namespace_of(kind);
}

ssize_t fbi_read_file(const char *path, char *to, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;

	if (fd < 0)
		return -1;
	while (n < room - 1) {
		ssize_t m = read(fd, to + n, room - 1 - n);

		if (m < 0 && errno == EINTR)
			continue;
		if (m < 0) {
			int error = errno;

			close(fd);
			errno = error;
			return -1;
		}
		if (m == 0)
			break;
		n += (size_t)m;
	}
	close(fd);
	to[n] = '\0';
	return (ssize_t)n;
}

void fbi_time_offsets(int64_t *monotonic, int64_t *boot)
{
	char text[256], *line, *rest;

	*monotonic = *boot = 0;
	/* The file is about future children, which are elsewhere only between unshare and fork. */
	if (namespace_of("time") != namespace_of("time_for_children") ||
	    fbi_read_file("/proc/self/timens_offsets", text, sizeof text) < 0)
		return;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char kind[16];
		int64_t s, ns;

		if (sscanf(line, "%15s %" SCNd64 " %" SCNd64, kind, &s, &ns) != 3)
			continue;
		if (strcmp(kind, "monotonic") == 0)
			*monotonic = s * 1000000000 + ns;
		if (strcmp(kind, "boottime") == 0)
			*boot = s * 1000000000 + ns;
	}
}

int fbi_start_time(pid_t pid, uint64_t *started)
{
	char path[32], text[1024], *at;
	int64_t monotonic, boot;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	if (fbi_read_file(path, text, sizeof text) < 0)
		return errno == ESRCH ? ENOENT : errno;
	at = strrchr(text, ')'); /* the command's name may have spaces and parentheses */
	if (!at)
		return EINVAL;
	for (int field = 2; field < 22; field++) {
		at = strchr(at + 1, ' ');
		if (!at)
			return EINVAL;
	}
	fbi_time_offsets(&monotonic, &boot);
	*started = strtoull(at + 1, NULL, 10) - (uint64_t)(boot / 10000000);
	return 0;
}

/* Whether a map of ids has a place for every id, of which there are 2^32-1. */
static bool complete(const char *path)
{
	FILE *f = fopen(path, "re");
	uint64_t inside, outside, n, sum = 0;

	if (!f)
		return false;
	while (fscanf(f, "%" SCNu64 " %" SCNu64 " %" SCNu64, &inside, &outside, &n) == 3)
		sum += n;
	fclose(f);
	return sum == UINT32_MAX;
}

int64_t fbi_overflow_id(const char *kind)
{
	char path[64], text[32];

	snprintf(path, sizeof path, "/proc/self/%s_map", kind);
	if (complete(path))
		return -1;
	snprintf(path, sizeof path, "/proc/sys/kernel/overflow%s", kind);
	if (fbi_read_file(path, text, sizeof text) <= 0)
		return 65534;
	return strtoll(text, NULL, 10);
}
