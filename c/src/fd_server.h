/*
 * Hands out a server's files at a Unix socket. A client sends one byte, which says what it wants, and
 * receives one byte and the files, or one byte that refuses them. See docs/layout.md, Key.
 *
 * One thread serves all clients, without waiting for any of them: a silent client delays no other.
 */
#ifndef FBI_FD_SERVER_H
#define FBI_FD_SERVER_H

#include <pthread.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "backend.h"

/* A client that has not sent its byte yet. */
struct fbi_conn {
	int fd;
	int64_t until; /* CLOCK_MONOTONIC, ns */
	uid_t uid;
	unsigned right; /* 4 to read, 6 to write */
};

enum { FBI_MOST_CONNS = 64 };

struct fbi_fd_server {
	char path[FBI_PATH_SIZE];
	int control, ring, ring_to_read; /* the last -1 if it cannot be opened, as without /proc */
	int listener, abstract;          /* abstract is -1 where the name cannot be bound */
	int stop;                        /* an eventfd */
	int spare;                       /* a descriptor to give up when all are taken; -1 */
	uint32_t mode;
	bool own_dir; /* whether the directory's name can be guessed: see fbi_make_dir */
	int64_t overflow_uid, overflow_gid;
	dev_t device; /* of the socket's file */
	ino_t inode;
	int64_t touched;
	pid_t pid;
	pthread_t thread;
	unsigned count;
	struct fbi_conn conns[FBI_MOST_CONNS]; /* oldest first */
};

/*
 * Listens under a random name in the directory that spec or the environment names, and sets m's
 * location and what stops it. It takes the files. On an error m is unmapped.
 */
fb_status fbi_fd_server_start(struct fbi_mapping *m, const struct fbi_spec *spec, int control,
			      int ring);

/* The thread. */
void *fbi_fd_server_run(void *server);

/* Binds the socket at d->path, open to all users: d's own rights decide. 0, or errno. */
int fbi_fd_server_bind(struct fbi_fd_server *d);

/* Listens at a path or an abstract name, without blocking. 0, or errno. */
int fbi_listen(const char *name, int *fd);

/*
 * Makes the directory that a server uses, if there is none, accessible to others if others is set.
 * FB_PERMISSION if another user could replace the server's files: if the directory, or one above it,
 * belongs to another user, or can be written to by others and has no sticky bit. With own, also if
 * users other than this one may write to it: that is for names that other users can guess.
 */
fb_status fbi_make_dir(const char *dir, bool others, bool own);

/* Removes the sockets of servers that were killed. */
void fbi_sweep_sockets(const char *dir);

#endif
