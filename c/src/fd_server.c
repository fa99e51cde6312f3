/* Starting and stopping what hands out the files. fd_server_run.c is the thread. */
#include "fd_server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "errors.h"
#include "peers.h"
#include "procinfo.h"
#include "text.h"

enum { BACKLOG = 128, BIND_ATTEMPTS = 5 };

int fbi_listen(const char *name, int *fd)
{
	struct sockaddr_un address;
	socklen_t size;
	int s, error;

	if (!fbi_socket_address(name, &address, &size))
		return ENAMETOOLONG;
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s < 0)
		return errno;
	if (bind(s, (struct sockaddr *)&address, size) || listen(s, BACKLOG)) {
		error = errno;
		close(s);
		return error;
	}
	*fd = s;
	return 0;
}

int fbi_fd_server_bind(struct fbi_fd_server *d)
{
	int error = ENOENT;

	/* ENOENT: another process removed the socket at once, as a sweep does between bind and listen. */
	for (int i = 0; error == ENOENT && i < BIND_ATTEMPTS; i++) {
		struct stat st;
		int fd;

		error = fbi_listen(d->path, &fd);
		if (error)
			return error;
		if (lstat(d->path, &st) || (S_ISSOCK(st.st_mode) && chmod(d->path, 0666)))
			error = errno;
		else
			error = S_ISSOCK(st.st_mode) ? 0 : EINVAL;
		if (error) {
			close(fd);
			continue;
		}
		if (d->listener >= 0)
			close(d->listener); /* it has no path any more */
		d->listener = fd;
		d->device = st.st_dev;
		d->inode = st.st_ino;
	}
	return error;
}

static bool refuses(const char *path)
{
	int fd, error = fbi_dial(path, fbi_read_clock(CLOCK_MONOTONIC) + FBI_REPLY_TIMEOUT, &fd);

	if (!error)
		close(fd);
	return error == ECONNREFUSED;
}

void fbi_sweep_sockets(const char *dir)
{
	/* A server may take so long between bind and listen. */
	const struct timespec grace = {0, 20000000};
	DIR *all = opendir(dir);
	struct dirent *e;

	if (!all)
		return;
	while ((e = readdir(all)) != NULL) {
		char path[PATH_MAX];
		size_t n = strlen(e->d_name), suffix = strlen(FBI_SOCKET_SUFFIX);

		if (n < suffix || strcmp(e->d_name + n - suffix, FBI_SOCKET_SUFFIX) != 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if (!refuses(path))
			continue;
		nanosleep(&grace, NULL);
		if (refuses(path))
			unlink(path);
	}
	closedir(all);
}

/* Writes the absolute directory of the socket. */
static void choose_dir(const char *given, char dir[PATH_MAX], bool *own)
{
	const char *named = given ? given : getenv(FBI_DIR_VARIABLE);
	const char *runtime = getenv("XDG_RUNTIME_DIR"), *tmp = getenv("TMPDIR");
	char *end;

	*own = !named || !*named;
	if (!*own && *named == '/')
		snprintf(dir, PATH_MAX, "%s", named);
	else if (!*own && getcwd(dir, PATH_MAX))
		snprintf(dir + strlen(dir), PATH_MAX - strlen(dir), "/%s", named);
	else if (runtime && *runtime)
		snprintf(dir, PATH_MAX, "%s/framebuffer", runtime);
	else
		snprintf(dir, PATH_MAX, "%s/" FBI_DEFAULT_DIR "%u", tmp && *tmp ? tmp : "/tmp",
			 getuid());
	for (end = dir + strlen(dir); end > dir + 1 && end[-1] == '/'; end--)
		end[-1] = '\0';
}

/* Whether the path is as keys have it; the directory exists. */
static fb_status resolve(char dir[PATH_MAX])
{
	char real[PATH_MAX];

	if (!strstr(dir, "//") && !strstr(dir, "/."))
		return FB_OK;
	if (!realpath(dir, real))
		return fbi_fail(FB_ERROR, "the directory of the socket: %s", FBI_ERRNO(errno));
	memcpy(dir, real, PATH_MAX);
	return FB_OK;
}

/*
 * Opens the ring a second time, read-only, for clients that may only read it. Without /proc that is not
 * possible: clients that ask to read and may also write then get the writable file.
 */
static fb_status open_to_read(struct fbi_fd_server *d)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", d->ring);
	d->ring_to_read = open(path, O_RDONLY | O_CLOEXEC);
	if (d->ring_to_read >= 0 ||
	    (errno == ENOENT && fbi_right(d->mode, 3) != 4 && fbi_right(d->mode, 0) != 4))
		return FB_OK;
	return fbi_fail(FB_ERROR, "open the ring for users that may only read it (is /proc mounted?): "
				  "%s", FBI_ERRNO(errno));
}

