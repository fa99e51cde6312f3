/* Which stores and which prefetches a copy takes. bench/stores.md has the measurements. */
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "copyhash.h"
#include "copyhash_kernel.h"

/* From how many bytes on stores into the ring are streaming. */
#define STREAM_IN_FROM ((size_t)1 << 20)

/*
 * From how many bytes on it is asked whether stores out of the ring bypass the caches, so that
 * smaller frames do not even load the limit.
 */
#define LEAST_STREAM_OUT ((size_t)4 << 20)

/*
 * Such a frame and the memory that it is copied to take three quarters of the L3, and with what
 * else is there its end pushes its beginning out again before it is used. Without an L3, or if its
 * size is not known, there is no limit.
 */
size_t fbi_stream_out_limit(size_t l3)
{
	size_t limit = l3 / 8 * 3;

	if (l3 == 0)
		return SIZE_MAX;
	return limit > LEAST_STREAM_OUT ? limit : LEAST_STREAM_OUT;
}

static size_t stream_out_from(void)
{
	return fbi_stream_out_limit(fbi_cpu_here().l3);
}

/*
 * A dst that streaming stores cannot take is not made fit by copying its first bytes one by one:
 * the hash takes its stripes from the frame's beginning on, and then no store would be aligned
 * where a stripe is.
 */
static bool streaming(const struct fbi_kernel *k, const void *dst, size_t n, int way)
{
	bool wanted = way & FBI_STREAMING;

	if (way & FBI_AUTO) {
		if (way & FBI_OUT)
			wanted = n >= LEAST_STREAM_OUT && n >= stream_out_from();
		else
			wanted = n >= STREAM_IN_FROM;
	}
	return wanted && k->streams && (uintptr_t)dst % FBI_STRIPE == 0;
}

struct fbi_stores fbi_stores_of(const struct fbi_kernel *k, const void *dst, size_t n, int way)
{
	bool onward = way & FBI_ONWARD;

	if (streaming(k, dst, n,
		      way)) /* what follows a source outside of the ring is of this process */
		return (struct fbi_stores){FBI_PASS_STREAM, onward || !(way & FBI_OUT)};
	return (struct fbi_stores){way & FBI_OUT ? FBI_PASS_FETCH : FBI_PASS_LEAD, onward};
}

bool fbi_streams(void)
{
	return fbi_kernel_in_use()->streams;
}

int fbi_auto_in(size_t n)
{
	return n >= STREAM_IN_FROM && fbi_streams() ? FBI_STREAMING : FBI_CACHED;
}

bool fbi_parse_way(const char *name, int *way)
{
	*way = FBI_AUTO;
	if (!name || !*name || strcmp(name, "auto") == 0)
		return true;
	if (strcmp(name, "cached") == 0)
		*way = FBI_CACHED;
	else if (strcmp(name, "streaming") == 0)
		*way = FBI_STREAMING;
	else
		return false;
	return true;
}
