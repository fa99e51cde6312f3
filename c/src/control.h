/*
 * The control object: checking another process's, writing a new one, and its entries.
 */
#ifndef FBI_CONTROL_H
#define FBI_CONTROL_H

#include "atomics.h"
#include "framebuffer.h"
#include "layout.h"

/* What was verified is kept here: a later change in shared memory cannot undo the check. */
struct fbi_control {
	struct fbi_header *header;
	uint64_t size;
	uint64_t capacity;
	uint64_t hold_limit;
	uint64_t start;
	uint64_t nonce[2];
	uint32_t topic_depth;
	struct fbi_table tables[FBI_TABLES]; /* those of the memory's size, not the header's */
};

/* What a server writes once. */
struct fbi_identity {
	uint8_t nonce[16];
	uint64_t capacity;
	uint32_t server_pid;
	uint32_t pages;
	int64_t created_wall, created_mono;
	uint64_t start, hold_limit;
	uint32_t topics, topic_depth;
};

/* Lays out the tables for so many topics of that depth. Returns the bytes that all take. */
uint64_t fbi_plan(struct fbi_table tables[FBI_TABLES], uint32_t topics, uint32_t depth);

/*
 * Checks a control object that another process wrote, against the key's nonce and the ring's size as
 * the kernel gives it. FB_STALE_KEY if the memory is not the segment that the key was made for,
 * FB_CORRUPT if it is and its header is not valid.
 */
fb_status fbi_control_open(struct fbi_control *c, uint8_t *memory, uint64_t size,
			   const uint8_t nonce[16], uint64_t ring_size);

/*
 * Writes a new control object and opens it. State and magic come last: a process that attaches before
 * sees no segment rather than half of one.
 *
 * Preconditions: memory is zero and large enough, and no other process has the key yet.
 */
void fbi_control_format(struct fbi_control *c, uint8_t *memory, uint64_t size,
			const struct fbi_identity *id);

/* FB_OK while the server runs; otherwise FB_STALE_KEY or FB_CORRUPT, for a process that attaches. */
fb_status fbi_control_check_state(const struct fbi_control *c);

/* State and life word of the server in one load. */
static inline uint64_t fbi_status(const struct fbi_control *c)
{
	return fbi_load64((const uint64_t *)(const void *)&c->header->server);
}

/* Whether a load of that says that the server runs. */
static inline bool fbi_running(uint64_t status)
{
	return (status & ~(uint64_t)(UINT32_MAX ^ FBI_LIFE_DIED)) == (uint64_t)FBI_STATE_OPEN << 32;
}

/* Sets the error for a status that is not running: FB_CLOSED, FB_SERVER_GONE or FB_CORRUPT. */
fb_status fbi_fail_not_open(uint64_t status);

static inline void *fbi_entry(const struct fbi_control *c, int table, uint32_t i)
{
	const struct fbi_table *t = &c->tables[table];

	return (uint8_t *)c->header + t->at + (uint64_t)i * t->stride;
}

/* Entry i of a table, i being less than its count. */
static inline struct fbi_slot *fbi_slot_at(const struct fbi_control *c, uint32_t i)
{
	return fbi_entry(c, FBI_SLOTS, i);
}

static inline struct fbi_hold_entry *fbi_hold_at(const struct fbi_control *c, uint32_t i)
{
	return fbi_entry(c, FBI_HOLDS, i);
}

static inline struct fbi_topic *fbi_topic_at(const struct fbi_control *c, uint32_t i)
{
	return fbi_entry(c, FBI_TOPICS, i);
}

static inline struct fbi_group *fbi_group_at(const struct fbi_control *c, uint32_t i)
{
	return fbi_entry(c, FBI_GROUPS, i);
}

static inline struct fbi_sub *fbi_sub_at(const struct fbi_control *c, uint32_t i)
{
	return fbi_entry(c, FBI_SUBS, i);
}

/* Records that head came to a position behind a milestone at that time. */
void fbi_pass_milestone(const struct fbi_control *c, uint64_t head, int64_t now);

/* Stores a name of shared memory: cut between two characters to what fits, padded with zeroes. */
void fbi_put_name(char to[FBI_NAME_SIZE], const char *name);

#endif