static fb_status open_socket(struct fbi_fd_server *d, const char *given)
{
	char dir[PATH_MAX], name[FBI_PATH_SIZE], hex[17];
	uint64_t bits = 0;
	fb_status status;
	int error;

	choose_dir(given, dir, &d->own_dir);
	status = fbi_make_dir(dir, fbi_right(d->mode, 3) || fbi_right(d->mode, 0), d->own_dir);
	if (!status)
		status = resolve(dir);
	if (status)
		return status;
	fbi_sweep_sockets(dir);
	if (getrandom(&bits, sizeof bits, 0) != sizeof bits)
		return fbi_fail(FB_ERROR, "random bits for a socket: %s", FBI_ERRNO(errno));
	fbi_write_hex(hex, &bits, sizeof bits);
	if (snprintf(d->path, sizeof d->path, "%s/%s" FBI_SOCKET_SUFFIX, dir, hex) >
	    FBI_MOST_SOCKET_PATH)
		return fbi_fail(FB_ERROR, "the socket's path %s/%s" FBI_SOCKET_SUFFIX " has %zu bytes, "
					  "and the kernel takes %d: name a directory with a shorter "
					  "path", dir, hex, strlen(dir) + 20, FBI_MOST_SOCKET_PATH);
	status = open_to_read(d);
	if (status)
		return status;
	error = fbi_fd_server_bind(d);
	if (error)
		return fbi_fail(FB_ERROR, "listen in %s: %s", dir, FBI_ERRNO(error));
	fbi_abstract_name(d->path, name, sizeof name);
	if (fbi_listen(name, &d->abstract)) /* then clients find the server by its path alone */
		d->abstract = -1;
	return FB_OK;
}

static void close_all(struct fbi_fd_server *d)
{
	const int all[] = {d->control, d->ring, d->ring_to_read, d->listener,
			   d->abstract, d->stop, d->spare};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (all[i] >= 0)
			close(all[i]);
	for (unsigned i = 0; i < d->count; i++)
		close(d->conns[i].fd);
}

/* Removes the socket's file, if it is still this server's. */
static void remove_name(const struct fbi_fd_server *d)
{
	struct stat st;

	if (d->listener >= 0 && lstat(d->path, &st) == 0 && st.st_dev == d->device &&
	    st.st_ino == d->inode)
		unlink(d->path);
}

/* Stops the thread. A fork's child has none, and closes its copies of the descriptors. */
static void stop(void *of)
{
	struct fbi_fd_server *d = of;

	if (d->pid == getpid()) {
		eventfd_write(d->stop, 1);
		pthread_join(d->thread, NULL);
		remove_name(d);
	}
	close_all(d);
	free(d);
}

static fb_status start_thread(struct fbi_fd_server *d)
{
	sigset_t all, before;
	int error;

	d->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->stop < 0)
		return fbi_fail(FB_ERROR, "eventfd: %s", FBI_ERRNO(errno));
	d->spare = open("/", O_PATH | O_CLOEXEC);
	sigfillset(&all); /* signals are for the program's own threads */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&d->thread, NULL, fbi_fd_server_run, d);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error ? fbi_fail(FB_ERROR, "start a thread: %s", FBI_ERRNO(error)) : FB_OK;
}

fb_status fbi_fd_server_start(struct fbi_mapping *m, const struct fbi_spec *spec, int control,
			      int ring)
{
	struct fbi_fd_server *d = calloc(1, sizeof *d);
	fb_status status;

	if (!d) {
		close(control);
		close(ring);
		fbi_unmap(m);
		return fbi_fail(FB_NO_MEMORY, "no memory for a server");
	}
	d->control = control;
	d->ring = ring;
	d->ring_to_read = d->listener = d->abstract = d->stop = d->spare = -1;
	d->mode = spec->mode;
	d->pid = getpid();
	d->overflow_uid = fbi_overflow_id("uid");
	d->overflow_gid = fbi_overflow_id("gid");
	d->touched = fbi_read_clock(CLOCK_MONOTONIC);
	status = open_socket(d, spec->dir);
	if (!status)
		status = start_thread(d);
	if (status) {
		remove_name(d);
		close_all(d);
		free(d);
		fbi_unmap(m);
		return status;
	}
	fbi_write_hex(m->location, d->path, strlen(d->path));
	m->stop = stop;
	m->server = d;
	return FB_OK;
}
