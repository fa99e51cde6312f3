#include "peers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend.h"
#include "clock.h"
#include "errors.h"
#include "procinfo.h"
#include "text.h"

bool fbi_socket_address(const char *name, struct sockaddr_un *address, socklen_t *size)
{
	size_t n = strlen(name);

	memset(address, 0, sizeof *address);
	address->sun_family = AF_UNIX;
	if (n >= sizeof address->sun_path)
		return false;
	memcpy(address->sun_path, name, n + 1);
	*size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	if (name[0] == '@')
		address->sun_path[0] = '\0'; /* abstract: the length counts, not a zero at the end */
	else
		++*size;
	return true;
}

int fbi_dial(const char *name, int64_t deadline, int *fd)
{
	struct sockaddr_un address;
	socklen_t size;
	int s, error = 0;

	if (!fbi_socket_address(name, &address, &size))
		return ENAMETOOLONG;
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return errno;
	do {
		int64_t left = deadline - fbi_read_clock(CLOCK_MONOTONIC);
		struct timeval limit;

		if (left < 1000000)
			left = 1000000;
		limit.tv_sec = (time_t)(left / 1000000000);
		limit.tv_usec = (suseconds_t)(left % 1000000000 / 1000);
		/* Receiving is bounded too: this is a new connection's one byte. */
		if (setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) ||
		    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit))
			error = errno;
		else
			error = connect(s, (struct sockaddr *)&address, size) ? errno : 0;
	} while (error == EINTR);
	if (error)
		close(s);
	else
		*fd = s;
	return error;
}

void fbi_abstract_name(const char *path, char *to, size_t room)
{
	const char *name = fbi_base_name(path);
	size_t n = strlen(name), suffix = strlen(FBI_SOCKET_SUFFIX);

	if (n >= suffix && strcmp(name + n - suffix, FBI_SOCKET_SUFFIX) == 0)
		n -= suffix;
	snprintf(to, room, "@framebuffer/%.*s", (int)n, name);
}

static int user_of(int fd, int64_t *uid)
{
	struct ucred peer;
	socklen_t size = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return errno;
	*uid = peer.uid;
	return 0;
}

/*
 * The user whose id is in the name of a default directory, -1 for any other directory. While that user
 * has no directory there, any other user can make it, and own it.
 */
static int64_t named_for(const char *path)
{
	char dir[FBI_PATH_SIZE];
	const char *name;
	uint64_t uid;
	size_t prefix = strlen(FBI_DEFAULT_DIR);

	snprintf(dir, sizeof dir, "%.*s", (int)(fbi_base_name(path) - path), path);
	if (dir[0] && dir[strlen(dir) - 1] == '/')
		dir[strlen(dir) - 1] = '\0';
	name = fbi_base_name(dir);
	if (strncmp(name, FBI_DEFAULT_DIR, prefix) != 0)
		return -1;
	for (name += prefix; *name == '0' && name[1]; name++)
		;
	return fbi_read_decimal(name, strlen(name), &uid) && uid <= UINT32_MAX ? (int64_t)uid : -1;
}

#define LL(x) ((long long)(x))

fb_status fbi_judge_server(int64_t server, int64_t client, int64_t owner, mode_t mode,
			   int64_t overflow, const char *path, char doubt[512])
{
	int64_t named = named_for(path);

	doubt[0] = '\0';
	if (server == overflow) {
		snprintf(doubt, 512, "the server at %s runs as a user that has no id in this user "
				     "namespace (it shows as %lld), so that it cannot be told from "
				     "other such users", path, LL(overflow));
		return FB_OK;
	}
	if (server == 0 || server == client)
		return FB_OK;
	if (named == client)
		return fbi_fail(FB_PERMISSION,
				"what listens at %s is a process of user %lld, and the directory is "
				"named after this user, %lld: another user has taken the server's "
				"place: remove the directory", path, LL(server), LL(client));
	if (named >= 0 && named != server)
		snprintf(doubt, 512, "the server at %s runs as user %lld, and its directory is named "
				     "after user %lld", path, LL(server), LL(named));
	else if (server == owner)
		return FB_OK;
	else if (owner == overflow)
		snprintf(doubt, 512, "the server at %s runs as user %lld, and the owner of its "
				     "directory has no id in this user namespace (it shows as %lld), "
				     "so that the two cannot be compared", path, LL(server),
			 LL(overflow));
	else if (owner == 0 && (mode & S_ISVTX))
		snprintf(doubt, 512, "the server at %s runs as user %lld, and every user may have a "
				     "socket in that directory", path, LL(server));
	else
		return fbi_fail(FB_PERMISSION,
				"what listens at %s is a process of user %lld, and the directory "
				"belongs to user %lld: another user's process may have taken the "
				"server's place: give servers a directory that belongs to their user",
				path, LL(server), LL(owner));
	return FB_OK;
}

fb_status fbi_check_server(int fd, const char *path, char doubt[512])
{
	char dir[FBI_PATH_SIZE];
	struct stat st;
	int64_t server = -1;
	int error = user_of(fd, &server);

	if (error)
		return fbi_fail(FB_ERROR, "ask at %s which user's server it is: peer credentials: %s",
				path, FBI_ERRNO(error));
	snprintf(dir, sizeof dir, "%.*s.", (int)(fbi_base_name(path) - path), path);
	if (stat(dir, &st))
		return fbi_fail(FB_ERROR, "ask at %s which user's directory it is in: %s", path,
				FBI_ERRNO(errno));
	return fbi_judge_server(server, geteuid(), st.st_uid, st.st_mode, fbi_overflow_id("uid"),
				path, doubt);
}

fb_status fbi_check_abstract(int fd, const char *path)
{
	char name[FBI_PATH_SIZE];
	int64_t server = -1;
	int error = user_of(fd, &server);

	fbi_abstract_name(path, name, sizeof name);
	if (error)
		return fbi_fail(FB_ERROR, "ask at %s which user's server it is: peer credentials: %s",
				name, FBI_ERRNO(error));
	if (server != fbi_overflow_id("uid") && (server == 0 || server == geteuid()))
		return FB_OK;
	return fbi_fail(FB_PERMISSION,
			"there is no %s here, and what listens at %s is a process of user %lld, which "
			"this process, of user %u, does not believe to be the server: mount the "
			"server's directory (at the same path, or where " FBI_DIR_VARIABLE " says)",
			path, name, LL(server), geteuid());
}
