/*
 * Making System V segments. Both are marked for removal as soon as they are attached (IPC_RMID): Linux
 * still lets processes attach by id while any process is attached, and frees the memory when the last
 * one detaches or dies. Nothing is left to clean up.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#include "errors.h"
#include "procinfo.h"
#include "sysv.h"

/* An error if this process may not attach or remove segments, before it makes one. */
static fb_status check_allowed(void)
{
	struct shmid_ds ds;

	if (shmctl(-1, IPC_STAT, &ds) && fbi_not_allowed(errno))
		return fbi_fail_refused("shmctl", errno);
	if (shmat(-1, NULL, 0) == (void *)-1 && fbi_not_allowed(errno))
		return fbi_fail_refused("shmat", errno);
	return FB_OK;
}

static const char *sysctl_text(const char *name, char text[64])
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof path, "/proc/sys/kernel/%s", name);
	n = fbi_read_file(path, text, 64);
	if (n <= 0)
		return "unknown";
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static fb_status fail_make(uint64_t size, int error)
{
	unsigned long long n = size;
	char a[64], b[64];

	if (fbi_not_allowed(error))
		return fbi_fail_refused("shmget", error);
	if (error == EINVAL)
		return fbi_fail(FB_NO_MEMORY,
				"a segment of %llu bytes is over this IPC namespace's limit of %s "
				"bytes: raise it with sysctl kernel.shmmax, or ask for less (%s)",
				n, sysctl_text("shmmax", a), FBI_ERRNO(error));
	if (error == ENOSPC)
		return fbi_fail(FB_NO_MEMORY,
				"this IPC namespace has no room for one more segment of %llu bytes "
				"(kernel.shmmni %s segments, kernel.shmall %s pages): raise the "
				"limits, or remove segments that ipcs -m shows (%s)",
				n, sysctl_text("shmmni", a), sysctl_text("shmall", b),
				FBI_ERRNO(error));
	if (error == ENOMEM)
		return fbi_fail(FB_NO_MEMORY,
				"the kernel would not promise %llu bytes: ask for less, or allow "
				"overcommit with sysctl vm.overcommit_memory (%s)", n, FBI_ERRNO(error));
	return fbi_fail(FB_ERROR, "make a segment of %llu bytes: %s", n, FBI_ERRNO(error));
}

/*
 * Creates a segment, attaches it and marks it for removal. SIGKILL between the first call and the last
 * would leave it behind, so nothing slow stands between them.
 */
static fb_status make_object(struct fbi_mapping *m, uint64_t size, uint32_t mode, bool is_ring,
			     int *id)
{
	struct fbi_sysv_object object = {0, 0};
	int error = 0;
	fb_status status;

	*id = object.id = shmget(IPC_PRIVATE, size, IPC_CREAT | IPC_EXCL | (int)mode);
	if (object.id < 0)
		return fail_make(size, errno);
	status = is_ring ? fbi_map_ring(m, size, FBI_HUGE_PAGE, fbi_sysv_at, &object, &error)
			 : fbi_map_control(m, size, 0, fbi_sysv_at, &object, &error);
	if (shmctl(object.id, IPC_RMID, NULL) && !status)
		return fbi_fail(FB_ERROR, "mark the new segment %d for removal: %s", object.id,
				FBI_ERRNO(errno));
	if (error)
		return fbi_fail(FB_ERROR, "attach the new segment %d of %llu bytes: %s", object.id,
				(unsigned long long)size, FBI_ERRNO(error));
	return status;
}

fb_status fbi_make_sysv(struct fbi_mapping *m, const struct fbi_spec *spec)
{
	int control = 0, ring = 0;
	fb_status status = check_allowed();

	if (status)
		return status;
	status = make_object(m, spec->control, fbi_control_mode(spec->mode), false, &control);
	if (status)
		fbi_explain(status, "control object: ");
	if (!status) {
		status = fbi_check_room(spec->ring);
		if (!status)
			status = make_object(m, spec->ring, fbi_ring_mode(spec->mode), true, &ring);
		if (status)
			fbi_explain(status, "ring: ");
	}
	if (!status)
		status = fbi_finish(m);
	if (status) {
		fbi_unmap(m);
		return status;
	}
	snprintf(m->location, sizeof m->location, "%d.%d.%llu", control, ring,
		 (unsigned long long)fbi_namespace("ipc"));
	return FB_OK;
}
