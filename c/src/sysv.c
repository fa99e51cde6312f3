/*
 * Attaching to System V segments, named by id within one IPC namespace. See docs/layout.md, Key.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

#include "errors.h"
#include "procinfo.h"
#include "sysv.h"
#include "text.h"

#ifndef SHM_REMAP
#define SHM_REMAP 040000
#endif

/* What a location says: two ids, and the inode of the IPC namespace that they are of, or 0. */
struct location {
	int control, ring;
	uint64_t namespace_;
};

static fb_status bad_location(const char *text)
{
	return fbi_fail(FB_BAD_KEY, "sysv location %s is not spelled as servers do", FBI_QUOTE(text));
}

static fb_status parse(const char *text, struct location *l)
{
	uint64_t number[3] = {0};
	unsigned fields = 1;
	const char *at = text;

	for (const char *p = text; *p; p++)
		fields += *p == '.';
	if (fields != 3)
		return fbi_fail(FB_BAD_KEY, "sysv location %s has %u fields, not 3", FBI_QUOTE(text),
				fields);
	for (int i = 0; i < 3; i++) {
		size_t n = strcspn(at, ".");

		if (!fbi_read_decimal(at, n, &number[i]) || (i < 2 && number[i] > INT32_MAX))
			return bad_location(text);
		at += n + 1;
	}
	l->control = (int)number[0];
	l->ring = (int)number[1];
	l->namespace_ = number[2];
	return FB_OK;
}

/* Detects the commonest mistake between containers, for which the kernel's answer would mislead. */
static fb_status check_namespace(const struct location *l)
{
	uint64_t here = fbi_namespace("ipc");

	if (l->namespace_ == 0 || here == 0 || l->namespace_ == here)
		return FB_OK;
	return fbi_fail(FB_STALE_KEY,
			"its memory is in IPC namespace %llu and this process is in %llu: start this "
			"container in the server's IPC namespace (--ipc=container:NAME, the server's "
			"with --ipc=shareable), or both in the host's (--ipc=host)",
			(unsigned long long)l->namespace_, (unsigned long long)here);
}

fb_status fbi_fail_sysv_attach(const char *call, int id, int error)
{
	fb_status refused = fbi_fail_refused(call, error);

	if (refused)
		return refused;
	if (error == EINVAL || error == EIDRM)
		return fbi_fail(FB_STALE_KEY,
				"there is no shared memory with id %d any more: its server is gone; "
				"get the key of the one that runs now (%s)", id, FBI_ERRNO(error));
	if (error == EACCES)
		return fbi_fail(FB_PERMISSION,
				"shared memory %d belongs to another user than this process (uid %u): "
				"run both as the same user, or start the server with a wider mode (%s)",
				id, getuid(), FBI_ERRNO(error));
	if (error == ENOMEM)
		return fbi_fail(FB_NO_MEMORY,
				"no address space left to map shared memory %d (ulimit -v?) (%s)", id,
				FBI_ERRNO(error));
	return fbi_fail(FB_ERROR, "attach shared memory %d: %s", id, FBI_ERRNO(error));
}

/* How many bytes of a segment are in memory or swapped out, by the kernel's list; -1 if unknown. */
static int64_t present(int id)
{
	FILE *f = fopen("/proc/sysvipc/shm", "re");
	char line[512];
	int64_t found = -1;

	if (!f)
		return -1;
	while (found < 0 && fgets(line, sizeof line, f)) {
		long long shmid, rss, swap;

		if (sscanf(line, "%*s %lld %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lld %lld",
			   &shmid, &rss, &swap) == 3 && shmid == id)
			found = rss + swap;
	}
	fclose(f);
	return found;
}

static fb_status check_holes(int id, uint64_t size)
{
	int64_t have = 0;

	for (int i = 0; i < 3; i++) { /* a page on its way to the swap space may be in neither count */
		have = present(id);
		if (have < 0 || (uint64_t)have >= size)
			return FB_OK;
	}
	return fbi_explain(fbi_fail_holes(size, (uint64_t)have), "segment %d: ", id);
}

static fb_status size_of(int id, uint64_t *size)
{
	struct shmid_ds ds;

	if (shmctl(id, IPC_STAT, &ds))
		return fbi_fail_sysv_attach("shmctl", id, errno);
	if (ds.shm_segsz > INT64_MAX || !fbi_whole_pages((int64_t)ds.shm_segsz))
		return fbi_fail(FB_STALE_KEY,
				"segment %d has %llu bytes, which no ring has: the id now belongs to "
				"another program", id, (unsigned long long)ds.shm_segsz);
	*size = ds.shm_segsz;
	return check_holes(id, *size);
}

int fbi_sysv_at(void *at, uint64_t size, void *of)
{
	const struct fbi_sysv_object *o = of;
	struct shmid_ds ds;

	if (shmat(o->id, at, o->flags | SHM_REMAP) == (void *)-1)
		return errno;
	/* The id may have changed hands since it was measured; what is attached keeps it now. */
	if (shmctl(o->id, IPC_STAT, &ds))
		return errno;
	return ds.shm_segsz == size ? 0 : EIDRM;
}

static fb_status attach(struct fbi_mapping *m, const char *location, bool read_only, bool guard)
{
	struct fbi_sysv_object control = {0, 0}, ring = {0, read_only ? SHM_RDONLY : 0};
	struct location l;
	uint64_t ring_size, control_size;
	int error = 0;
	fb_status status;

	(void)guard; /* the memory cannot be taken away */
	status = parse(location, &l);
	if (!status)
		status = check_namespace(&l);
	if (!status)
		status = size_of(l.ring, &ring_size);
	if (!status)
		status = size_of(l.control, &control_size);
	if (status)
		return status;
	control.id = l.control;
	ring.id = l.ring;
	status = fbi_map_control(m, control_size, 0, fbi_sysv_at, &control, &error);
	if (status)
		return error ? fbi_fail_sysv_attach("shmat", l.control, error) : status;
	status = fbi_map_ring(m, ring_size, FBI_HUGE_PAGE, fbi_sysv_at, &ring, &error);
	if (error == EACCES && !read_only) { /* it was read above */
		char what[48];

		snprintf(what, sizeof what, "shared memory %d", l.ring);
		status = fbi_fail_read_only(fbi_this_process().text, what);
	} else if (error) {
		status = fbi_fail_sysv_attach("shmat", l.ring, error);
	}
	if (status)
		fbi_unmap(m);
	else
		fbi_advise(m);
	return status;
}

const struct fbi_backend fbi_sysv = {"sysv", attach, fbi_make_sysv};
