/*
 * Access to words that processes share. Go's sync/atomic, which the other implementation of the
 * protocol uses, is sequentially consistent, and so is each function here that has no order in its
 * name. The fences are those that docs/layout.md names.
 */
#ifndef FBI_ATOMICS_H
#define FBI_ATOMICS_H

#include <stdbool.h>
#include <stdint.h>

static inline uint32_t fbi_load32(const uint32_t *at)
{
	return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}

static inline uint64_t fbi_load64(const uint64_t *at)
{
	return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}

static inline void fbi_store32(uint32_t *at, uint32_t v)
{
	__atomic_store_n(at, v, __ATOMIC_SEQ_CST);
}

static inline void fbi_store64(uint64_t *at, uint64_t v)
{
	__atomic_store_n(at, v, __ATOMIC_SEQ_CST);
}

/* For words that order nothing: chunk headers, which a message orders, and what monitors read. */
static inline uint64_t fbi_load64_relaxed(const uint64_t *at)
{
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

static inline void fbi_store64_relaxed(uint64_t *at, uint64_t v)
{
	__atomic_store_n(at, v, __ATOMIC_RELAXED);
}

static inline uint64_t fbi_add64(uint64_t *at, uint64_t n)
{
	return __atomic_fetch_add(at, n, __ATOMIC_SEQ_CST);
}

/* For counters, which order nothing. */
static inline void fbi_count64(uint64_t *at, uint64_t n)
{
	__atomic_fetch_add(at, n, __ATOMIC_RELAXED);
}

static inline uint64_t fbi_swap64(uint64_t *at, uint64_t v)
{
	return __atomic_exchange_n(at, v, __ATOMIC_SEQ_CST);
}

static inline uint32_t fbi_swap32(uint32_t *at, uint32_t v)
{
	return __atomic_exchange_n(at, v, __ATOMIC_SEQ_CST);
}

static inline bool fbi_cas32(uint32_t *at, uint32_t old, uint32_t v)
{
	return __atomic_compare_exchange_n(at, &old, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static inline bool fbi_cas64(uint64_t *at, uint64_t old, uint64_t v)
{
	return __atomic_compare_exchange_n(at, &old, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

#if defined(__SANITIZE_THREAD__)
#define FBI_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FBI_TSAN 1
#endif
#endif

#if defined(FBI_TSAN)
/* The sanitizer knows no fences (gcc refuses them), and sees one mapping of the ring as memory of
 * its own anyway: between processes these order nothing that it could check. */
#define FBI_FENCE_LOAD() __asm__ volatile("" ::: "memory")
#define FBI_FENCE_STORE() __asm__ volatile("" ::: "memory")
#else
#define FBI_FENCE_LOAD() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define FBI_FENCE_STORE() __atomic_thread_fence(__ATOMIC_RELEASE)
#endif

/*
 * Loads before this fence are not later than loads after it: a reader has loaded the payload before
 * it loads head for the last time. Partner: fbi_store_fence in the allocator.
 */
static inline void fbi_load_fence(void)
{
	FBI_FENCE_LOAD();
}

/*
 * Stores after this fence do not become visible before stores before it, here the add to head. On
 * arm64 the add (with release and acquire) alone does not order a later plain store behind its own
 * store; dmb ish, which a release fence is, does.
 */
static inline void fbi_store_fence(void)
{
	FBI_FENCE_STORE();
}

#endif
