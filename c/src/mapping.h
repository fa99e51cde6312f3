/*
 * One process's mapping of a segment's two objects. Backends (sysv.c, memfd.c, file.c) make it; this
 * part knows nothing of what the bytes mean.
 */
#ifndef FBI_MAPPING_H
#define FBI_MAPPING_H

#include "framebuffer.h"

struct fbi_watch; /* see busguard.h */

struct fbi_mapping {
	uint8_t *control;      /* read-write; FBI_LIFE_DISTANCE private bytes lie in front of it */
	uint64_t control_size; /* as the kernel gives it */
	uint8_t *ring;         /* twice in a row */
	uint64_t capacity;     /* bytes in the ring, as the kernel gives it */
	char location[FB_KEY_SIZE];
	char doubt[512]; /* why the server's user is not known */
	uint32_t pages;  /* of a new segment: as in the layout's table */

	struct fbi_watch *watch; /* NULL for memory that cannot be taken away */

	/* Of a server: ends what lets processes attach. NULL for nothing. */
	void (*stop)(void *server);
	void *server;
};

/* What fbi_map_control and fbi_map_ring call to map the object at an address. 0, or errno. */
typedef int fbi_attach_at(void *at, uint64_t size, void *of);

/* Maps a control object behind its front. page is the size of its pages, at least the kernel's. */
fb_status fbi_map_control(struct fbi_mapping *m, uint64_t size, uint64_t page,
			  fbi_attach_at *attach, void *of, int *error);

/* Maps a ring twice in a row. Its address is a multiple of page if its size is one. */
fb_status fbi_map_ring(struct fbi_mapping *m, uint64_t size, uint64_t page, fbi_attach_at *attach,
		       void *of, int *error);

/* Sets the kernel's advice for both: not in core dumps, huge pages where the server asked for them. */
void fbi_advise(struct fbi_mapping *m);

/* Makes every page of new memory present. FB_NO_MEMORY. */
fb_status fbi_populate(uint8_t *at, uint64_t size);

/*
 * Detaches at once: private zeroes stand there from now on. Threads that use the memory meanwhile see
 * shared bytes or zeroes and never fault.
 */
void fbi_blank(struct fbi_mapping *m);

/* Unmaps. */
void fbi_unmap(struct fbi_mapping *m);

/* Whether the memory was truncated under this process. */
bool fbi_damaged(const struct fbi_mapping *m);

#define FBI_HUGE_PAGE ((uint64_t)2 << 20)

uint64_t fbi_page_size(void);

#endif
