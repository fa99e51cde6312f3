#include "topic_group.h"

#include <string.h>

#include "errors.h"

fb_status fbi_group_open(const struct fbi_queue *q, const char *name,
			 uint64_t (*start)(const struct fbi_queue *q), struct fbi_group **group)
{
	const struct fbi_control *control = q->ring->control;
	uint32_t n = control->tables[FBI_GROUPS].count;
	char both[2 * FBI_NAME_SIZE + 1];
	size_t topic = strlen(q->name), size = strlen(name);
	uint64_t h;

	memcpy(both, q->name, topic + 1);
	memcpy(both + topic + 1, name, size);
	h = fbi_name_hash(both, topic + 1 + size);
	for (uint32_t i = 0; i < n; i++) {
		struct fbi_group *g = fbi_group_at(control, (uint32_t)((h + i) % n));

		if (!fbi_cas64(&g->name_hash, 0, h) && fbi_load64(&g->name_hash) != h)
			continue;
		/* Every member stores the same: the one that claimed the entry may have died
		 * before. */
		fbi_store32(&g->topic, q->index + 1);
		fbi_put_name(g->name, name);
		fbi_cas64(&g->cursor, 0, start(q) + 1);
		*group = g;
		return FB_OK;
	}
	return fbi_fail(FB_TOPIC_LIMIT,
			"no room for group %s of topic %s beside the %u groups there are, which is all "
			"that a segment can have: use fewer, or a segment of its own",
			FBI_QUOTE(name), FBI_QUOTE(q->name), n);
}
