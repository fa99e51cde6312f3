/*
 * The two kinds of entries of a topic's queue, labels and records. topic.h has the order of stores.
 */
#ifndef FBI_TOPIC_RECORD_H
#define FBI_TOPIC_RECORD_H

#include "framebuffer_topic.h"
#include "ring.h"

/* What an entry says. */
struct fbi_publication {
	uint64_t sequence;
	fb_frame frame;
	int64_t time;
	bool described;           /* whether content counts */
	struct fbi_record record; /* if described: the private copy of the record */
};

/* A new entry, while it is published. */
struct fbi_new_entry {
	struct fbi_ring *ring;
	const struct fbi_publication *of;
	uint64_t word;     /* of the queue, without the lap */
	uint64_t offset;   /* of the frame, if the entry is its label, or of the record's chunk */
	uint32_t topic;    /* index, plus 1 */
	bool labelled;
	uint64_t sequence; /* in the label */
	uint8_t *memory;   /* of the record's chunk */
	uint32_t size;     /* of the record */
	struct fbi_record record;
};

/* FB_OK if the text is UTF-8 of at most most bytes with a zero behind it, else FB_BAD_META. */
fb_status fbi_check_meta_text(const char *what, const char *text, size_t most);

/* FB_OK or FB_BAD_META. */
fb_status fbi_meta_check(const struct fb_meta *meta);

/* Whether meta is NULL or all of it has its zero value. */
bool fbi_meta_none(const struct fb_meta *meta);

/* Fills meta from a record that another process wrote: what is too long is cut. */
void fbi_meta_load(const struct fbi_record *record, struct fb_meta *meta);

/*
 * Makes the entry for a frame in a topic (its index plus 1): a label for sequence number next, if
 * meta is NULL and the frame's chunk has room, and otherwise a record in a chunk of its own. Errors
 * are those of fbi_ring_allocate_beside.
 */
fb_status fbi_entry_make(struct fbi_new_entry *e, struct fbi_ring *ring,
			 const struct fbi_publication *of, uint32_t topic, uint64_t next,
			 const struct fb_meta *meta);

/*
 * Stores the sequence number in the entry, which is in no queue yet. False if the ring has
 * overwritten the entry or its frame.
 */
bool fbi_entry_set_sequence(struct fbi_new_entry *e, uint64_t s);

/*
 * Fills p from the label of the chunk at offset, or the record at offset. False if there is none of
 * that topic (index plus 1) and sequence number, or its chunk or frame is not intact. The bytes are
 * hostile: each is loaded once.
 */
bool fbi_label_read(const struct fbi_ring *ring, uint64_t offset, uint32_t topic, uint64_t s,
		    struct fbi_publication *p);
bool fbi_record_read(const struct fbi_ring *ring, uint64_t offset, uint32_t topic, uint64_t s,
		     struct fbi_publication *p);

/* Whether no read of the chunk at offset before this call can have seen bytes of a later chunk. */
static inline bool fbi_offset_intact(const struct fbi_ring *ring, uint64_t offset)
{
	fbi_load_fence();
	return fbi_intact(ring, offset - FBI_CHUNK_HEADER);
}

#endif
