/* Publishing: see topic.h for the words and their order. */
#include "errors.h"
#include "topic.h"

/*
 * Settles the topic's first sequence number, while next is 0: 0, unless another process has claimed
 * another one. Then this carries out that claim. A process that is killed here blocks no other.
 */
static void settle_first(const struct fbi_queue *q)
{
	uint64_t *first = &q->words->first;
	uint64_t n, back;

	if (fbi_load64(first) == 0)
		fbi_cas64(first, 0, 1);
	n = fbi_load64(first) - 1;
	/* The words of a queue that was never used are 0, which in one lap of 32 looks like a
	 * published frame. Those of the skipped numbers are stored before next: after next is
	 * stored, publishers could have come as far as these words. */
	back = n < q->depth ? n : q->depth;
	for (uint64_t s = n - back; s != n; s++)
		fbi_cas64(fbi_word(q, s), 0, fbi_lap(q, s));
	fbi_cas64(&q->words->next, 0, n);
}

/*
 * Puts the entry's word into the queue: lock-free. Each failure to do so is the success of another
 * publisher. If the word of next has its lap already, another publisher has published there and not
 * yet counted it: this one counts it, whether that one lives or not.
 */
static fb_status enqueue(const struct fbi_queue *q, struct fbi_new_entry *e, uint64_t *sequence)
{
	for (int i = 0; i < FBI_TOPIC_TRIES; i++) {
		uint64_t s = fbi_next_of(q), word, *at;

		if (s == 0) {
			settle_first(q);
			s = fbi_next_of(q);
		}
		at = fbi_word(q, s);
		word = fbi_load64(at);
		if (fbi_next_of(q) != s) /* otherwise the word could be of any lap */
			continue;
		if ((word & FBI_QUEUE_LAP) == fbi_lap(q, s)) {
			fbi_cas64(&q->words->next, s, s + 1);
			continue;
		}
		if (!fbi_entry_set_sequence(e, s))
			return fbi_fail_timeout(FB_OVERWRITTEN,
						"the ring was overwritten between two instructions of "
						"publishing to topic %s: it is too small for its "
						"traffic, or this process was stopped meanwhile",
						FBI_QUOTE(q->name));
		if (fbi_cas64(at, word, e->word | fbi_lap(q, s))) {
			fbi_cas64(&q->words->next, s, s + 1);
			*sequence = s;
			return FB_OK;
		}
	}
	return fbi_fail(FB_CORRUPT, "the queue of topic %s changes without end; some process writes over "
				    "it: restart the server", FBI_QUOTE(q->name));
}

fb_status fbi_topic_publish(const struct fbi_queue *q, struct fbi_publication *record,
			    const struct fb_meta *meta)
{
	struct fbi_new_entry entry;
	fb_status status;

	if (fbi_ended(fbi_load32(&q->words->state)))
		return fbi_fail(FB_ENDED, "topic %s: nothing is published any more until a publisher "
					  "opens it anew", FBI_QUOTE(q->name));
	status = fbi_entry_make(&entry, q->ring, record, q->index + 1, fbi_next_of(q), meta);
	if (!status)
		status = enqueue(q, &entry, &record->sequence);
	if (status)
		return status;
	fbi_topic_wake(q);
	fbi_count64(&q->words->bytes, record->frame.size);
	return FB_OK;
}
