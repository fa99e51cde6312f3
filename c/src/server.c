/* Servers. See framebuffer.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "backend.h"
#include "errors.h"
#include "futex.h"
#include "segment.h"

/* Keeps the doubled mapping within a 47-bit address space. */
#define MOST_RING ((uint64_t)1 << 46)

struct fb_server {
	struct fbi_segment segment;
	struct fbi_life *life;
	pid_t pid;
};

static fb_status read_options(const fb_server_options *given, fb_server_options *o)
{
	size_t size = given ? given->struct_size : 0;

	memset(o, 0, sizeof *o);
	if (given && (size < sizeof size + sizeof given->backend || size > 4096))
		return fbi_fail(FB_ERROR, "framebuffer: options of %zu bytes: set struct_size to "
					  "sizeof(fb_server_options)", size);
	if (given)
		memcpy(o, given, size < sizeof *o ? size : sizeof *o);
	if (!o->topics)
		o->topics = FBI_DEFAULT_TOPICS;
	if (!o->topic_depth)
		o->topic_depth = FBI_DEFAULT_TOPIC_DEPTH;
	if (o->topics > FBI_MAX_TOPICS)
		return fbi_fail(FB_BAD_SIZE, "room for %u topics; there can be 1 to %d", o->topics,
				FBI_MAX_TOPICS);
	if (o->topic_depth > FBI_MAX_TOPIC_DEPTH)
		return fbi_fail(FB_BAD_SIZE, "topics that remember %u frames; they can remember 1 to "
					     "%d", o->topic_depth, FBI_MAX_TOPIC_DEPTH);
	while (o->topic_depth & (o->topic_depth - 1)) /* up to a power of two */
		o->topic_depth = (o->topic_depth | (o->topic_depth - 1)) + 1;
	return FB_OK;
}

static fb_status check_size(uint64_t size)
{
	if (size == 0)
		return fbi_fail(FB_BAD_SIZE, "a ring of 0 bytes; it has at least 1 (which becomes a "
					     "page of %llu)", (unsigned long long)fbi_page_size());
	if (size > MOST_RING)
		return fbi_fail(FB_NO_MEMORY, "a ring of %llu bytes; the address space takes at most "
					      "%llu", (unsigned long long)size,
				(unsigned long long)MOST_RING);
	return FB_OK;
}

static uint64_t whole_pages(uint64_t n)
{
	uint64_t page = fbi_page_size();

	return (n + page - 1) / page * page;
}

/* Writes the control object of a new mapping. */
static fb_status format(struct fbi_segment *s, const struct fbi_backend *backend,
			const fb_server_options *o)
{
	struct fbi_mapping *m = &s->mapping;
	struct fbi_identity id = {.capacity = m->capacity, .server_pid = (uint32_t)getpid(),
				  .pages = m->pages, .created_wall = fbi_wall(),
				  .hold_limit = o->hold_limit ? o->hold_limit : m->capacity / 2,
				  .topics = o->topics, .topic_depth = o->topic_depth};
	uint64_t low;

	if (getrandom(id.nonce, sizeof id.nonce, 0) != sizeof id.nonce)
		return fbi_fail(FB_ERROR, "random bits for a key: %s", FBI_ERRNO(errno));
	memcpy(&low, id.nonce, sizeof low);
	fbi_clock_init(&s->clock);
	id.created_mono = fbi_now(&s->clock);
	/* Offsets that a process still has from a server that is gone name nothing here. */
	id.start = low % ((uint64_t)1 << 40) & ~(uint64_t)(FBI_ALIGN - 1);
	if (id.hold_limit > id.capacity)
		id.hold_limit = id.capacity;
	memcpy(s->key.nonce, id.nonce, sizeof id.nonce);
	strcpy(s->key.backend, backend->name);
	strcpy(s->key.location, m->location);
	fbi_control_format(&s->control, m->control, m->control_size, &id);
	return FB_OK;
}

/* Ends what lets processes attach, and unmaps. */
static void discard(struct fbi_mapping *m)
{
	if (m->stop)
		m->stop(m->server);
	fbi_unmap(m);
}

static fb_status start(fb_server *server, uint64_t size, const fb_server_options *o)
{
	struct fbi_segment *s = &server->segment;
	const char *name = o->name && *o->name ? o->name : program_invocation_short_name;
	const struct fbi_attach how = {.role = FBI_ROLE_SERVER, .name = name};
	struct fbi_table tables[FBI_TABLES];
	struct fbi_spec spec = {whole_pages(fbi_plan(tables, o->topics, o->topic_depth)),
				whole_pages(size), o->dir && *o->dir ? o->dir : NULL,
				o->mode ? o->mode & 0777 : 0600};
	const struct fbi_backend *backend;
	fb_status status = fbi_backend_by_name(o->backend ? o->backend : "", &backend);

	if (status)
		return status;
	if (!backend->make)
		return fbi_fail(FB_ERROR, "framebuffer: servers of this library have the backends memfd "
					  "and sysv, not %s: use the command framebuffer serve",
				backend->name);
	status = backend->make(&s->mapping, &spec);
	if (status)
		return fbi_explain(status, "start server with %llu bytes on %s: ",
				   (unsigned long long)size, backend->name);
	status = format(s, backend, o);
	if (!status) {
		/* Before any client has the key. */
		server->life = fbi_life_start();
		fbi_life_hold(server->life, &s->control.header->server, 0);
		status = fbi_segment_wire(s, &how);
		if (status) {
			fbi_life_release(server->life, &s->control.header->server);
			fbi_life_end(server->life);
		}
	}
	if (status)
		discard(&s->mapping);
	return status;
}

FBI_EXPORT fb_status fb_server_start(uint64_t size, const fb_server_options *given,
				     fb_server **server)
{
	fb_server_options options;
	fb_status status = check_size(size);

	*server = NULL;
	if (!status)
		status = read_options(given, &options);
	if (status)
		return status;
	*server = calloc(1, sizeof **server);
	if (!*server)
		return fbi_fail(FB_NO_MEMORY, "no memory for a server");
	(*server)->pid = getpid();
	status = start(*server, size, &options);
	if (status) {
		free(*server);
		*server = NULL;
	}
	return status;
}

FBI_EXPORT const char *fb_server_key(const fb_server *server)
{
	return server->segment.key_text;
}

/* Wakes all sleepers, so that they find the segment closed at once. */
static void wake_topics(const struct fbi_control *c)
{
	for (uint32_t i = 0; i < c->tables[FBI_TOPICS].count; i++) {
		struct fbi_topic *t = fbi_topic_at(c, i);

		if (!fbi_load64(&t->name_hash))
			continue;
		__atomic_fetch_add(&t->wake, 2, __ATOMIC_SEQ_CST);
		fbi_futex_wake(&t->wake);
	}
}

static void end(void *of)
{
	fb_server *server = of;
	struct fbi_header *h = server->segment.control.header;

	if (server->pid != getpid())
		return; /* the server is the parent's */
	fbi_store32(&h->state, FBI_STATE_CLOSED);
	/* After the state: a server that ends in order is never taken for dead. */
	fbi_life_release(server->life, &h->server);
	wake_topics(&server->segment.control);
}

FBI_EXPORT void fb_server_close(fb_server *server)
{
	fbi_segment_close(&server->segment, end, server);
}

FBI_EXPORT void fb_server_free(fb_server *server)
{
	if (!server)
		return;
	fb_server_close(server);
	if (server->pid == getpid())
		fbi_life_end(server->life);
	else
		free(server->life);
	fbi_segment_free(&server->segment);
	free(server);
}
