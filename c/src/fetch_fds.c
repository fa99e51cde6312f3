#include "fetch_fds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend.h"
#include "clock.h"
#include "errors.h"
#include "peers.h"

enum { MOST_FILES = 4 };

/* Connects to the server whose socket has that path, by its abstract name if that does not exist. */
static int dial_server(const char *path, int64_t end, int *fd, bool *abstract)
{
	char name[FBI_PATH_SIZE];
	int error = fbi_dial(path, end, fd);

	*abstract = false;
	if (error != ENOENT)
		return error;
	fbi_abstract_name(path, name, sizeof name);
	if (fbi_dial(name, end, fd))
		return ENOENT;
	*abstract = true;
	return 0;
}

static fb_status fail_dial(const char *path, int error)
{
	if (error == ENOENT || error == ECONNREFUSED)
		return fbi_fail(FB_STALE_KEY,
				"no server answers at %s: it is gone, or its directory is not mounted "
				"here (at the same path, or where " FBI_DIR_VARIABLE " says) (dial "
				"unix %s: connect: %s)", path, path, FBI_ERRNO(error));
	if (error == EACCES || error == EPERM)
		return fbi_fail(FB_PERMISSION,
				"this process (uid %u) may not go to %s: open the directory to it "
				"(chmod), or run both as the same user (dial unix %s: connect: %s)",
				geteuid(), path, path, FBI_ERRNO(error));
	if (error == EAGAIN)
		return fbi_fail(FB_ERROR,
				"ask at %s: for 5s as many others waited there as the kernel lets "
				"wait: try again, and see which processes connect to it (ss -xp) "
				"(dial unix %s: connect: %s)", path, path, FBI_ERRNO(error));
	return fbi_fail(FB_ERROR, "ask at %s: dial unix %s: connect: %s", path, path,
			FBI_ERRNO(error));
}

/* Takes the descriptors of a message; those that have no place are closed. */
static int received(struct msghdr *message, int files[MOST_FILES])
{
	int n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		const unsigned char *data = CMSG_DATA(c);
		size_t size;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size = c->cmsg_len - (size_t)(data - (unsigned char *)c);
		for (size_t at = 0; at + sizeof(int) <= size; at += sizeof(int)) {
			int fd;

			memcpy(&fd, data + at, sizeof fd);
			if (n < MOST_FILES)
				files[n++] = fd;
			else
				close(fd);
		}
	}
	return n;
}

static fb_status fail_unanswered(const char *path, ssize_t n, int error, int wrote)
{
	if (n < 0 && (error == EAGAIN || error == EWOULDBLOCK))
		return fbi_fail(FB_ERROR,
				"the server at %s does not answer for 5s: it is stopped, or too busy; "
				"ss -xlp says which process it is: i/o timeout", path);
	if (n < 0)
		wrote = error;
	return fbi_fail(FB_STALE_KEY, "the server at %s went away: %s%sit closed the connection",
			path, wrote ? FBI_ERRNO(wrote) : "", wrote ? "\n" : "");
}

/* Sets the error for a reply that is not the two files. */
static fb_status fail_reply(const char *path, char said, int files, bool truncated)
{
	char what[FBI_PATH_SIZE + 32];

	if (said == 'n')
		return fbi_fail(FB_PERMISSION,
				"the server at %s does not let in uid %u, gid %u: run both as the "
				"same user, or have the server let it in (--allow-uid, --allow-gid, "
				"or a wider mode: 0660 its group, 0666 all users)",
				path, geteuid(), getegid());
	if (said == 'o') {
		snprintf(what, sizeof what, "the server at %s", path);
		return fbi_fail_read_only(fbi_this_process().text, what);
	}
	if (truncated)
		return fbi_fail(FB_ERROR,
				"ask at %s: no room for the two files that the server sent: raise the "
				"limit (ulimit -n): %s", path, FBI_ERRNO(EMFILE));
	return fbi_fail(FB_STALE_KEY, "what answers at %s is not a server: %d files (%s)", path,
			files, FBI_ERRNO(EINVAL));
}

/* Sends what the client wants, and receives the files. *again: the server closed the connection. */
static fb_status request(int fd, const char *path, bool read_only, struct fbi_fds *fds, bool *again)
{
	const char want = read_only ? 'r' : 'w';
	char said = 0;
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} rights;
	struct iovec part = {&said, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = rights.bytes,
				 .msg_controllen = sizeof rights.bytes};
	int files[MOST_FILES], n, wrote, error;
	ssize_t got;

	/* A refused client may see EPIPE on write; the reply is still readable. */
	wrote = send(fd, &want, 1, MSG_NOSIGNAL) == 1 ? 0 : errno;
	do
		got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	error = errno;
	if (got <= 0) {
		*again = got == 0 || (error != EAGAIN && error != EWOULDBLOCK);
		return fail_unanswered(path, got, error, wrote);
	}
	n = received(&message, files);
	if (said == 'y' && n == 2) {
		fds->control = files[0];
		fds->ring = files[1];
		return FB_OK;
	}
	for (int i = 0; i < n; i++)
		close(files[i]);
	return fail_reply(path, said, n, message.msg_flags & MSG_CTRUNC);
}

static fb_status fetch_once(const char *path, bool read_only, int64_t end, struct fbi_fds *fds,
			    char doubt[512], bool *again)
{
	bool abstract;
	fb_status status;
	int fd, error = dial_server(path, end, &fd, &abstract);

	*again = false;
	doubt[0] = '\0';
	if (error)
		return fail_dial(path, error);
	status = abstract ? fbi_check_abstract(fd, path) : fbi_check_server(fd, path, doubt);
	if (!status)
		status = request(fd, path, read_only, fds, again);
	close(fd);
	return status;
}

fb_status fbi_fetch_fds(const char *path, bool read_only, struct fbi_fds *fds, char doubt[512])
{
	int64_t end = fbi_read_clock(CLOCK_MONOTONIC) + FBI_REPLY_TIMEOUT, wait = 1000000;

	for (;;) {
		struct timespec pause = {0, (long)wait};
		bool again;
		fb_status status = fetch_once(path, read_only, end, fds, doubt, &again);

		if (!again || fbi_read_clock(CLOCK_MONOTONIC) + wait > end)
			return status;
		nanosleep(&pause, NULL);
		wait = wait < 25000000 ? 2 * wait : 50000000;
	}
}
