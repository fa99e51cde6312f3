/* Reading a topic's queue. */
#include "topic.h"

/*
 * Fills r from the label or the record to which the word leads. False if that is not the entry of
 * the sequence number, or its frame is not intact.
 */
static bool read_entry(const struct fbi_queue *q, uint64_t word, uint64_t s, struct fbi_publication *r)
{
	uint64_t offset = word & ~FBI_QUEUE_TAG;

	if (!(word & FBI_QUEUE_RECORD))
		return fbi_label_read(q->ring, offset, q->index + 1, s, r);
	return fbi_record_read(q->ring, offset, q->index + 1, s, r);
}

/* How often a word is looked at: publishers change it once a lap. */
#define GLANCES 100

enum fbi_sequence_status fbi_topic_load(const struct fbi_queue *q, uint64_t s, struct fbi_publication *record)
{
	uint64_t *at = fbi_word(q, s);

	for (int i = 0; i < GLANCES; i++) {
		uint64_t word = fbi_load64(at);

		if ((word & FBI_QUEUE_LAP) == fbi_lap(q, s))
			return read_entry(q, word, s, record) ? FBI_READY : FBI_LOST;
		if (!fbi_after(fbi_next_of(q), s))
			return FBI_UNPUBLISHED;
		if (fbi_load64(at) == word) /* otherwise it has just been published */
			break;
	}
	return FBI_LOST;
}

uint64_t fbi_topic_oldest(const struct fbi_queue *q, uint64_t from)
{
	uint64_t next = fbi_next_of(q);

	if (!fbi_after(next, from))
		return from;
	if (next - from > q->depth)
		from = next - q->depth;
	for (; from != next; from++) {
		uint64_t word = fbi_load64(fbi_word(q, from)), lap = fbi_lap(q, from);

		if ((word & FBI_QUEUE_LAP) == lap && word != lap &&
		    fbi_offset_intact(q->ring, word & ~FBI_QUEUE_TAG))
			break;
	}
	return from;
}

uint64_t fbi_topic_newest(const struct fbi_queue *q)
{
	uint64_t next = fbi_next_of(q), n = next < q->depth ? next : q->depth;
	struct fbi_publication record;

	for (uint64_t i = 1; i <= n; i++)
		if (fbi_topic_load(q, next - i, &record) == FBI_READY)
			return next - i;
	return next;
}

uint64_t fbi_lost_between(const struct fbi_queue *q, uint64_t at, uint64_t to)
{
	uint64_t first = fbi_load64(&q->words->first);

	if (first && at < first - 1)
		at = first - 1;
	return fbi_after(to, at) ? to - at : 0;
}
