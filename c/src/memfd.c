/* Attaching to anonymous files that a server hands out at a Unix socket. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "backend.h"
#include "busguard.h"
#include "errors.h"
#include "fetch_fds.h"
#include "peers.h"

static bool is_socket_name(const char *name)
{
	size_t n = strlen(name), suffix = strlen(FBI_SOCKET_SUFFIX);

	return n >= suffix && strcmp(name + n - suffix, FBI_SOCKET_SUFFIX) == 0;
}

/* The length of a file that came from a server, if no process can truncate it and it has no holes. */
static fb_status sealed_size(int fd, uint64_t *size)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (seals < 0 && fbi_not_allowed(errno))
		return fbi_fail_refused("fcntl", errno);
	if (seals < 0)
		return fbi_fail(FB_STALE_KEY, "what answers there is not a server: its file has no "
					      "seals: %s", FBI_ERRNO(errno));
	if (!(seals & F_SEAL_SHRINK))
		return fbi_fail(FB_STALE_KEY, "what answers there is not a server: it could truncate "
					      "its file");
	if (fstat(fd, &st))
		return fbi_fail(FB_ERROR, "look at the file: %s", FBI_ERRNO(errno));
	if (!fbi_whole_pages(st.st_size))
		return fbi_fail(FB_STALE_KEY, "what answers there gave a file of %lld bytes, which no "
					      "server has", (long long)st.st_size);
	*size = (uint64_t)st.st_size;
	return fbi_check_holes(fd, *size);
}

/* Reserved huge pages that were punched out may be in use elsewhere: such mappings are watched. */
static fb_status watch_huge(struct fbi_mapping *m, int ring)
{
	struct statfs st;
	bool failed = fstatfs(ring, &st) != 0;

	if (failed && !fbi_not_allowed(errno))
		return fbi_fail(FB_ERROR, "ring: %s", FBI_ERRNO(errno));
	if (failed || st.f_type == HUGETLBFS_MAGIC)
		return fbi_watch_begin(m);
	return FB_OK;
}

static fb_status attach(struct fbi_mapping *m, const char *location, bool read_only, bool guard)
{
	char path[FBI_PATH_SIZE];
	uint64_t control_size = 0, ring_size = 0;
	struct fbi_fds fds;
	fb_status status = fbi_path_of("memfd", location, FBI_MOST_SOCKET_PATH, is_socket_name, path);

	if (!status)
		status = fbi_local_path(path, "");
	if (!status)
		status = fbi_fetch_fds(path, read_only, &fds, m->doubt);
	if (status)
		return status;
	status = sealed_size(fds.control, &control_size);
	if (status) {
		fbi_explain(status, "control object: ");
	} else {
		status = sealed_size(fds.ring, &ring_size);
		if (status)
			fbi_explain(status, "ring: ");
	}
	if (!status)
		status = fbi_map_files(m, fds.control, control_size, fds.ring, ring_size, read_only);
	if (!status && guard)
		status = watch_huge(m, fds.ring);
	close(fds.control);
	close(fds.ring);
	if (status)
		fbi_unmap(m);
	else
		fbi_advise(m);
	return status;
}

const struct fbi_backend fbi_memfd = {"memfd", attach, fbi_make_memfd};
