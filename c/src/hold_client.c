/* Holds as a client's user has them. */
#include <stdlib.h>

#include "client.h"
#include "errors.h"
#include "holds.h"

struct fb_hold {
	struct fbi_hook hook; /* first: closing finds the hold by it */
	fb_client *client;
	fb_frame frame;
	const uint8_t *bytes;
	struct fbi_held held;
	int ended; /* atomic: a release and the client's closing may meet */
};

/* Called by the client's closing. */
static void end_at_close(struct fbi_hook *hook)
{
	fb_hold *hold = (fb_hold *)(void *)hook;

	if (!__atomic_exchange_n(&hold->ended, 1, __ATOMIC_SEQ_CST))
		fbi_hold_end(&hold->client->segment.ring, &hold->held);
}

FBI_EXPORT fb_status fb_hold_begin(fb_client *client, fb_frame frame, int64_t ns, fb_hold **hold)
{
	struct fbi_segment *s = &client->segment;
	fb_hold *h = calloc(1, sizeof *h);
	fb_status status;

	*hold = NULL;
	if (!h)
		return fbi_fail(FB_NO_MEMORY, "no memory for a hold");
	status = fbi_segment_check_open(s);
	if (status) {
		free(h);
		return status;
	}
	status = fbi_hold_begin(&s->ring, frame.offset, ns, &h->held);
	if (!status) {
		status = fbi_ring_view(&s->ring, frame.offset, frame.size, frame.checksum,
				       client->verify, &h->bytes);
		h->hook.call = end_at_close;
		h->client = client;
		if (status || !fbi_hook_add(s, &h->hook))
			fbi_hold_end(&s->ring, &h->held);
	}
	status = fbi_segment_end(s, status);
	if (status) {
		fbi_hook_remove(s, &h->hook); /* closed in between */
		free(h);
		return status;
	}
	h->frame = frame;
	fbi_count(&s->slots, FBI_READS, frame.offset, frame.size);
	*hold = h;
	return FB_OK;
}

FBI_EXPORT const void *fb_hold_bytes(const fb_hold *hold)
{
	return hold->bytes;
}

static fb_status fail_ended(void)
{
	return fbi_fail(FB_CLOSED, "the hold was released already: hold the frame anew");
}

static fb_status fail_overwritten(const fb_hold *hold)
{
	return fbi_fail_timeout(FB_OVERWRITTEN,
				"the hold on the chunk at offset %llu has ended and the ring has "
				"overwritten the chunk: hold longer, or extend in time",
				(unsigned long long)hold->frame.offset);
}

static bool has_ended(const fb_hold *hold)
{
	return __atomic_load_n(&hold->ended, __ATOMIC_SEQ_CST);
}

FBI_EXPORT fb_status fb_hold_error(fb_hold *hold)
{
	struct fbi_segment *s = &hold->client->segment;

	if (has_ended(hold))
		return fail_ended();
	if (fbi_hold_intact(&s->ring, &hold->held))
		return fbi_segment_check_open(s);
	return fbi_segment_explain(s, fail_overwritten(hold)); /* release counts the timeout */
}

FBI_EXPORT fb_status fb_hold_extend(fb_hold *hold, int64_t ns)
{
	struct fbi_segment *s = &hold->client->segment;

	if (has_ended(hold))
		return fail_ended();
	return fbi_segment_end(s, fbi_hold_extend(&s->ring, &hold->held, ns));
}

FBI_EXPORT fb_status fb_hold_release(fb_hold *hold)
{
	struct fbi_segment *s = &hold->client->segment;
	fb_status status = FB_OK;

	fbi_hook_remove(s, &hold->hook);
	if (__atomic_exchange_n(&hold->ended, 1, __ATOMIC_SEQ_CST))
		return fail_ended();
	if (!fbi_hold_end(&s->ring, &hold->held))
		status = fail_overwritten(hold);
	return fbi_segment_end(s, status);
}

FBI_EXPORT void fb_hold_free(fb_hold *hold)
{
	if (!hold)
		return;
	if (!has_ended(hold))
		fb_hold_release(hold);
	fbi_hook_remove(&hold->client->segment, &hold->hook); /* waits for closing under way */
	free(hold);
}
