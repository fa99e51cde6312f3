/*
 * Copying and hashing in one pass: XXH3-64 with the default seed and secret. No function here
 * locks, allocates or has state but the kernel that a process chose once, so all may be called from
 * several threads and after fork.
 */
#ifndef FBI_COPYHASH_H
#define FBI_COPYHASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How a copy stores and prefetches: one of the first three, and the flags that hold. Only the speed
 * depends on it. Streaming stores bypass the caches; where the kernel has none, or dst is no
 * multiple of 64, ordinary ones take their place. FBI_AUTO takes one of the two by n.
 */
enum fbi_way {
	FBI_CACHED = 0,
	FBI_STREAMING = 1,
	FBI_AUTO = 2,
	/*
	 * The copy goes out of the ring, whose bytes another core wrote: the source is prefetched.
	 * Without it the copy goes into the ring, and the destination is.
	 */
	FBI_OUT = 4,
	/*
	 * What follows the ring's side of the copy is prefetched too, because it will probably be
	 * used next. No other process should be about to write there: its cache lines would be
	 * stolen.
	 */
	FBI_ONWARD = 8,
	/*
	 * The copy goes into the ring, and src is memory of this process that does not change
	 * meanwhile: a short frame is hashed there, which is faster. If it does change, the
	 * checksum is useless.
	 */
	FBI_IN = 16,
};

/* How many bytes are copied between two questions whether to go on. */
#define FBI_BLOCK ((size_t)64 << 10)

/*
 * Copies n bytes and returns the checksum of exactly the bytes that were stored, also if another
 * process changes src meanwhile: what is hashed is what is stored, out of registers or this
 * thread's own stack. The two do not overlap. No byte is loaded or stored outside of them. When it
 * returns, its stores come before every later store of the caller: streaming ones are fenced, and
 * on other processors than x86 the caller's own store is to be a release.
 */
uint64_t fbi_copy_hash(void *dst, const void *src, size_t n, int way);

/*
 * fbi_copy_hash that calls go_on(of) after each FBI_BLOCK bytes but the last. If that says false it
 * stops at once and returns false; *sum is not set then. go_on may be NULL.
 */
bool fbi_copy_hash_while(void *dst, const void *src, size_t n, int way, uint64_t *sum,
			 bool (*go_on)(const void *of), const void *of);

/*
 * The checksum of n bytes. If they change meanwhile the result is useless, and nothing else
 * happens.
 */
uint64_t fbi_hash(const void *p, size_t n);

/* Whether the kernel in use has streaming stores, so that FBI_STREAMING is something of its own. */
bool fbi_streams(void);

/* What FBI_AUTO stands for with n bytes that are copied into the ring. */
int fbi_auto_in(size_t n);

/*
 * Reads a value of FRAMEBUFFER_STORES, which sets how frames from 256 KiB up are stored: "auto" (or
 * NULL, or ""), "cached" or "streaming". False if it is none of them; *way is FBI_AUTO then.
 */
bool fbi_parse_way(const char *name, int *way);

#endif
