/* The writing side of a topic. */
#include <stdlib.h>
#include <string.h>

#include "errors.h"
#include "client.h"
#include "topic.h"

struct fb_publisher {
	struct fb_client *client;
	struct fbi_queue queue;
};

FBI_EXPORT fb_status fb_publisher_open(fb_client *client, const char *topic, fb_publisher **publisher)
{
	struct fb_publisher *p;
	fb_status status = fbi_check_name("topic", topic), closed;

	*publisher = NULL;
	if (!status)
		status = fbi_segment_writable(&client->segment, "publish");
	if (status)
		return status;
	p = calloc(1, sizeof *p);
	if (!p)
		return fbi_fail(FB_NO_MEMORY, "no memory for a publisher");
	p->client = client;
	status = fbi_topic_open(&p->queue, &client->segment.ring, topic);
	closed = fbi_segment_usable(&client->segment); /* what was read may be zeroes */
	if (closed || status) {
		free(p);
		return closed ? closed : status;
	}
	fbi_topic_reopen(&p->queue);
	*publisher = p;
	return FB_OK;
}

FBI_EXPORT void fb_publisher_free(fb_publisher *publisher)
{
	free(publisher);
}

static uint64_t max_size(const struct fbi_ring *ring, bool described)
{
	uint64_t max = ring->capacity - FBI_CHUNK_HEADER;

	return described ? max - fbi_footprint(FBI_RECORD_LONG) : max;
}

FBI_EXPORT uint64_t fb_publish_max_size(const fb_client *client, const fb_meta *meta)
{
	return max_size(&client->segment.ring, !fbi_meta_none(meta));
}

FBI_EXPORT fb_status fb_publish(fb_publisher *publisher, const void *data, uint64_t size,
				const fb_meta *meta, fb_message *message)
{
	const struct fbi_ring *ring = &publisher->client->segment.ring;
	fb_frame frame;
	fb_status status;

	if (!fbi_meta_none(meta) && size > max_size(ring, true))
		return fbi_fail_too_large_beside(ring, size, FBI_RECORD_LONG);
	status = fb_put(publisher->client, data, size, &frame);
	if (status)
		return status;
	return fb_publish_frame(publisher, frame, meta, FB_NOW, message);
}

FBI_EXPORT fb_status fb_publish_frame(fb_publisher *publisher, fb_frame frame, const fb_meta *meta,
				      int64_t time, fb_message *message)
{
	struct fb_client *client = publisher->client;
	struct fbi_publication record = {.frame = frame};
	fb_status status = fbi_segment_usable(&client->segment), closed;

	if (status)
		return status;
	if (fbi_meta_none(meta))
		meta = NULL;
	else if ((status = fbi_meta_check(meta)))
		return status;
	record.time = time == FB_NOW ? fbi_wall() : time;
	status = fbi_topic_publish(&publisher->queue, &record, meta);
	closed = fbi_segment_usable(&client->segment);
	if (closed)
		return closed;
	/* A subscription that sees the server's end and nothing published has ended. It loads the
	 * end first and the queue afterwards; this publisher has stored to the queue and loads the
	 * end now: one of the two sees the other's store. */
	if (!status)
		status = fbi_check_open(&client->segment.ring);
	if (status)
		return fbi_segment_end(&client->segment, status);
	if (message) {
		memset(message, 0, sizeof *message);
		message->frame = frame;
		message->sequence = record.sequence;
		message->time = record.time;
		if (meta)
			message->meta = *meta;
	}
	return FB_OK;
}

FBI_EXPORT fb_status fb_publisher_check_key(fb_publisher *publisher, const char *key)
{
	if (!fb_client_check_key(publisher->client, key))
		return FB_OK;
	return fbi_fail(FB_BAD_KEY, "the frame lies in the ring of %s, topic %s in that of %s",
			FBI_QUOTE(key), FBI_QUOTE(publisher->queue.name),
			FBI_QUOTE(fb_client_key(publisher->client)));
}

FBI_EXPORT fb_status fb_publisher_end(fb_publisher *publisher)
{
	struct fb_client *client = publisher->client;
	fb_status ended = fbi_check_open(&client->segment.ring), status = fbi_segment_usable(&client->segment);

	if (status)
		return status;
	if (ended)
		return fbi_check_open(&client->segment.ring); /* its text again */
	fbi_topic_end(&publisher->queue);
	return FB_OK;
}

FBI_EXPORT bool fb_topic_exists(fb_client *client, const char *topic)
{
	struct fbi_queue queue;

	if (fbi_check_name("topic", topic) || !fbi_topic_find(&queue, &client->segment.ring, topic))
		return false;
	return fbi_segment_usable(&client->segment) == FB_OK;
}
