#include "topic_record.h"

#include <string.h>

#include "slot.h"

/*
 * Labels the frame's chunk, if it is intact, of exactly that size, of this client's own slot, and
 * without a label. Of two publications of one frame, one gets the label: by the compare-and-swap of
 * the stamp.
 */
static bool put_label(struct fbi_new_entry *e, uint64_t next)
{
	const struct fbi_publication *of = e->of;
	const uint64_t *nonce = e->ring->control->nonce;
	uint64_t guard = fbi_guard(nonce, of->frame.offset, of->frame.size);
	uint64_t stamp = fbi_stamp(nonce, guard, of->frame.checksum, of->time, e->topic, next);
	struct fbi_found chunk;

	/* A process that was stopped for a lap since it loaded head damages up to three words of
	 * another process's chunk here, as one does that was stopped before it stored a header. */
	if (!fbi_peek(e->ring, of->frame.offset, &chunk) || chunk.size != of->frame.size ||
	    chunk.client != fbi_own(e->ring->slots)->index || stamp == 0 ||
	    !fbi_cas64(&chunk.header->stamp, 0, stamp))
		return false;
	fbi_store64_relaxed(&chunk.header->checksum, of->frame.checksum);
	fbi_store64_relaxed((uint64_t *)&chunk.header->published, (uint64_t)of->time);
	e->memory = (uint8_t *)chunk.header;
	e->sequence = next;
	return true;
}

/* Fills the private copy of the record but for sequence number and sum. */
static void fill_record(struct fbi_new_entry *e, const struct fb_meta *meta)
{
	struct fbi_record *r = &e->record;

	memset(r, 0, sizeof *r);
	r->offset = e->of->frame.offset;
	r->size = e->of->frame.size;
	r->checksum = e->of->frame.checksum;
	r->time = e->of->time;
	r->topic = e->topic;
	r->source = fbi_own(e->ring->slots)->index;
	if (!meta)
		return;
	r->dimensions = (uint8_t)meta->dimensions;
	r->user_length = (uint8_t)meta->user_size;
	r->width = meta->width;
	r->height = meta->height;
	memcpy(r->shape, meta->shape, meta->dimensions * sizeof r->shape[0]);
	memcpy(r->user, meta->user, meta->user_size);
	memcpy(r->format, meta->format, strnlen(meta->format, sizeof r->format));
	memcpy(r->content_type, meta->content_type,
	       strnlen(meta->content_type, sizeof r->content_type));
}

fb_status fbi_entry_make(struct fbi_new_entry *e, struct fbi_ring *ring,
			 const struct fbi_publication *of, uint32_t topic, uint64_t next,
			 const struct fb_meta *meta)
{
	struct fbi_allocated chunk;
	fb_status status;

	e->ring = ring;
	e->of = of;
	e->topic = topic;
	e->offset = of->frame.offset;
	e->word = of->frame.offset;
	e->labelled = !meta && put_label(e, next);
	if (e->labelled)
		return FB_OK;
	fill_record(e, meta);
	e->size = meta ? FBI_RECORD_LONG : FBI_RECORD_SHORT;
	status = fbi_ring_allocate_beside(ring, of->frame.offset, of->frame.size, e->size, &chunk);
	if (status)
		return status;
	e->offset = chunk.offset;
	e->word = chunk.offset | FBI_QUEUE_RECORD;
	e->memory = chunk.payload;
	return FB_OK;
}

/* The sum of a record of size bytes. */
static uint64_t sum_of(const struct fbi_record *r, uint64_t size)
{
	return fbi_hash((const uint8_t *)r + sizeof r->sum, size - sizeof r->sum);
}

/*
 * Stores the record's words. The compare-and-swap of the queue's word orders them for subscribers.
 */
static void store_record(const struct fbi_new_entry *e)
{
	uint64_t *to = (void *)e->memory;

	for (uint32_t i = 0; i < e->size / 8; i++) {
		uint64_t word;

		memcpy(&word, (const uint8_t *)&e->record + 8 * i, sizeof word);
		fbi_store64_relaxed(&to[i], word);
	}
}

bool fbi_entry_set_sequence(struct fbi_new_entry *e, uint64_t s)
{
	const struct fbi_publication *of = e->of;
	const uint64_t *nonce = e->ring->control->nonce;

	if (!e->labelled) {
		e->record.sequence = s;
		e->record.sum = sum_of(&e->record, e->size);
		store_record(e);
		return fbi_offset_intact(e->ring, e->offset) &&
		       fbi_offset_intact(e->ring, of->frame.offset);
	}
	if (e->sequence != s) { /* another publisher took the number */
		uint64_t guard = fbi_guard(nonce, of->frame.offset, of->frame.size);

		e->sequence = s;
		fbi_store64(&((struct fbi_chunk *)(void *)e->memory)->stamp,
			    fbi_stamp(nonce, guard, of->frame.checksum, of->time, e->topic, s));
	}
	return fbi_offset_intact(e->ring, e->offset);
}

bool fbi_label_read(const struct fbi_ring *ring, uint64_t offset, uint32_t topic, uint64_t s,
		    struct fbi_publication *p)
{
	const uint64_t *nonce = ring->control->nonce;
	const struct fbi_chunk *h;
	uint64_t size, guard, stamp;

	if (offset < FBI_CHUNK_HEADER || offset % FBI_ALIGN)
		return false;
	h = (void *)(ring->mem + fbi_place(ring, offset - FBI_CHUNK_HEADER));
	size = fbi_load64_relaxed(&h->size);
	guard = fbi_load64_relaxed(&h->guard);
	stamp = fbi_load64_relaxed(&h->stamp);
	p->sequence = s;
	p->frame = (fb_frame){offset, size, fbi_load64_relaxed(&h->checksum)};
	p->time = (int64_t)fbi_load64_relaxed((const uint64_t *)&h->published);
	p->described = false;
	return fbi_load64_relaxed(&h->offset) == offset &&
	       size <= ring->capacity - FBI_CHUNK_HEADER && guard == fbi_guard(nonce, offset, size) &&
	       stamp == fbi_stamp(nonce, guard, p->frame.checksum, p->time, topic, s) &&
	       fbi_offset_intact(ring, offset);
}

bool fbi_record_read(const struct fbi_ring *ring, uint64_t offset, uint32_t topic, uint64_t s,
		     struct fbi_publication *p)
{
	struct fbi_record *r = &p->record;
	struct fbi_found chunk;

	if (!fbi_peek(ring, offset, &chunk) ||
	    (chunk.size != FBI_RECORD_SHORT && chunk.size != FBI_RECORD_LONG))
		return false;
	for (uint64_t i = 0; i < chunk.size / 8; i++) {
		uint64_t word = fbi_load64_relaxed((const uint64_t *)(void *)chunk.payload + i);

		memcpy((uint8_t *)r + 8 * i, &word, sizeof word);
	}
	if (r->sum != sum_of(r, chunk.size) || r->sequence != s ||
	    r->topic != topic || r->size > ring->capacity - FBI_CHUNK_HEADER ||
	    r->offset < FBI_CHUNK_HEADER)
		return false;
	p->sequence = s;
	p->frame = (fb_frame){r->offset, r->size, r->checksum};
	p->time = r->time;
	p->described = chunk.size == FBI_RECORD_LONG;
	return fbi_offset_intact(ring, offset) && fbi_offset_intact(ring, r->offset);
}
