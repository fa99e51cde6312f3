#include "control.h"

#include <string.h>

#include "errors.h"

uint64_t fbi_plan(struct fbi_table tables[FBI_TABLES], uint32_t topics, uint32_t depth)
{
	const struct fbi_table sizes[FBI_TABLES] = {
		[FBI_SLOTS] = {0, FBI_SLOT_COUNT, sizeof(struct fbi_slot)},
		[FBI_HOLDS] = {0, FBI_HOLD_COUNT, sizeof(struct fbi_hold_entry)},
		[FBI_MILESTONES] = {0, FBI_MILESTONE_COUNT, sizeof(struct fbi_milestone)},
		[FBI_GROUPS] = {0, FBI_GROUP_COUNT, sizeof(struct fbi_group)},
		[FBI_SUBS] = {0, FBI_SUB_COUNT, sizeof(struct fbi_sub)},
		[FBI_TOPICS] = {0, topics, (uint32_t)offsetof(struct fbi_topic, queue) + 8 * depth},
	};
	uint64_t at = FBI_HEADER_SIZE;

	for (int i = 0; i < FBI_TABLES; i++) {
		tables[i] = sizes[i];
		tables[i].at = (uint32_t)at; /* only the end of the last can be beyond 32 bits */
		at += (uint64_t)sizes[i].count * sizes[i].stride;
	}
	return at;
}

static fb_status corrupt(const char *name, uint64_t got, uint64_t want)
{
	return fbi_fail(FB_CORRUPT,
			"%s is %llu, expected %llu; some process wrote over the control object, or "
			"another version made it: restart the server",
			name, (unsigned long long)got, (unsigned long long)want);
}

/* Compares a word's only load with what it must be. */
#define CHECK(name, got, want)                                     \
	do {                                                       \
		uint64_t word_ = (got), must_ = (want);            \
		if (word_ != must_)                                \
			return corrupt(name, word_, must_);        \
	} while (0)

/* Compares the header with what it must be for c->tables and the sizes of the memory. */
static fb_status verify(const struct fbi_control *c, uint64_t ring_size)
{
	const struct fbi_header *h = c->header;

	CHECK("version", fbi_load32(&h->version), FBI_VERSION);
	CHECK("header size", fbi_load32(&h->header_size), FBI_HEADER_SIZE);
	CHECK("control size", fbi_load64(&h->control_size), c->size);
	CHECK("capacity", fbi_load64(&h->capacity), ring_size);
	CHECK("topic depth", fbi_load64(&h->topic_depth), c->topic_depth);
	for (int i = 0; i < FBI_TABLES; i++) {
		CHECK("the place of a table", fbi_load32(&h->tables[i].at), c->tables[i].at);
		CHECK("the length of a table", fbi_load32(&h->tables[i].count), c->tables[i].count);
		CHECK("the stride of a table", fbi_load32(&h->tables[i].stride),
		      c->tables[i].stride);
	}
	return FB_OK;
}

fb_status fbi_control_open(struct fbi_control *c, uint8_t *memory, uint64_t size,
			   const uint8_t nonce[16], uint64_t ring_size)
{
	struct fbi_header *h = (void *)memory;
	uint64_t magic, depth, end;
	uint32_t topics;

	if (size < FBI_HEADER_SIZE)
		return fbi_fail(FB_STALE_KEY,
				"the memory it names has %llu bytes, a control object has more",
				(unsigned long long)size);
	magic = fbi_load64(&h->magic);
	if (magic != FBI_MAGIC)
		return fbi_fail(FB_STALE_KEY,
				"the memory it names now belongs to another program (magic %#018llx)",
				(unsigned long long)magic);
	memcpy(c->nonce, nonce, sizeof c->nonce);
	if (fbi_load64((uint64_t *)(void *)&h->nonce[0]) != c->nonce[0] ||
	    fbi_load64((uint64_t *)(void *)&h->nonce[8]) != c->nonce[1])
		return fbi_fail(FB_STALE_KEY, "the memory it names now belongs to another server");
	topics = fbi_load32(&h->tables[FBI_TOPICS].count);
	depth = fbi_load64(&h->topic_depth);
	c->header = h;
	c->size = size;
	c->topic_depth = depth < FBI_MAX_TOPIC_DEPTH ? (uint32_t)depth : FBI_MAX_TOPIC_DEPTH;
	end = fbi_plan(c->tables, topics, c->topic_depth);
	if (verify(c, ring_size))
		return FB_CORRUPT;
	depth = c->topic_depth;
	if (topics < 1 || topics > FBI_MAX_TOPICS || depth < 1 || (depth & (depth - 1)))
		return corrupt("the number of topics", topics, FBI_MAX_TOPICS);
	if (end > size)
		return corrupt("mapped control size", size, end);
	c->capacity = ring_size;
	c->hold_limit = fbi_load64(&h->hold_limit);
	c->start = fbi_load64(&h->start);
	return FB_OK;
}

