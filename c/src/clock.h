/* CLOCK_MONOTONIC as the host's time namespace counts it, in ns. */
#ifndef FBI_CLOCK_H
#define FBI_CLOCK_H

#include <stdint.h>
#include <time.h>

struct fbi_clock {
	int64_t ahead; /* what this process's reading is ahead of the host's */
};

void fbi_clock_init(struct fbi_clock *clock);

static inline int64_t fbi_read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int64_t fbi_now(const struct fbi_clock *clock)
{
	return fbi_read_clock(CLOCK_MONOTONIC) - clock->ahead;
}

/* ns since 1970, UTC. */
static inline int64_t fbi_wall(void)
{
	return fbi_read_clock(CLOCK_REALTIME);
}

#endif
