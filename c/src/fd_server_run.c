/* The thread that hands out a server's files. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "fd_server.h"
#include "peers.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

/* Programs that clean directories by age use hours: the socket's times are renewed before. */
#define TOUCH_INTERVAL INT64_C(600000000000)

/* The highest right of a peer in the owner's group; false if it is in no such group, or unknown. */
static bool in_own_group(const struct fbi_fd_server *d, int fd, gid_t gid)
{
	gid_t own = getegid(), few[64], *all = few;
	socklen_t size = sizeof few;
	bool found = gid == own;

	if ((int64_t)own == d->overflow_gid)
		return false; /* stands for many groups */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, all, &size)) {
		if (errno != ERANGE || !(all = malloc(size)))
			return found;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, all, &size))
			size = 0;
	}
	for (size_t i = 0; i < size / sizeof *all; i++)
		found = found || all[i] == own;
	if (all != few)
		free(all);
	return found;
}

/*
 * The right of a peer, by its user and groups as the kernel tells them. The id that stands for users
 * without an id here counts as no user, also if the server runs as that.
 */
static unsigned right_of(const struct fbi_fd_server *d, int fd, const struct ucred *peer)
{
	if ((int64_t)peer->uid == d->overflow_uid)
		return peer->pid == getpid() ? 6 : fbi_right(d->mode, 0);
	if (peer->uid == geteuid())
		return 6;
	return fbi_right(d->mode, in_own_group(d, fd, peer->gid) ? 3 : 0);
}

static void drop(struct fbi_fd_server *d, unsigned i)
{
	close(d->conns[i].fd);
	d->count--;
	memmove(&d->conns[i], &d->conns[i + 1], (d->count - i) * sizeof d->conns[0]);
}

/* Closes the oldest connection of the user with most of them, which so harms only itself. */
static void drop_oldest(struct fbi_fd_server *d)
{
	unsigned most = 0, of = 0;

	for (unsigned i = 0; i < d->count; i++) {
		unsigned n = 0;

		for (unsigned j = 0; j < d->count; j++)
			n += d->conns[j].uid == d->conns[i].uid;
		if (n > most) {
			most = n;
			of = i;
		}
	}
	if (d->count)
		drop(d, of);
}

static void say(int fd, char word)
{
	/* It fits the buffer of a new connection. */
	(void)!send(fd, &word, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Accepts all that wait. A client without rights is refused at once. */
static void accept_all(struct fbi_fd_server *d, int listener)
{
	for (int i = 0; i < FBI_MOST_CONNS; i++) {
		struct ucred peer;
		socklen_t size = sizeof peer;
		unsigned right;
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE) && d->spare >= 0) {
			close(d->spare); /* which makes room for one */
			d->spare = -1;
			fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		}
		if (fd < 0)
			return;
		right = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size)
				? 0 : right_of(d, fd, &peer);
		if (!right) {
			say(fd, 'n');
			close(fd);
			continue;
		}
		if (d->count == FBI_MOST_CONNS)
			drop_oldest(d);
		d->conns[d->count++] = (struct fbi_conn){
			fd, fbi_read_clock(CLOCK_MONOTONIC) + FBI_REPLY_TIMEOUT, peer.uid, right};
	}
}

static void send_files(int fd, int control, int ring)
{
	const int files[2] = {control, ring};
	char word = 'y';
	union {
		char bytes[CMSG_SPACE(sizeof files)];
		struct cmsghdr align;
	} rights = {{0}};
	struct iovec part = {&word, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = rights.bytes,
				 .msg_controllen = sizeof rights.bytes};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof files);
	memcpy(CMSG_DATA(c), files, sizeof files);
	(void)!sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Answers a client that has sent its byte, or has gone. False: it has done neither. */
static bool answer(const struct fbi_fd_server *d, const struct fbi_conn *c)
{
	char want;
	ssize_t n = recv(c->fd, &want, 1, MSG_DONTWAIT);

	if (n < 0)
		return errno != EAGAIN && errno != EINTR;
	if (n == 0)
		return true;
	if (want == 'r' && d->ring_to_read >= 0)
		send_files(c->fd, d->control, d->ring_to_read);
	else if ((want == 'r' || want == 'w') && c->right == 6)
		send_files(c->fd, d->control, d->ring);
	else if (want == 'w')
		say(c->fd, 'o');
	return true;
}

/* Binds the socket again when another process has removed it, as programs that clean directories do. */
static void check_name(struct fbi_fd_server *d)
{
	const struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
	struct stat st;
	char dir[FBI_PATH_SIZE];

	if (lstat(d->path, &st) == 0) {
		if (st.st_dev == d->device && st.st_ino == d->inode &&
		    fbi_read_clock(CLOCK_MONOTONIC) - d->touched > TOUCH_INTERVAL) {
			utimensat(AT_FDCWD, d->path, now, AT_SYMLINK_NOFOLLOW);
			d->touched = fbi_read_clock(CLOCK_MONOTONIC);
		}
		return; /* another process's file is left alone */
	}
	if (errno != ENOENT)
		return;
	snprintf(dir, sizeof dir, "%.*s", (int)(fbi_base_name(d->path) - d->path - 1), d->path);
	if (!fbi_make_dir(dir, fbi_right(d->mode, 3) || fbi_right(d->mode, 0), d->own_dir))
		fbi_fd_server_bind(d);
}

static void serve_conns(struct fbi_fd_server *d)
{
	int64_t now = fbi_read_clock(CLOCK_MONOTONIC);

	for (unsigned i = d->count; i-- > 0;)
		if (answer(d, &d->conns[i]) || now > d->conns[i].until)
			drop(d, i);
	if (d->spare < 0)
		d->spare = open("/", O_PATH | O_CLOEXEC);
}

void *fbi_fd_server_run(void *server)
{
	struct fbi_fd_server *d = server;
	const int check_interval = 1000; /* ms */

	for (;;) {
		struct pollfd fds[3 + FBI_MOST_CONNS] = {{.fd = d->stop, .events = POLLIN},
							 {.fd = d->listener, .events = POLLIN},
							 {.fd = d->abstract, .events = POLLIN}};
		nfds_t n = 3;

		for (unsigned i = 0; i < d->count; i++)
			fds[n++] = (struct pollfd){.fd = d->conns[i].fd, .events = POLLIN};
		poll(fds, n, check_interval);
		if (fds[0].revents)
			return NULL;
		serve_conns(d);
		for (int i = 1; i < 3; i++)
			if (fds[i].fd >= 0 && (fds[i].revents & POLLIN))
				accept_all(d, fds[i].fd);
		check_name(d);
	}
}
