#include "clock.h"

#include "procinfo.h"

void fbi_clock_init(struct fbi_clock *clock)
{
	int64_t boot;

	fbi_time_offsets(&clock->ahead, &boot);
}
