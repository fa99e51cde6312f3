/* Allocating, writing and reading through a client. */
#include <stdlib.h>

#include "client.h"
#include "errors.h"

/* From so many bytes on the chunk is looked at before memory is taken for what a descriptor says. */
#define LOOK_FIRST ((uint64_t)1 << 20)

/* Stands for a caller's pointer to 0 bytes, which may be NULL. */
static uint8_t nothing[1];

FBI_EXPORT uint64_t fb_checksum(const void *bytes, size_t size)
{
	return fbi_hash(size ? bytes : nothing, size);
}

FBI_EXPORT fb_status fb_allocate(fb_client *client, uint64_t size, uint64_t *offset)
{
	struct fbi_segment *s = &client->segment;
	struct fbi_allocated chunk;
	fb_status status = fbi_segment_writable(s, "allocate");

	if (status)
		return status;
	status = fbi_segment_explain(s, fbi_ring_allocate(&s->ring, size, &chunk));
	if (!status)
		*offset = chunk.offset;
	return status;
}

FBI_EXPORT fb_status fb_write(fb_client *client, uint64_t offset, const void *data, uint64_t size,
			      uint64_t *checksum)
{
	struct fbi_segment *s = &client->segment;
	fb_status status = fbi_segment_writable(s, "write");

	if (!status)
		status = fbi_segment_check_open(s);
	if (status)
		return status;
	return fbi_segment_end(s, fbi_ring_write(&s->ring, offset, size ? data : nothing, size,
						 checksum));
}

FBI_EXPORT fb_status fb_put(fb_client *client, const void *data, uint64_t size, fb_frame *frame)
{
	fb_frame f = {.size = size};
	fb_status status = fb_allocate(client, size, &f.offset);

	if (!status)
		status = fb_write(client, f.offset, data, size, &f.checksum);
	if (!status)
		*frame = f;
	return status;
}

FBI_EXPORT fb_status fb_read_into(fb_client *client, fb_frame frame, void *buffer)
{
	struct fbi_segment *s = &client->segment;
	fb_status status = fbi_segment_check_open(s);

	if (status)
		return status;
	if (frame.size > s->ring.capacity - FBI_CHUNK_HEADER)
		return fbi_fail(FB_BAD_SIZE,
				"asked to read %llu bytes; a chunk of this ring has 0 to %llu",
				(unsigned long long)frame.size,
				(unsigned long long)(s->ring.capacity - FBI_CHUNK_HEADER));
	status = fbi_ring_read(&s->ring, frame.size ? buffer : nothing, frame.size, frame.offset,
			       frame.checksum);
	if (!status)
		fbi_count(&s->slots, FBI_READS, frame.offset, frame.size);
	return fbi_segment_end(s, status);
}

/* Why no memory is taken for a frame. The descriptor may come from anywhere, and so may the ring. */
static fb_status may_copy(fb_client *client, fb_frame frame)
{
	struct fbi_segment *s = &client->segment;
	struct fbi_found found;
	fb_status status;

	if (client->max_frame && frame.size > client->max_frame)
		return fbi_fail(FB_TOO_LARGE,
				"the frame has %llu bytes, and this client takes %llu: raise its "
				"MaxFrame (get --max-size), or read the frame in place (View, Hold)",
				(unsigned long long)frame.size,
				(unsigned long long)client->max_frame);
	if (frame.size < LOOK_FIRST)
		return FB_OK;
	status = fbi_segment_check_open(s);
	if (!status)
		status = fbi_segment_end(s, fbi_find_prefix(&s->ring, frame.offset, frame.size, &found));
	return status;
}

FBI_EXPORT fb_status fb_read(fb_client *client, fb_frame frame, void **data)
{
	uint64_t most = client->segment.ring.capacity - FBI_CHUNK_HEADER;
	void *copy = NULL;
	fb_status status;

	*data = NULL;
	/* fb_read_into says why not. */
	status = frame.size > most ? FB_OK : may_copy(client, frame);
	if (status)
		return status;
	if (frame.size && frame.size <= most) {
		copy = malloc(frame.size);
		if (!copy)
			return fbi_fail(FB_NO_MEMORY, "no memory for a copy of %llu bytes",
					(unsigned long long)frame.size);
	}
	status = fb_read_into(client, frame, copy);
	if (status)
		free(copy);
	else
		*data = copy;
	return status;
}
