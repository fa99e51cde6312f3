/* Taking messages. */
#include <string.h>

#include "clock.h"
#include "errors.h"
#include "subscription.h"

/*
 * How often frames may be lost, or taken by other members of the group, in a call that does not
 * wait.
 */
enum { MOST_TRIES = 1000 };

/* Moves on to a sequence number. False if another member of the group has moved on from there. */
static bool advance(struct fb_subscription *s, uint64_t from, uint64_t to)
{
	if (s->group)
		return fbi_group_advance(s->group, from, to);
	s->cursor = to;
	return true;
}

/*
 * The next sequence number to read after the loss of the frame at: that of the oldest frame that is
 * still there. That one is the next to be overwritten. So if the subscription went on less than a
 * quarter of the queue ago it skips a further quarter: otherwise a slow one would lose nearly every
 * frame. A number that a mirror skipped does not count as a loss here.
 */
static uint64_t resume(struct fb_subscription *s, uint64_t at)
{
	const struct fbi_queue *q = &s->queue;
	bool skipped = fbi_skipped(q, at); /* first: the word may be of a later lap after the search */
	uint64_t to = fbi_topic_oldest(q, at + 1), quarter = q->depth / 4;

	if (skipped)
		return to;
	if (at - s->resumed < quarter && fbi_after(fbi_next_of(q), to + quarter))
		to += quarter;
	s->resumed = to;
	return to;
}

/* Fills the message and counts it. */
static fb_status deliver(struct fb_subscription *s, fb_message *message)
{
	const struct fbi_publication *found = &s->found;
	const struct fbi_own *own = fbi_own(s->client->segment.ring.slots);
	fb_status status = fbi_sub_check(s);

	if (status) { /* in a group no other member gets the frame */
		fbi_count64(&s->lost, 1);
		return status;
	}
	message->frame = found->frame;
	message->sequence = found->sequence;
	message->time = found->time;
	message->lost = s->pending;
	if (found->described)
		fbi_meta_load(&found->record, &message->meta);
	else
		memset(&message->meta, 0, sizeof message->meta);
	s->pending = 0;
	fbi_store64_relaxed(&s->received, s->received + 1); /* no other thread stores it */
	if (own->index)
		fbi_store64_relaxed(&own->slot->last, found->frame.offset);
	return FB_OK;
}

static fb_status fail_nothing(const struct fb_subscription *s)
{
	return fbi_fail(FB_NOTHING, "nothing was published to topic %s in time", FBI_QUOTE(s->queue.name));
}

/* Goes on after the loss of the frame at. */
static void lose(struct fb_subscription *s, uint64_t at)
{
	uint64_t to = resume(s, at), missed;

	if (!advance(s, at, to))
		return;
	missed = fbi_lost_between(&s->queue, at, to);
	s->pending += missed;
	fbi_count64(&s->lost, missed);
}

/* fb_next without a message yet at the sequence number at. FB_OK: look again. */
static fb_status nothing_yet(struct fb_subscription *s, uint64_t at, int64_t timeout, int64_t deadline)
{
	fb_status status = fbi_sub_stopped(s, at);

	if (status)
		return status;
	if (timeout == 0) /* unless a message came just now, perhaps with an end after it */
		return fbi_waiting(&s->queue, at) ? fail_nothing(s) : FB_OK;
	return fbi_sub_wait(s, at, deadline);
}

/* When to give up, by CLOCK_MONOTONIC; INT64_MAX is never. */
static int64_t deadline_of(int64_t timeout)
{
	int64_t now;

	if (timeout < 0)
		return INT64_MAX;
	now = fbi_read_clock(CLOCK_MONOTONIC);
	return timeout < INT64_MAX - now ? now + timeout : INT64_MAX;
}

/* What fb_next does before it looks for a message, so that it delays none. */
static fb_status prepare(struct fb_subscription *s)
{
	fb_status status = fbi_sub_check(s);

	if (!status && fbi_own(&s->client->segment.slots)->ticket != s->entry.ticket)
		status = fbi_sub_enroll(s); /* in a fork's child */
	if (!status)
		fbi_sub_update(&s->entry, fbi_sub_cursor(s), s->received, fbi_load64(&s->lost));
	return status;
}

FBI_EXPORT fb_status fb_next(fb_subscription *s, int64_t timeout, fb_message *message)
{
	int64_t deadline = 0;
	fb_status status = prepare(s);

	for (int tries = 0; !status && (timeout || tries < MOST_TRIES); tries += !timeout) {
		uint64_t at = fbi_sub_cursor(s);
		enum fbi_sequence_status found = fbi_topic_load(&s->queue, at, &s->found);

		if (found == FBI_READY && advance(s, at, at + 1))
			return deliver(s, message);
		if (timeout && !deadline)
			deadline = deadline_of(timeout);
		if (found == FBI_LOST)
			lose(s, at);
		if (found == FBI_UNPUBLISHED)
			status = nothing_yet(s, at, timeout, deadline);
		if (!status)
			status = fbi_sub_check(s);
		/* When the time is over, a peer that stores nonsense can still have frames be lost,
		 * or a group's taken, without end: from here on tries are counted. */
		if (timeout > 0 && fbi_read_clock(CLOCK_MONOTONIC) >= deadline)
			timeout = 0;
	}
	return status ? status : fail_nothing(s);
}
