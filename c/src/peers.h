/* The process at the other end of a Unix socket, and connecting to one. */
#ifndef FBI_PEERS_H
#define FBI_PEERS_H

#include <sys/socket.h>
#include <sys/types.h>

#include "framebuffer.h"

/* How long either side of the protocol waits for the byte of the other, in ns. */
#define FBI_REPLY_TIMEOUT INT64_C(5000000000)

/*
 * Connects to the socket at a path, or to an abstract name if it begins with @. If the backlog is full
 * it waits in the kernel's queue, until deadline (CLOCK_MONOTONIC, ns): EAGAIN. Returns 0 or errno.
 */
int fbi_dial(const char *name, int64_t deadline, int *fd);

/* Fills in the address of such a name. False if it is too long. */
struct sockaddr_un;
bool fbi_socket_address(const char *name, struct sockaddr_un *address, socklen_t *size);

/* Writes the abstract name of the server whose socket has that path, with @ before it. */
void fbi_abstract_name(const char *path, char *to, size_t room);

/*
 * Compares the user at the other end of a connection with the owner of the socket's directory, before
 * anything received is trusted: doubt (512 bytes) is why the server may be any user's, "" if it is the
 * directory's owner, this user or root. FB_PERMISSION if it runs as another user.
 */
fb_status fbi_check_server(int fd, const char *path, char doubt[512]);

/* The same for an abstract name, which any process can bind: this user's or root's, without doubt. */
fb_status fbi_check_abstract(int fd, const char *path);

/* What fbi_check_server decides by. owner and mode are the directory's, overflow is -1 for none. */
fb_status fbi_judge_server(int64_t server, int64_t client, int64_t owner, mode_t mode,
			   int64_t overflow, const char *path, char doubt[512]);

/* The prefix of a user's default directory, before the user's id. */
#define FBI_DEFAULT_DIR "framebuffer-"
#define FBI_SOCKET_SUFFIX ".fb"
#define FBI_MOST_SOCKET_PATH 107

#endif
