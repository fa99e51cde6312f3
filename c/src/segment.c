#include "segment.h"

#include <string.h>

#include "backend.h"
#include "errors.h"

static fb_status fail_damaged(void)
{
	return fbi_fail(FB_CORRUPT, "the backing file was truncated or its file system is full: "
				    "restart the server and attach again; check the file's permissions");
}

fb_status fbi_segment_check_open(const struct fbi_segment *s)
{
	return fbi_is_closed(s) ? fbi_fail(FB_CLOSED, "client or server is closed") : FB_OK;
}

fb_status fbi_segment_usable(const struct fbi_segment *s)
{
	if (fbi_is_closed(s))
		return fbi_segment_check_open(s);
	return fbi_damaged(&s->mapping) ? fail_damaged() : FB_OK;
}

fb_status fbi_segment_explain(const struct fbi_segment *s, fb_status status)
{
	fb_status unusable;

	if (!status)
		return fbi_segment_check_open(s);
	unusable = fbi_segment_usable(s);
	return unusable ? unusable : status;
}

fb_status fbi_segment_end(struct fbi_segment *s, fb_status status)
{
	status = fbi_segment_explain(s, status);
	if (status == FB_TIMEOUT) {
		bool overwritten = fb_error_reason() == FB_OVERWRITTEN;

		fbi_count64(&fbi_own(&s->slots)->slot->counters[overwritten ? FBI_OVERWRITTEN
									    : FBI_ALTERED], 1);
	}
	return status;
}

fb_status fbi_segment_writable(const struct fbi_segment *s, const char *what)
{
	if (!s->read_only)
		return FB_OK;
	return fbi_fail(FB_READ_ONLY,
			"this client attached with ReadOnly and cannot %s: attach without it", what);
}

bool fbi_hook_add(struct fbi_segment *s, struct fbi_hook *hook)
{
	struct fbi_own *own = fbi_own(&s->slots);
	bool open;

	pthread_mutex_lock(&own->lock);
	open = !fbi_is_closed(s);
	if (open) {
		hook->next = own->hooks;
		hook->at = &own->hooks;
		if (hook->next)
			hook->next->at = &hook->next;
		own->hooks = hook;
	} else {
		hook->at = NULL;
	}
	pthread_mutex_unlock(&own->lock);
	return open;
}

static void unlink_hook(struct fbi_hook *hook)
{
	*hook->at = hook->next;
	if (hook->next)
		hook->next->at = hook->at;
	hook->at = NULL;
}

void fbi_hook_remove(struct fbi_segment *s, struct fbi_hook *hook)
{
	struct fbi_own *own = fbi_own(&s->slots);

	pthread_mutex_lock(&own->lock);
	if (hook->at && own->hooks) /* in a fork's child the list is empty, and hook the parent's */
		unlink_hook(hook);
	pthread_mutex_unlock(&own->lock);
}

static void run_hooks(struct fbi_segment *s)
{
	struct fbi_own *own = s->slots.own;

	if (!own->pid || fbi_is_forked(own))
		return;
	pthread_mutex_lock(&own->lock);
	while (own->hooks) {
		struct fbi_hook *hook = own->hooks;

		unlink_hook(hook);
		hook->call(hook);
	}
	pthread_mutex_unlock(&own->lock);
}

fb_status fbi_segment_wire(struct fbi_segment *s, const struct fbi_attach *how)
{
	fb_status status;

	s->read_only = how->read_only;
	fbi_key_format(&s->key, s->key_text);
	fbi_clock_init(&s->clock);
	status = fbi_slots_begin(&s->slots, &s->control, how->role, how->name, s->clock.ahead);
	if (status)
		return status;
	status = fbi_ring_begin(&s->ring, &s->control, s->mapping.ring, &s->slots, &s->clock,
				how->read_only);
	if (status)
		fbi_slots_end(&s->slots);
	return status;
}

/* Verifies a fresh mapping against the key. */
static fb_status open_control(struct fbi_segment *s)
{
	struct fbi_mapping *m = &s->mapping;
	fb_status status = fbi_control_open(&s->control, m->control, m->control_size, s->key.nonce,
					    m->capacity);

	if (!status)
		status = fbi_control_check_state(&s->control);
	return fbi_damaged(m) ? fail_damaged() : status;
}

fb_status fbi_segment_attach(struct fbi_segment *s, const char *key, const struct fbi_attach *how)
{
	const struct fbi_backend *backend;
	fb_status status = fbi_key_parse(key, &s->key);

	if (status)
		return status;
	if (fbi_backend_by_name(s->key.backend[0] ? s->key.backend : " ", &backend))
		return fbi_explain(FB_BAD_KEY, "framebuffer: bad key: \"%s\": ", key);
	status = backend->attach(&s->mapping, s->key.location, how->read_only, how->guard);
	if (!status) {
		status = open_control(s);
		if (!status)
			status = fbi_segment_wire(s, how);
		if (status)
			fbi_unmap(&s->mapping);
	}
	return status ? fbi_explain(status, "attach with key \"%s\": ", key) : FB_OK;
}

void fbi_segment_close(struct fbi_segment *s, void (*before)(void *of), void *of)
{
	if (__atomic_exchange_n(&s->closed, 1, __ATOMIC_SEQ_CST))
		return;
	if (before)
		before(of);
	run_hooks(s);
	fbi_slots_release(&s->slots);
	if (s->mapping.stop)
		s->mapping.stop(s->mapping.server);
	s->mapping.stop = NULL;
	fbi_blank(&s->mapping);
}

void fbi_segment_free(struct fbi_segment *s)
{
	fbi_slots_end(&s->slots);
	fbi_ring_end(&s->ring);
	fbi_unmap(&s->mapping);
}
