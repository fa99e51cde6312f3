/* What the kernel says about processes and namespaces in /proc. */
#ifndef FBI_PROCINFO_H
#define FBI_PROCINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The inode of this process's namespace of a kind ("ipc", "pid"), 0 where /proc does not tell. */
uint64_t fbi_namespace(const char *kind);

/*
 * When a process started, in hundredths of a second since the host's boot. Returns 0, or an error
 * number: ENOENT if this PID namespace has no such process.
 */
int fbi_start_time(pid_t pid, uint64_t *started);

/* Whether two start times are those of one process: time namespaces may differ by one. */
static inline bool fbi_same_start(uint64_t a, uint64_t b)
{
	return a - b + 1 <= 2;
}

/* By how many ns CLOCK_MONOTONIC and CLOCK_BOOTTIME are ahead of the host's. */
void fbi_time_offsets(int64_t *monotonic, int64_t *boot);

/* Reads a small file and ends it with a zero. Returns its length, or -1 and errno. */
ssize_t fbi_read_file(const char *path, char *to, size_t room);

/*
 * The ids that the kernel shows in place of every user without an id in this user namespace, or -1
 * where each has one of its own. kind is "uid" or "gid".
 */
int64_t fbi_overflow_id(const char *kind);

#endif
