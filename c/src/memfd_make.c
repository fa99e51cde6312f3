/* Making anonymous files, which a thread hands out at a Unix socket: see fd_server.h. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend.h"
#include "errors.h"
#include "fd_server.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#endif

static fb_status fail_call(const char *call, int error, const char *what)
{
	if (fbi_not_allowed(error))
		return fbi_fail_refused(call, error);
	return fbi_fail(FB_ERROR, "%s: %s", what, FBI_ERRNO(error));
}

/* Fixes the length: a process that may write could otherwise truncate the file and make others fault. */
static fb_status seal(int fd, uint64_t size)
{
	if (ftruncate(fd, (off_t)size)) {
		if (fbi_not_allowed(errno))
			return fbi_fail_refused("ftruncate", errno);
		return fbi_fail(FB_NO_MEMORY, "a memfd of %llu bytes: %s: ask for less",
				(unsigned long long)size, FBI_ERRNO(errno));
	}
	/* Without permissions for others: a read-only descriptor cannot be reopened for writing. */
	if (fchmod(fd, 0400))
		return fail_call("fchmod", errno, "permissions of a memfd");
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return fail_call("fcntl", errno, "seal a memfd");
	return FB_OK;
}

static fb_status make_file(const char *name, uint64_t size, int *fd)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	fb_status status;

	*fd = memfd_create(name, flags | MFD_NOEXEC_SEAL); /* as sysctl vm.memfd_noexec may demand */
	if (*fd < 0 && errno == EINVAL)                    /* Linux before 6.3 */
		*fd = memfd_create(name, flags);
	if (*fd < 0)
		return fbi_explain(fail_call("memfd_create", errno, "memfd_create"), "%s", "");
	status = seal(*fd, size);
	if (status) {
		close(*fd);
		*fd = -1;
	}
	return status;
}

fb_status fbi_make_memfd(struct fbi_mapping *m, const struct fbi_spec *spec)
{
	int control = -1, ring = -1;
	fb_status status = make_file("framebuffer-control", spec->control, &control);

	if (status) {
		fbi_explain(status, "control object: ");
	} else {
		status = fbi_check_room(spec->ring);
		if (!status)
			status = make_file("framebuffer-ring", spec->ring, &ring);
		if (status)
			fbi_explain(status, "ring: ");
	}
	if (!status)
		status = fbi_map_files(m, control, spec->control, ring, spec->ring, false);
	if (!status)
		status = fbi_finish(m);
	if (!status) /* which takes the files, also with an error */
		return fbi_fd_server_start(m, spec, control, ring);
	if (control >= 0)
		close(control);
	if (ring >= 0)
		close(ring);
	fbi_unmap(m);
	return status;
}
