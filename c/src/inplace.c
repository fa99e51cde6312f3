/* Views and reservations: reading and writing frames in place. */
#include "client.h"
#include "errors.h"

FBI_EXPORT fb_status fb_view_begin(fb_client *client, fb_frame frame, fb_view *view)
{
	struct fbi_segment *s = &client->segment;
	const uint8_t *bytes;
	fb_status status = fbi_segment_check_open(s);

	if (status)
		return status;
	status = fbi_ring_view(&s->ring, frame.offset, frame.size, frame.checksum, client->verify,
			       &bytes);
	if (status)
		return fbi_segment_end(s, status);
	view->bytes = bytes;
	view->frame = frame;
	return FB_OK;
}

FBI_EXPORT fb_status fb_view_end(fb_client *client, const fb_view *view)
{
	struct fbi_segment *s = &client->segment;
	fb_status status = fbi_segment_end(s, fbi_ring_viewed(&s->ring, view->frame.offset));

	if (!status)
		fbi_count(&s->slots, FBI_READS, view->frame.offset, view->frame.size);
	return status;
}

FBI_EXPORT fb_status fb_reserve(fb_client *client, uint64_t size, fb_reservation *reservation)
{
	struct fbi_segment *s = &client->segment;
	struct fbi_allocated chunk;
	fb_status status = fbi_segment_writable(s, "reserve");

	if (!status)
		status = fbi_segment_check_open(s);
	if (!status)
		status = fbi_segment_explain(s, fbi_ring_allocate(&s->ring, size, &chunk));
	reservation->bytes = NULL;
	if (status)
		return status;
	reservation->bytes = chunk.payload;
	reservation->offset = chunk.offset;
	reservation->size = size;
	return FB_OK;
}

static fb_status check_begun(const fb_reservation *reservation)
{
	if (reservation->bytes)
		return FB_OK;
	return fbi_fail(FB_CLOSED,
			"the reservation was committed or aborted already: reserve anew");
}

FBI_EXPORT fb_status fb_reservation_check(fb_client *client, const fb_reservation *reservation)
{
	struct fbi_segment *s = &client->segment;
	fb_status status = check_begun(reservation);

	if (!status)
		status = fbi_segment_check_open(s);
	if (status)
		return status;
	return fbi_segment_end(s, fbi_ring_check_owned(&s->ring, reservation->offset,
						       reservation->size));
}

static fb_status commit(fb_client *client, fb_reservation *reservation, uint64_t size, bool hash,
			fb_frame *frame)
{
	struct fbi_segment *s = &client->segment;
	const uint8_t *bytes = reservation->bytes;
	fb_frame f = {reservation->offset, size, 0};
	fb_status status = check_begun(reservation);

	if (status)
		return status;
	if (size == 0)
		return fbi_fail(FB_BAD_SIZE, "asked to commit 0 bytes; a frame has at least 1");
	if (size > reservation->size)
		return fbi_fail(FB_TOO_LONG,
				"asked to commit %llu bytes of a reservation of %llu: reserve more",
				(unsigned long long)size, (unsigned long long)reservation->size);
	reservation->bytes = NULL;
	status = fbi_segment_check_open(s);
	if (status)
		return status;
	status = fbi_ring_finish(&s->ring, f.offset, bytes, size, hash ? &f.checksum : NULL);
	status = fbi_segment_end(s, status);
	if (status)
		return status;
	fbi_count(&s->slots, FBI_WRITES, f.offset, size);
	*frame = f;
	return FB_OK;
}

FBI_EXPORT fb_status fb_commit(fb_client *client, fb_reservation *reservation, uint64_t size,
			       fb_frame *frame)
{
	return commit(client, reservation, size, true, frame);
}

FBI_EXPORT fb_status fb_commit_unverified(fb_client *client, fb_reservation *reservation,
					  uint64_t size, fb_frame *frame)
{
	return commit(client, reservation, size, false, frame);
}
