/*
 * The numbers of docs/layout.md, and nothing else: where every word of shared memory lies.
 * testdata/layout.json has the same numbers, written by the Go library's tests; tests/layout.c
 * compares them.
 *
 * The structures lie in shared memory. Words that other processes change are loaded and stored by
 * the functions of atomics.h alone.
 */
#ifndef FBI_LAYOUT_H
#define FBI_LAYOUT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the layout is little-endian"
#endif

#define FBI_AT(type, member, at) \
	static_assert(offsetof(struct type, member) == (at), #type "." #member)
#define FBI_SIZE(type, size) static_assert(sizeof(struct type) == (size), #type)

#define FBI_MAGIC UINT64_C(0x0152454646554246)
#define FBI_VERSION 4
#define FBI_HEADER_SIZE 4096

#define FBI_STATE_OPEN 1u
#define FBI_STATE_CLOSED 2u

/* Values of a life word, beside 0 and the ids of threads. */
#define FBI_LIFE_DIED (1u << 30) /* the kernel sets this bit */
#define FBI_LIFE_UNKNOWN ((1u << 30) - 1)
#define FBI_LIFE_DISTANCE (1 << 17) /* from the entry of a robust list to its word */

#define FBI_ROLE_UNLISTED 0u /* never in shared memory */
#define FBI_ROLE_SERVER 1u
#define FBI_ROLE_CLIENT 2u
#define FBI_ROLE_READ_ONLY 3u

#define FBI_ALIGN 64
#define FBI_CHUNK_HEADER 64
#define FBI_NAME_SIZE 64 /* of every name in the control object */

#define FBI_HOLD_CONFIRMED UINT64_C(1)
#define FBI_HOLD_TAG UINT64_C(1023)
#define FBI_HOLD_CLAIMS UINT64_C(63)
#define FBI_MAX_HOLD INT64_C(3600000000000) /* ns */
#define FBI_HOLD_GRACE INT64_C(1000000)     /* ns */
#define FBI_MILESTONE_TAG UINT64_C(1023)

#define FBI_QUEUE_TAG UINT64_C(63)
#define FBI_QUEUE_LAP UINT64_C(31)
#define FBI_QUEUE_RECORD UINT64_C(32)
#define FBI_RECORD_SHORT 64
#define FBI_RECORD_LONG 256

#define FBI_MAX_TOPICS (1 << 16)
#define FBI_DEFAULT_TOPICS 128
#define FBI_MAX_TOPIC_DEPTH (1 << 16)
#define FBI_DEFAULT_TOPIC_DEPTH 256

#define FBI_SLOT_COUNT 256
#define FBI_HOLD_COUNT 256
#define FBI_MILESTONE_COUNT 1024
#define FBI_GROUP_COUNT 128
#define FBI_SUB_COUNT 512

/* Where one table lies: in the header as in a private copy. */
struct fbi_table {
	uint32_t at, count, stride;
};
FBI_SIZE(fbi_table, 12);

/* The tables, in the order in which they lie and stand in the header. */
enum { FBI_SLOTS, FBI_HOLDS, FBI_MILESTONES, FBI_GROUPS, FBI_SUBS, FBI_TOPICS, FBI_TABLES };

/* The control object's header. Gaps are zero. */
struct fbi_header {
	uint64_t magic;
	uint32_t version;
	uint32_t header_size;
	uint8_t nonce[16];
	uint64_t capacity;
	uint64_t control_size;
	uint64_t zero48[2];
	uint32_t server_pid;
	uint32_t pages;
	int64_t created_wall;
	int64_t created_mono;
	uint64_t zero88[5];
	uint32_t server; /* with state one aligned word of 8 bytes, which one load has */
	uint32_t state;
	uint64_t zero136[15];
	uint64_t head;
	uint64_t hold_until;
	uint64_t hold_gen;
	uint32_t hold_high;
	uint32_t zero284;
	uint64_t zero288[28];
	struct fbi_table tables[FBI_TABLES];
	uint64_t topic_depth;
	uint64_t hold_limit;
	uint64_t start;
	uint8_t zero608[FBI_HEADER_SIZE - 608];
};
FBI_SIZE(fbi_header, FBI_HEADER_SIZE);
FBI_AT(fbi_header, version, 8);
FBI_AT(fbi_header, header_size, 12);
FBI_AT(fbi_header, nonce, 16);
FBI_AT(fbi_header, capacity, 32);
FBI_AT(fbi_header, control_size, 40);
FBI_AT(fbi_header, server_pid, 64);
FBI_AT(fbi_header, pages, 68);
FBI_AT(fbi_header, created_wall, 72);
FBI_AT(fbi_header, created_mono, 80);
FBI_AT(fbi_header, server, 128);
FBI_AT(fbi_header, state, 132);
FBI_AT(fbi_header, head, 256);
FBI_AT(fbi_header, hold_until, 264);
FBI_AT(fbi_header, hold_gen, 272);
FBI_AT(fbi_header, hold_high, 280);
FBI_AT(fbi_header, tables, 512);
FBI_AT(fbi_header, topic_depth, 584);
FBI_AT(fbi_header, hold_limit, 592);
FBI_AT(fbi_header, start, 600);

/* The counters of a slot, in order; each only grows. */
enum {
	FBI_ALLOCATIONS,
	FBI_ALLOCATED_BYTES,
	FBI_WRITES,
	FBI_WRITTEN_BYTES,
	FBI_READS,
	FBI_READ_BYTES,
	FBI_OVERWRITTEN, /* timeouts because the chunk was overwritten */
	FBI_ALTERED,     /* timeouts because the bytes do not match their checksum */
	FBI_COUNTERS
};

struct fbi_slot {
	uint64_t claim;
	uint32_t pid;
	uint32_t role;
	uint64_t pid_namespace;
	uint64_t process_start;
	int64_t attached;
	uint64_t ready;
	uint64_t zero48[2];
	char name[FBI_NAME_SIZE];
	uint64_t counters[FBI_COUNTERS];
	uint64_t last;
	uint64_t external[3]; /* reads, bytes, timeouts */
	uint32_t external_reason;
	uint32_t zero228;
	uint64_t timed[2]; /* bytes, ns */
	uint64_t zero248;
	uint32_t life;
	uint32_t zero260;
	uint64_t zero264[15];
};
FBI_SIZE(fbi_slot, 384);
FBI_AT(fbi_slot, pid, 8);
FBI_AT(fbi_slot, role, 12);
FBI_AT(fbi_slot, pid_namespace, 16);
FBI_AT(fbi_slot, process_start, 24);
FBI_AT(fbi_slot, attached, 32);
FBI_AT(fbi_slot, ready, 40);
FBI_AT(fbi_slot, name, 64);
FBI_AT(fbi_slot, counters, 128);
FBI_AT(fbi_slot, last, 192);
FBI_AT(fbi_slot, external, 200);
FBI_AT(fbi_slot, external_reason, 224);
FBI_AT(fbi_slot, timed, 232);
FBI_AT(fbi_slot, life, 256);

struct fbi_hold_entry {
	uint64_t term, start, length, zero24;
};
FBI_SIZE(fbi_hold_entry, 32);
FBI_AT(fbi_hold_entry, start, 8);
FBI_AT(fbi_hold_entry, length, 16);

struct fbi_milestone {
	uint64_t position, time;
};
FBI_SIZE(fbi_milestone, 16);
FBI_AT(fbi_milestone, time, 8);

struct fbi_group {
	uint64_t name_hash;
	uint32_t topic;
	uint32_t zero12;
	uint64_t cursor;
	uint64_t zero24[5];
	char name[FBI_NAME_SIZE];
};
FBI_SIZE(fbi_group, 128);
FBI_AT(fbi_group, topic, 8);
FBI_AT(fbi_group, cursor, 16);
FBI_AT(fbi_group, name, 64);

struct fbi_sub {
	uint64_t claim;
	uint32_t slot;
	uint32_t topic;
	uint64_t cursor, received, lost;
	uint64_t zero40[11];
};
FBI_SIZE(fbi_sub, 128);
FBI_AT(fbi_sub, slot, 8);
FBI_AT(fbi_sub, topic, 12);
FBI_AT(fbi_sub, cursor, 16);
FBI_AT(fbi_sub, received, 24);
FBI_AT(fbi_sub, lost, 32);

/* A topic. Its queue, of depth words, follows. */
struct fbi_topic {
	uint64_t name_hash;
	uint32_t named;
	uint32_t state;
	char name[FBI_NAME_SIZE];
	uint64_t first;
	uint64_t zero88[5];
	uint64_t next;
	uint32_t wake;
	uint32_t zero140;
	uint64_t bytes;
	uint64_t zero152[13];
	uint64_t queue[];
};
FBI_AT(fbi_topic, named, 8);
FBI_AT(fbi_topic, state, 12);
FBI_AT(fbi_topic, name, 16);
FBI_AT(fbi_topic, first, 80);
FBI_AT(fbi_topic, next, 128);
FBI_AT(fbi_topic, wake, 136);
FBI_AT(fbi_topic, bytes, 144);
FBI_AT(fbi_topic, queue, 256);

/* A chunk's header. Its last three words are the label. */
struct fbi_chunk {
	uint64_t offset;
	uint64_t size;
	int64_t time;
	uint32_t client;
	uint32_t pid;
	uint64_t guard;
	uint64_t stamp;
	uint64_t checksum;
	int64_t published;
};
FBI_SIZE(fbi_chunk, FBI_CHUNK_HEADER);
FBI_AT(fbi_chunk, size, 8);
FBI_AT(fbi_chunk, time, 16);
FBI_AT(fbi_chunk, client, 24);
FBI_AT(fbi_chunk, pid, 28);
FBI_AT(fbi_chunk, guard, 32);
FBI_AT(fbi_chunk, stamp, 40);
FBI_AT(fbi_chunk, checksum, 48);
FBI_AT(fbi_chunk, published, 56);

/* A record: the first FBI_RECORD_SHORT bytes, or all of it. */
struct fbi_record {
	uint64_t sum;
	uint64_t sequence;
	uint64_t offset;
	uint64_t size;
	uint64_t checksum;
	int64_t time;
	uint32_t topic;
	uint8_t dimensions;
	uint8_t user_length;
	uint16_t zero54;
	uint32_t source;
	uint32_t zero60;
	uint32_t width;
	uint32_t height;
	uint32_t shape[8];
	char format[16];
	char content_type[48];
	uint8_t user[64];
	uint8_t room[24];
};
FBI_SIZE(fbi_record, FBI_RECORD_LONG);
FBI_AT(fbi_record, sequence, 8);
FBI_AT(fbi_record, offset, 16);
FBI_AT(fbi_record, size, 24);
FBI_AT(fbi_record, checksum, 32);
FBI_AT(fbi_record, time, 40);
FBI_AT(fbi_record, topic, 48);
FBI_AT(fbi_record, dimensions, 52);
FBI_AT(fbi_record, user_length, 53);
FBI_AT(fbi_record, source, 56);
FBI_AT(fbi_record, width, FBI_RECORD_SHORT);
FBI_AT(fbi_record, height, 68);
FBI_AT(fbi_record, shape, 72);
FBI_AT(fbi_record, format, 104);
FBI_AT(fbi_record, content_type, 120);
FBI_AT(fbi_record, user, 168);
FBI_AT(fbi_record, room, 232);

/* The bytes of the ring that a payload takes: header, payload and padding. */
static inline uint64_t fbi_footprint(uint64_t size)
{
	return (size + FBI_CHUNK_HEADER + FBI_ALIGN - 1) & ~(uint64_t)(FBI_ALIGN - 1);
}

/* log2 of the distance from one milestone to the next. */
static inline unsigned fbi_milestone_shift(uint64_t capacity)
{
	uint64_t n = capacity / 64;
	unsigned log = n ? 63 - (unsigned)__builtin_clzll(n) : 0;

	return log > 6 ? log : 6;
}

/*
 * The word that makes a header unmistakable: the finaliser of SplitMix64 over offset, size and the
 * halves of the nonce. It is also what stamps are made of.
 */
static inline uint64_t fbi_guard(const uint64_t nonce[2], uint64_t offset, uint64_t size)
{
	uint64_t z = (offset ^ nonce[0]) + (size ^ nonce[1]) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* The stamp of sequence number s in topic (its index plus 1) on the chunk with that guard. */
static inline uint64_t fbi_stamp(const uint64_t nonce[2], uint64_t guard, uint64_t checksum,
				 int64_t published, uint32_t topic, uint64_t s)
{
	return s + fbi_guard(nonce, guard ^ checksum, (uint64_t)published ^ topic);
}

#endif
