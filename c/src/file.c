/* Attaching to two files in a directory on a tmpfs or hugetlbfs. See docs/layout.md, Key. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend.h"
#include "busguard.h"
#include "errors.h"
#include "files.h"

static bool is_base_name(const char *name)
{
	size_t prefix = strlen(FBI_FILE_PREFIX);

	return strncmp(name, FBI_FILE_PREFIX, prefix) == 0 && strlen(name + prefix) == 32 &&
	       strspn(name + prefix, "0123456789abcdef") == 32;
}

static fb_status fail_open(const char *path, int error)
{
	if (error == ENOENT)
		return fbi_fail(FB_STALE_KEY,
				"there is no %s: its server is gone, or its directory is not mounted "
				"here (at the same path, or where " FBI_DIR_VARIABLE " says) (open "
				"%s: %s)", path, path, FBI_ERRNO(error));
	if (error == EACCES || error == EPERM)
		return fbi_fail(FB_PERMISSION,
				"%s may not open %s: run both as the same user, or have the server "
				"let it in (--allow-uid, --allow-gid or a wider --mode) (open %s: %s)",
				fbi_this_process().text, path, path, FBI_ERRNO(error));
	if (error == EROFS)
		return fbi_fail(FB_PERMISSION,
				"%s is on a mount that is read-only here: mount it for writing: "
				"read-only clients write counters too (open %s: %s)",
				path, path, FBI_ERRNO(error));
	return fbi_fail(FB_ERROR, "open %s: open %s: %s", path, path, FBI_ERRNO(error));
}

/* The mode as Go prints it: -rw-r--r--. */
static const char *write_mode(mode_t mode, char text[11])
{
	static const char letters[] = "rwxrwxrwx";

	text[0] = S_ISDIR(mode) ? 'd' : S_ISREG(mode) ? '-' : '?';
	for (int i = 0; i < 9; i++)
		text[1 + i] = mode & (0400u >> i) ? letters[i] : '-';
	text[10] = '\0';
	return text;
}

/* Opens a server's file and checks its size. It refuses anything else at that path. */
static fb_status open_file(const char *path, int flags, int *fd, uint64_t *size)
{
	struct stat st;
	char mode[11];
	fb_status status;
	int f = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (f < 0)
		return fail_open(path, errno);
	if (fstat(f, &st))
		status = fbi_fail(FB_ERROR, "look at the file: %s", FBI_ERRNO(errno));
	else if (!S_ISREG(st.st_mode) || !fbi_whole_pages(st.st_size))
		status = fbi_fail(FB_CORRUPT, "%s has %lld bytes (%s), which no server's file has: "
					      "another process changed it; restart the server",
				  path, (long long)st.st_size, write_mode(st.st_mode, mode));
	else if ((status = fbi_check_holes(f, (uint64_t)st.st_size)) != FB_OK)
		fbi_explain(status, "%s: ", path);
	if (status) {
		close(f);
		return status;
	}
	*fd = f;
	*size = (uint64_t)st.st_size;
	return FB_OK;
}

/* FB_STALE_KEY for a file whose server was killed: the kernel has dropped its lock. */
static fb_status check_alive(int fd, const char *path)
{
	struct flock lock = {.l_type = F_WRLCK};

	if (fcntl(fd, F_OFD_GETLK, &lock)) {
		int error = errno;
		fb_status refused = fbi_fail_refused("fcntl", error);

		return fbi_explain(refused ? refused : fbi_fail(FB_ERROR, "%s", FBI_ERRNO(error)),
				   "ask for the lock of %s: ", path);
	}
	if (lock.l_type == F_UNLCK)
		return fbi_fail(FB_STALE_KEY, "the server of %s was killed: get the key of the one "
					      "that runs now", path);
	return FB_OK;
}

static fb_status open_ring(const char *path, bool read_only, int *fd, uint64_t *size)
{
	fb_status status = open_file(path, read_only ? O_RDONLY : O_RDWR, fd, size);

	if (status == FB_PERMISSION && !read_only) {
		int f = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

		if (f >= 0) {
			close(f);
			return fbi_fail_read_only(fbi_this_process().text, path);
		}
	}
	return status ? fbi_explain(status, "ring: ") : FB_OK;
}

static fb_status attach(struct fbi_mapping *m, const char *location, bool read_only, bool guard)
{
	char base[FBI_PATH_SIZE], path[FBI_PATH_SIZE + 16];
	uint64_t control_size, ring_size;
	int control, ring;
	fb_status status = fbi_path_of("file", location, FBI_MOST_BASE, is_base_name, base);

	if (!status)
		status = fbi_local_path(base, FBI_CONTROL_SUFFIX);
	if (status)
		return status;
	snprintf(path, sizeof path, "%s" FBI_CONTROL_SUFFIX, base);
	status = open_file(path, O_RDWR, &control, &control_size);
	if (status)
		return fbi_explain(status, "control object: ");
	status = check_alive(control, path);
	snprintf(path, sizeof path, "%s" FBI_RING_SUFFIX, base);
	if (!status)
		status = open_ring(path, read_only, &ring, &ring_size);
	if (!status) {
		status = fbi_map_files(m, control, control_size, ring, ring_size, read_only);
		close(ring);
	}
	close(control);
	if (!status && guard) /* before the mappings are first touched */
		status = fbi_watch_begin(m);
	if (status)
		fbi_unmap(m);
	else
		fbi_advise(m);
	return status;
}

const struct fbi_backend fbi_file = {"file", attach, NULL};
