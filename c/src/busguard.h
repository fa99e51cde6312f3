/*
 * Keeps this process alive when another one truncates a file that is mapped. A handler of SIGBUS maps
 * zeroes of this process's own in place of the file, and the instruction that faulted goes on. Zeroes
 * contain no frame, so the call fails.
 */
#ifndef FBI_BUSGUARD_H
#define FBI_BUSGUARD_H

#include "mapping.h"

/* Watches both objects of a mapping. FB_NO_MEMORY when all places are taken. */
fb_status fbi_watch_begin(struct fbi_mapping *m);

/* Whether the memory was replaced. */
bool fbi_watch_hit(const struct fbi_watch *watch);

/* Ends the watch; NULL is allowed. */
void fbi_watch_end(struct fbi_watch *watch);

#endif
