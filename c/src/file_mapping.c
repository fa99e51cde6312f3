/* Mapping the two objects of backends that have files. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "backend.h"
#include "errors.h"

struct file {
	int fd, protection;
};

static int map_at(void *at, uint64_t size, void *of)
{
	const struct file *f = of;
	void *p = mmap(at, size, f->protection, MAP_SHARED | MAP_FIXED, f->fd, 0);

	return p == MAP_FAILED ? errno : 0;
}

static fb_status fail_map(uint64_t size, int error)
{
	if (error == ENOMEM)
		return fbi_fail(FB_NO_MEMORY, "no room to map %llu bytes (ulimit -v? huge pages?): %s",
				(unsigned long long)size, FBI_ERRNO(error));
	return fbi_fail(FB_ERROR, "map %llu bytes: %s", (unsigned long long)size, FBI_ERRNO(error));
}

/* The size of a file's pages, or 0: hugetlbfs may have pages of a gigabyte, and disks have blocks. */
static uint64_t page_of(int fd, uint64_t size)
{
	struct stat st;
	uint64_t block;

	if (fstat(fd, &st) || st.st_blksize <= 0)
		return 0;
	block = (uint64_t)st.st_blksize;
	return (block & (block - 1)) == 0 && size % block == 0 ? block : 0;
}

fb_status fbi_map_files(struct fbi_mapping *m, int control, uint64_t control_size, int ring,
			uint64_t ring_size, bool read_only)
{
	struct file f = {control, PROT_READ | PROT_WRITE};
	uint64_t page;
	fb_status status;
	int error;

	status = fbi_map_control(m, control_size, page_of(control, control_size), map_at, &f, &error);
	if (status)
		return fbi_explain(error ? fail_map(control_size, error) : status,
				   error ? "control object: " : "");
	f.fd = ring;
	if (read_only)
		f.protection = PROT_READ;
	page = page_of(ring, ring_size);
	status = fbi_map_ring(m, ring_size, page > FBI_HUGE_PAGE ? page : FBI_HUGE_PAGE, map_at, &f,
			      &error);
	if (status)
		return fbi_explain(error ? fail_map(ring_size, error) : status,
				   error ? "ring: " : "");
	return FB_OK;
}
