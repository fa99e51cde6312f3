/* Directories in which no other user can replace a server's files. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "errors.h"
#include "fd_server.h"
#include "procinfo.h"

static fb_status fail_unsafe(const char *dir, const char *why)
{
	return fbi_fail(FB_PERMISSION,
			"the directory %s %s, so that they could put a server of their own in this "
			"one's place: remove it, or set its mode (chmod go-w, or +t), or name another "
			"with --dir or " FBI_DIR_VARIABLE, dir, why);
}

static fb_status fail_look(const char *dir, int error)
{
	return fbi_fail(FB_ERROR, "the directory %s: %s", dir, FBI_ERRNO(error));
}

/* Whether users other than the owner may replace the files in a directory. */
static bool replaceable(const struct stat *st)
{
	return S_ISDIR(st->st_mode) && (st->st_mode & 022) && !(st->st_mode & S_ISVTX);
}

static fb_status check_own(const char *dir)
{
	struct stat st;
	char why[96];

	if (lstat(dir, &st))
		return fail_look(dir, errno);
	if (S_ISLNK(st.st_mode))
		return fail_unsafe(dir, "is a symbolic link, which another user may have put there");
	if (!S_ISDIR(st.st_mode))
		return fail_unsafe(dir, "is not a directory");
	snprintf(why, sizeof why, "belongs to user %u, not to this one, %u", st.st_uid, geteuid());
	if (st.st_uid != geteuid())
		return fail_unsafe(dir, why);
	snprintf(why, sizeof why, "can be written to by other users (mode %04o)", st.st_mode & 0777);
	return st.st_mode & 022 ? fail_unsafe(dir, why) : FB_OK;
}

/* Checks all directories above one. */
static fb_status check_way(const char *dir)
{
	int64_t unknown = fbi_overflow_id("uid");
	char above[PATH_MAX], why[PATH_MAX + 128];

	snprintf(above, sizeof above, "%s", dir);
	while (strcmp(above, "/") != 0) {
		char *slash = strrchr(above, '/');
		struct stat st;

		if (!slash)
			return FB_OK;
		slash[slash == above] = '\0';
		if (lstat(above, &st))
			return fail_look(dir, errno);
		snprintf(why, sizeof why, "lies in %s, which belongs to user %u", above, st.st_uid);
		if (st.st_uid != geteuid() && st.st_uid != 0 && (int64_t)st.st_uid != unknown)
			return fail_unsafe(dir, why);
		snprintf(why, sizeof why, "lies in %s, which can be written to by other users (mode "
					  "%04o) and has no sticky bit", above, st.st_mode & 0777);
		if (replaceable(&st))
			return fail_unsafe(dir, why);
	}
	return FB_OK;
}

/* Makes a directory and those above it. */
static int make_all(const char *dir, mode_t mode)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s", dir);
	for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		if (mkdir(path, mode) && errno != EEXIST && (!slash || errno != EROFS))
			return errno;
		if (!slash)
			return 0;
		*slash = '/';
	}
}

/* Checks the directory itself. One of this user that others may write to gets the sticky bit. */
static fb_status check_dir(const char *dir, const char *real)
{
	int64_t unknown = fbi_overflow_id("uid");
	struct stat st;
	char why[128];

	if (stat(real, &st))
		return fail_look(dir, errno);
	if (st.st_uid == geteuid() && replaceable(&st)) {
		if (chmod(real, (st.st_mode & 07777) | S_ISVTX))
			return fbi_fail(FB_ERROR, "the directory %s can be written to by other users, "
						  "and its sticky bit cannot be set: chmod o-w,g-w it: "
						  "%s", dir, FBI_ERRNO(errno));
		if (stat(real, &st))
			return fail_look(dir, errno);
	}
	snprintf(why, sizeof why, "can be written to by other users (mode %04o) and has no sticky bit",
		 st.st_mode & 0777);
	if (replaceable(&st))
		return fail_unsafe(dir, why);
	/* An unknown owner's with sticky bit is a system directory, seen from a user namespace. */
	if (st.st_uid == geteuid() || st.st_uid == 0 ||
	    ((int64_t)st.st_uid == unknown && (st.st_mode & S_ISVTX)))
		return FB_OK;
	snprintf(why, sizeof why, "belongs to user %u, not to this one, %u", st.st_uid, geteuid());
	return fail_unsafe(dir, why);
}

fb_status fbi_make_dir(const char *dir, bool others, bool own)
{
	char real[PATH_MAX];
	struct stat st;
	fb_status status = own && lstat(dir, &st) == 0 ? check_own(dir) : FB_OK;
	int error;

	if (status)
		return status;
	error = make_all(dir, others ? 0755 : 0700);
	if (error && error != EEXIST)
		return fbi_fail(FB_PERMISSION,
				"the directory for others to find cannot be made: name one that can "
				"be, or make it: mkdir %s: %s", dir, FBI_ERRNO(error));
	if (!realpath(dir, real))
		return fail_look(dir, errno);
	status = check_dir(dir, real);
	if (!status)
		status = check_way(dir);
	if (!status)
		status = check_way(real);
	/* Another user may have made it in the meantime. */
	return !status && own ? check_own(dir) : status;
}
