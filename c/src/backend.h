/* The ways in which the memory is shared, and what their locations have in common. */
#ifndef FBI_BACKEND_H
#define FBI_BACKEND_H

#include "mapping.h"

/* The environment variable that names the directory of sockets and files. */
#define FBI_DIR_VARIABLE "FRAMEBUFFER_DIR"

/* What a server asks for. */
struct fbi_spec {
	uint64_t control, ring; /* bytes, whole pages */
	const char *dir;        /* NULL for a default */
	uint32_t mode;          /* permission bits; 0600 if the program set none */
};

struct fbi_backend {
	const char *name;
	/*
	 * Maps a segment that a server made, into a zeroed mapping; read_only without the permission to
	 * write to the ring. guard says whether mappings that can be truncated are watched. On an error
	 * nothing is left mapped. FB_STALE_KEY, FB_PERMISSION, FB_BAD_KEY, FB_NO_MEMORY, FB_CORRUPT.
	 */
	fb_status (*attach)(struct fbi_mapping *m, const char *location, bool read_only, bool guard);

	/*
	 * Makes a segment into a zeroed mapping: zeroed memory, every page present, and its location. On an
	 * error nothing is left. NULL for a backend whose servers this library does not have.
	 */
	fb_status (*make)(struct fbi_mapping *m, const struct fbi_spec *spec);
};

extern const struct fbi_backend fbi_sysv, fbi_memfd, fbi_file;

/* The backend of that name; "" is memfd. FB_ERROR. */
fb_status fbi_backend_by_name(const char *name, const struct fbi_backend **backend);

/* Bytes of a path in a location, with its zero. */
#define FBI_PATH_SIZE 256

/*
 * Decodes the path in a location, as its server sees it: clean, absolute, at most most bytes, and with
 * a name that ours accepts. FB_BAD_KEY.
 */
fb_status fbi_path_of(const char *backend, const char *location, size_t most,
		      bool (*ours)(const char *name), char path[FBI_PATH_SIZE]);

/*
 * Changes a server's path to that in this process: if path and suffix do not exist here and the
 * environment names a directory, to the file of the same name there. FB_ERROR if that is too long.
 */
fb_status fbi_local_path(char path[FBI_PATH_SIZE], const char *suffix);

/* The part of a path behind the last slash. */
const char *fbi_base_name(const char *path);

/* FB_CORRUPT for a file with less memory than its size. */
fb_status fbi_check_holes(int fd, uint64_t size);
fb_status fbi_fail_holes(uint64_t size, uint64_t have);

/* The right of a class of users in a mode, by shift: 6 to write, 4 to read, else 0. */
static inline unsigned fbi_right(uint32_t mode, unsigned shift)
{
	unsigned r = mode >> shift & 6;

	return r & 4 ? r : 0;
}

/* The permissions of the ring, and of the control object, to which readers write their counters. */
static inline uint32_t fbi_ring_mode(uint32_t mode)
{
	return 0600 | fbi_right(mode, 3) << 3 | fbi_right(mode, 0);
}

static inline uint32_t fbi_control_mode(uint32_t mode)
{
	return 0600 | (fbi_right(mode, 3) ? 060u : 0) | (fbi_right(mode, 0) ? 06u : 0);
}

/* FB_NO_MEMORY for a ring that this machine or this control group cannot hold. See room.c. */
fb_status fbi_check_room(uint64_t size);

/* Makes every page of a new segment present, and keeps it out of core dumps. */
fb_status fbi_finish(struct fbi_mapping *m);

fb_status fbi_make_sysv(struct fbi_mapping *m, const struct fbi_spec *spec);
fb_status fbi_make_memfd(struct fbi_mapping *m, const struct fbi_spec *spec);

/* Sets FB_PERMISSION for a user that may only read, and asked to write. */
fb_status fbi_fail_read_only(const char *user, const char *what);

/* "this process (uid 1, gid 2)". */
struct fbi_user_text {
	char text[64];
};
struct fbi_user_text fbi_this_process(void);

/* Maps the files of a memfd or file segment; the sizes are checked. See file_mapping.c. */
fb_status fbi_map_files(struct fbi_mapping *m, int control, uint64_t control_size, int ring,
			uint64_t ring_size, bool read_only);

/* Whether n bytes are what an object can have: whole pages, and not too many. */
static inline bool fbi_whole_pages(int64_t n)
{
	return n > 0 && (uint64_t)n % fbi_page_size() == 0 && n <= INT64_MAX / 4;
}

#endif
