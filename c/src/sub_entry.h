/*
 * A subscription's row in the shared directory, for monitors and for mirrors that begin on demand.
 * It is optional: clients without a slot have none, nor have subscriptions that find the table
 * full.
 */
#ifndef FBI_SUB_ENTRY_H
#define FBI_SUB_ENTRY_H

#include "slot.h"

struct fbi_sub_entry {
	struct fbi_sub *words; /* NULL: none; atomic, since a close may come from another thread */
	uint64_t ticket;       /* of the client slot with which it was entered */
	uint32_t pid;          /* of the process */
};

/* Takes a free row, or one whose client is gone. */
void fbi_sub_enter(struct fbi_sub_entry *e, struct fbi_slots *slots, uint32_t topic, uint64_t cursor);

/* Stores the subscription's figures, each in one piece. */
void fbi_sub_update(struct fbi_sub_entry *e, uint64_t cursor, uint64_t received, uint64_t lost);

/* Frees the row. The memory may be closed. */
void fbi_sub_leave(struct fbi_sub_entry *e);

#endif
