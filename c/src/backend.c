#include "backend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "errors.h"
#include "text.h"

fb_status fbi_backend_by_name(const char *name, const struct fbi_backend **backend)
{
	const struct fbi_backend *const all[] = {&fbi_memfd, &fbi_sysv, &fbi_file};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (!*name || strcmp(name, all[i]->name) == 0) {
			*backend = all[i];
			return FB_OK;
		}
	return fbi_fail(FB_ERROR, "framebuffer: unknown backend %s; this version has: memfd, sysv, file",
			FBI_QUOTE(name));
}

const char *fbi_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Whether a path is absolute and has no empty, "." or ".." parts, and no slash at its end. */
static bool is_clean(const char *path)
{
	if (*path != '/')
		return false;
	while (*path) {
		size_t n = strcspn(++path, "/");

		if (n == 0 || (n == 1 && path[0] == '.') || (n == 2 && memcmp(path, "..", 2) == 0))
			return false;
		path += n;
	}
	return true;
}

fb_status fbi_path_of(const char *backend, const char *location, size_t most,
		      bool (*ours)(const char *name), char path[FBI_PATH_SIZE])
{
	size_t n = strlen(location);
	struct fbi_quoted shown;

	if (n % 2 == 0 && n / 2 <= most && n / 2 < FBI_PATH_SIZE && fbi_read_hex(path, location, n)) {
		char again[2 * FBI_PATH_SIZE];

		path[n / 2] = '\0';
		fbi_write_hex(again, path, n / 2);
		if (strlen(path) == n / 2 && is_clean(path) && ours(fbi_base_name(path)) &&
		    strcmp(again, location) == 0)
			return FB_OK;
	}
	shown = fbi_quote_bytes(location, n < 60 ? n : 60);
	return fbi_fail(FB_BAD_KEY, "%s location %s is not a valid path", backend, shown.text);
}

fb_status fbi_local_path(char path[FBI_PATH_SIZE], const char *suffix)
{
	const char *dir = getenv(FBI_DIR_VARIABLE);
	char there[FBI_PATH_SIZE + 16];
	struct stat st;
	size_t n;

	if (!dir || !*dir)
		return FB_OK;
	snprintf(there, sizeof there, "%s%s", path, suffix);
	if (lstat(there, &st) == 0 || errno != ENOENT)
		return FB_OK;
	n = strlen(dir);
	while (n > 1 && dir[n - 1] == '/')
		n--;
	if (snprintf(there, FBI_PATH_SIZE, "%.*s/%s", (int)n, dir, fbi_base_name(path)) >=
	    FBI_PATH_SIZE)
		return fbi_fail(FB_ERROR, "framebuffer: " FBI_DIR_VARIABLE " has %zu bytes: name a "
					  "directory with a shorter path", strlen(dir));
	memcpy(path, there, FBI_PATH_SIZE);
	return FB_OK;
}

fb_status fbi_fail_holes(uint64_t size, uint64_t have)
{
	return fbi_fail(FB_CORRUPT,
			"it has %llu bytes, and memory for %llu of them: no server made it so, or "
			"another process gave memory back; what is missing would be taken from this "
			"process: restart the server, and see which processes may write",
			(unsigned long long)size, (unsigned long long)have);
}

/*
 * A server makes every page present before any client can attach. A segment with holes costs its maker
 * nothing, and the kernel charges each page that a client touches there to the client.
 */
fb_status fbi_check_holes(int fd, uint64_t size)
{
	struct stat st;
	uint64_t have;

	if (fstat(fd, &st))
		return fbi_fail(FB_ERROR, "look at the file: %s", FBI_ERRNO(errno));
	have = (uint64_t)st.st_blocks * 512;
	return have < size ? fbi_fail_holes(size, have) : FB_OK;
}

fb_status fbi_fail_read_only(const char *user, const char *what)
{
	return fbi_fail(FB_PERMISSION,
			"%s may only read from %s, and asked to write: attach with ReadOnly, or have "
			"the server let it write (--allow-uid, --allow-gid or a wider --mode)",
			user, what);
}

struct fbi_user_text fbi_this_process(void)
{
	struct fbi_user_text t;

	snprintf(t.text, sizeof t.text, "this process (uid %u, gid %u)", geteuid(), getegid());
	return t;
}
