#include "futex.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int fbi_futex_wait(uint32_t *word, uint32_t old, int64_t ns)
{
	struct timespec limit = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

	if (syscall(SYS_futex, word, FUTEX_WAIT, old, &limit, NULL, 0) == 0)
		return 0;
	/* EFAULT: the file behind the memory was truncated. A load finds that out: see
	 * busguard.h. */
	if (errno == EAGAIN || errno == EINTR || errno == ETIMEDOUT || errno == EFAULT)
		return 0;
	return errno;
}

void fbi_futex_wake(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
