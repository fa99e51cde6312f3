/* The names of a file segment's two files. */
#ifndef FBI_FILES_H
#define FBI_FILES_H

#define FBI_FILE_PREFIX "framebuffer-"
#define FBI_CONTROL_SUFFIX ".control"
#define FBI_RING_SUFFIX ".ring"
#define FBI_MOST_BASE 180 /* bytes in a path without suffix: a key has room for twice that */

#endif
