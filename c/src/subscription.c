#include "subscription.h"

#include <stdlib.h>
#include <unistd.h>

#include "errors.h"

static uint64_t start_first(const struct fbi_queue *q)
{
	(void)q;
	return 0;
}

static uint64_t start_oldest(const struct fbi_queue *q)
{
	return fbi_topic_oldest(q, 0);
}

/* Sets the first sequence number, or joins the group. */
static fb_status begin(struct fb_subscription *s, fb_from from, const char *group)
{
	uint64_t (*const starts[])(const struct fbi_queue *) = {
		[FB_FROM_NEXT] = fbi_next_of,
		[FB_FROM_NEWEST] = fbi_topic_newest,
		[FB_FROM_OLDEST] = start_oldest,
		[FB_FROM_FIRST] = start_first,
	};
	uint32_t state = fbi_load32(&s->queue.words->state);
	fb_status status;

	if (from == FB_FROM_NEXT && fbi_ended(state))
		s->skipped_state = state;
	if (group && *group) {
		status = fbi_group_open(&s->queue, group, starts[from], &s->group);
		if (status)
			return status;
	} else {
		s->cursor = starts[from](&s->queue);
	}
	s->resumed = fbi_sub_cursor(s) - s->queue.depth; /* long ago */
	return FB_OK;
}

static fb_status check_options(const fb_subscribe_options *o)
{
	if (o->struct_size < sizeof *o)
		return fbi_fail(FB_ERROR, "framebuffer: options of %zu bytes; this library's have %zu: set "
					  "struct_size", o->struct_size, sizeof *o);
	if ((unsigned)o->from > FB_FROM_FIRST)
		return fbi_fail(FB_ERROR, "framebuffer: a subscription starts at one of 0 to %d, not %u",
				FB_FROM_FIRST, (unsigned)o->from);
	return o->group && *o->group ? fbi_check_name("group", o->group) : FB_OK;
}

/*
 * Either the sleeper sees why it is woken, which is stored before, or this call sees the sleeper.
 */
static void wake(struct fb_subscription *s)
{
	if (__atomic_load_n(&s->asleep, __ATOMIC_SEQ_CST))
		fbi_topic_wake_all(&s->queue);
}

static void client_closes(struct fbi_hook *hook)
{
	wake((void *)((uint8_t *)hook - offsetof(struct fb_subscription, hook)));
}

fb_status fbi_sub_enroll(struct fb_subscription *s)
{
	struct fbi_segment *segment = &s->client->segment;

	s->hook = (struct fbi_hook){.call = client_closes};
	if (!fbi_hook_add(segment, &s->hook))
		return fbi_segment_check_open(segment);
	fbi_sub_enter(&s->entry, &segment->slots, s->queue.index, fbi_sub_cursor(s));
	return FB_OK;
}

FBI_EXPORT fb_status fb_subscribe(fb_client *client, const char *topic,
				  const fb_subscribe_options *options, fb_subscription **subscription)
{
	static const fb_subscribe_options defaults = {.struct_size = sizeof defaults};
	struct fb_subscription *s;
	fb_status status = fbi_check_name("topic", topic), closed;

	*subscription = NULL;
	if (!options)
		options = &defaults;
	if (!status)
		status = check_options(options);
	if (status)
		return status;
	s = calloc(1, sizeof *s);
	if (!s)
		return fbi_fail(FB_NO_MEMORY, "no memory for a subscription");
	s->client = client;
	s->spin = options->spin;
	status = fbi_topic_open(&s->queue, &client->segment.ring, topic);
	if (!status)
		status = begin(s, options->from, options->group);
	closed = fbi_segment_usable(&client->segment); /* what was read may be zeroes */
	if (!closed && !status)
		status = fbi_sub_enroll(s);
	if (closed || status) {
		free(s);
		return closed ? closed : status;
	}
	*subscription = s;
	return FB_OK;
}

FBI_EXPORT uint64_t fb_subscription_lag(fb_subscription *s)
{
	uint64_t n = fbi_lost_between(&s->queue, fbi_sub_cursor(s), fbi_next_of(&s->queue));

	return fbi_segment_usable(&s->client->segment) ? 0 : n; /* the memory reads as zeroes after a close */
}

FBI_EXPORT uint64_t fb_subscription_received(const fb_subscription *s)
{
	return fbi_load64(&s->received);
}

FBI_EXPORT uint64_t fb_subscription_lost(const fb_subscription *s)
{
	return fbi_load64(&s->lost);
}

FBI_EXPORT void fb_subscription_close(fb_subscription *s)
{
	if (__atomic_exchange_n(&s->closed, true, __ATOMIC_SEQ_CST))
		return;
	wake(s);
	if (s->entry.pid != (uint32_t)getpid())
		return; /* the parent's row and hook */
	fbi_hook_remove(&s->client->segment, &s->hook);
	fbi_sub_leave(&s->entry);
}

FBI_EXPORT void fb_subscription_free(fb_subscription *subscription)
{
	if (!subscription)
		return;
	fb_subscription_close(subscription);
	free(subscription);
}
