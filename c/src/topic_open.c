/* Names, and the entries of topics. */
#include <string.h>

#include "copyhash.h"
#include "errors.h"
#include "text.h"
#include "topic.h"

/* Go's %.100q: the first 100 characters, quoted. */
static struct fbi_quoted quote100(const char *name, size_t size)
{
	size_t at = 0;
	uint32_t code;

	for (int i = 0; i < 100 && at < size; i++) {
		size_t n = fbi_utf8(name + at, size - at, &code);

		at += n ? n : 1;
	}
	return fbi_quote_bytes(name, at);
}

/* FB_OK for UTF-8 of at most most bytes. */
static bool is_text(const char *s, size_t size, size_t most)
{
	uint32_t code;

	if (size > most)
		return false;
	for (size_t at = 0; at < size;) {
		size_t n = fbi_utf8(s + at, size - at, &code);

		if (n == 0)
			return false;
		at += n;
	}
	return true;
}

fb_status fbi_check_name(const char *what, const char *name)
{
	size_t size = name ? strlen(name) : 0;

	if (size == 0 || !is_text(name, size, FBI_NAME_SIZE))
		return fbi_fail(FB_BAD_NAME, "%s %s is not UTF-8 of 1 to %d bytes", what,
				quote100(name ? name : "", size).text, FBI_NAME_SIZE);
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return fbi_fail(FB_BAD_NAME, "%s %s has a control character", what,
					FBI_QUOTE(name));
	return FB_OK;
}

fb_status fbi_check_meta_text(const char *what, const char *text, size_t most)
{
	size_t size = strnlen(text, most + 1);

	if (is_text(text, size, most))
		return FB_OK;
	return fbi_fail(FB_BAD_META, "%s %s is not UTF-8 of at most %zu bytes", what,
			quote100(text, size).text, most);
}

uint64_t fbi_name_hash(const char *bytes, size_t size)
{
	uint64_t h = fbi_hash(bytes, size);

	return h ? h : 1;
}

/* Fills q for the topic at an index. */
static void fill(struct fbi_queue *q, struct fbi_ring *ring, uint32_t index, const char *name)
{
	const struct fbi_control *control = ring->control;

	memset(q, 0, sizeof *q);
	q->ring = ring;
	q->words = fbi_topic_at(control, index);
	q->depth = control->topic_depth;
	q->shift = (unsigned)__builtin_ctz(control->topic_depth);
	q->index = index;
	strncat(q->name, name, FBI_NAME_SIZE);
}

/* Copies a topic's name out of shared memory. */
static void load_name(const struct fbi_topic *words, char to[FBI_NAME_SIZE + 1])
{
	memcpy(to, words->name, FBI_NAME_SIZE);
	to[FBI_NAME_SIZE] = '\0';
}

/*
 * The first process that opens a topic claims it by a compare-and-swap of the name's hash. A
 * process that finds the hash and not yet the name stores the name itself: so it does not matter
 * which of them dies, and when.
 */
fb_status fbi_topic_open(struct fbi_queue *q, struct fbi_ring *ring, const char *name)
{
	const struct fbi_control *control = ring->control;
	uint32_t n = control->tables[FBI_TOPICS].count;
	uint64_t h = fbi_name_hash(name, strlen(name));
	char stands[FBI_NAME_SIZE + 1];

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = (uint32_t)((h + i) % n);
		struct fbi_topic *words = fbi_topic_at(control, at);

		if (!fbi_cas64(&words->name_hash, 0, h) && fbi_load64(&words->name_hash) != h)
			continue;
		if (fbi_load32(&words->named) == 0) {
			fbi_put_name(words->name, name);
			fbi_store32(&words->named, 1);
		}
		load_name(words, stands);
		if (strcmp(stands, name) != 0)
			return fbi_fail(FB_TOPIC_LIMIT,
					"topic %s has the same hash as %s: choose another name",
					FBI_QUOTE(name), FBI_QUOTE(stands));
		fill(q, ring, at, name);
		return FB_OK;
	}
	return fbi_fail(FB_TOPIC_LIMIT, "no room for topic %s beside the %u there are: start the server "
					"with a larger Topics", FBI_QUOTE(name), n);
}

bool fbi_topic_find(struct fbi_queue *q, struct fbi_ring *ring, const char *name)
{
	const struct fbi_control *control = ring->control;
	uint32_t n = control->tables[FBI_TOPICS].count;
	uint64_t h = fbi_name_hash(name, strlen(name));
	char stands[FBI_NAME_SIZE + 1];

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = (uint32_t)((h + i) % n);
		struct fbi_topic *words = fbi_topic_at(control, at);
		uint64_t hash = fbi_load64(&words->name_hash);

		if (hash == 0)
			return false;
		if (hash != h)
			continue;
		load_name(words, stands);
		fill(q, ring, at, name);
		return fbi_load32(&words->named) && strcmp(stands, name) == 0;
	}
	return false;
}
