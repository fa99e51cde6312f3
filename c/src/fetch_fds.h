/* Requesting a memfd segment's two files from its server. See docs/layout.md, Key. */
#ifndef FBI_FETCH_FDS_H
#define FBI_FETCH_FDS_H

#include "framebuffer.h"

struct fbi_fds {
	int control, ring;
};

/*
 * Requests the files at a socket, until a server answers or the time is over: a server with too many
 * connections may close this one before it answers. A refusal is final.
 */
fb_status fbi_fetch_fds(const char *path, bool read_only, struct fbi_fds *fds, char doubt[512]);

#endif