void fbi_control_format(struct fbi_control *c, uint8_t *memory, uint64_t size,
			const struct fbi_identity *id)
{
	struct fbi_header *h = (void *)memory;

	c->header = h;
	c->size = size;
	c->capacity = id->capacity;
	c->hold_limit = id->hold_limit;
	c->start = id->start;
	c->topic_depth = id->topic_depth;
	memcpy(c->nonce, id->nonce, sizeof c->nonce);
	fbi_plan(c->tables, id->topics, id->topic_depth);
	h->version = FBI_VERSION;
	h->header_size = FBI_HEADER_SIZE;
	memcpy(h->nonce, id->nonce, sizeof h->nonce);
	h->capacity = id->capacity;
	h->control_size = size;
	memcpy(h->tables, c->tables, sizeof h->tables);
	h->topic_depth = id->topic_depth;
	h->hold_limit = id->hold_limit;
	h->start = id->start;
	h->server_pid = id->server_pid;
	h->pages = id->pages;
	h->created_wall = id->created_wall;
	h->created_mono = id->created_mono;
	fbi_store64(&h->head, id->start);
	fbi_pass_milestone(c, id->start, id->created_mono);
	fbi_store32(&h->state, FBI_STATE_OPEN);
	fbi_store64(&h->magic, FBI_MAGIC);
}

fb_status fbi_control_check_state(const struct fbi_control *c)
{
	uint64_t status = fbi_status(c);
	uint32_t state = (uint32_t)(status >> 32);

	if (fbi_running(status))
		return FB_OK;
	if (state == FBI_STATE_CLOSED)
		return fbi_fail(FB_STALE_KEY, "its server has closed the segment: get the key of "
					      "the one that runs now");
	if (state == FBI_STATE_OPEN)
		return fbi_fail(FB_STALE_KEY, "its server has died: start it again, and get the key "
					      "of the one that runs now");
	return fbi_fail(FB_CORRUPT, "its state is %u, neither open nor closed; some process wrote "
				    "over the control object: restart the server", state);
}

fb_status fbi_fail_not_open(uint64_t status)
{
	uint32_t state = (uint32_t)(status >> 32);

	if (state == FBI_STATE_CLOSED)
		return fbi_fail(FB_CLOSED, "the server closed this segment: get its new key and "
					   "attach again");
	if (state == FBI_STATE_OPEN && (status & FBI_LIFE_DIED))
		return fbi_fail(FB_SERVER_GONE,
				"its process died without closing this segment: start it again, get "
				"its new key and attach again");
	return fbi_fail(FB_CORRUPT, "the segment's state is %u, neither open nor closed; some "
				    "process wrote over it: restart the server", state);
}

/*
 * Written by the allocator whose addition passed the milestone, read by monitors. Nothing orders the
 * two words: each tells by itself to which milestone it belongs.
 */
void fbi_pass_milestone(const struct fbi_control *c, uint64_t head, int64_t now)
{
	uint64_t n = head >> fbi_milestone_shift(c->capacity);
	struct fbi_milestone *m = fbi_entry(c, FBI_MILESTONES, (uint32_t)(n % FBI_MILESTONE_COUNT));
	uint64_t lap = n / FBI_MILESTONE_COUNT;

	fbi_store64_relaxed(&m->time,
			    ((uint64_t)now & ~FBI_MILESTONE_TAG) | (lap & FBI_MILESTONE_TAG));
	fbi_store64_relaxed(&m->position, head);
}

void fbi_put_name(char to[FBI_NAME_SIZE], const char *name)
{
	size_t n = strnlen(name, FBI_NAME_SIZE + 1);

	if (n > FBI_NAME_SIZE) {
		n = FBI_NAME_SIZE;
		while (n && (name[n] & 0xc0) == 0x80) /* not the first byte of a character */
			n--;
	}
	/* Monitors may see it torn: it is for display, and they bound it. */
	memcpy(to, name, n);
	memset(to + n, 0, FBI_NAME_SIZE - n);
}
