/*
 * Kernels: implementations of moving and hashing bytes. All give the same results. Outside of tests
 * and benchmarks they are used through copyhash.h, which takes the one that fbi_kernel_in_use
 * returns.
 */
#ifndef FBI_COPYHASH_KERNEL_H
#define FBI_COPYHASH_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cpu.h"

/*
 * The long hash of XXH3-64, for more than FBI_SHORT bytes: stripes of 64 bytes go into eight
 * accumulators, which are scrambled after every 16th (a block); then come the last 64 bytes,
 * whether or not they overlap the stripe before. A stripe's part of the secret begins 8 bytes after
 * that of the one before.
 */
enum {
	FBI_SHORT = 240,
	FBI_STRIPE = 64,
	FBI_PER_BLOCK = 16,
	FBI_HASH_BLOCK = FBI_PER_BLOCK * FBI_STRIPE,
	FBI_SECRET = 192,
	FBI_SCRAMBLE_KEY = FBI_SECRET - FBI_STRIPE,
};

#define FBI_PRIME32_1 0x9E3779B1u

/*
 * How far ahead of its use memory is prefetched, by measurement (internal/copyhash/_gen/tuning.go):
 * each line of a cold source, the same with streaming stores, the pages of a source and those of a
 * destination. A cold destination is prefetched one line further: the line after a frame is the
 * next one's header.
 */
enum {
	FBI_PAGE = 4096,
	FBI_LINES_AHEAD = 4096,
	FBI_STREAM_AHEAD = 2048,
	FBI_LOADS_AHEAD = 16384,
	FBI_STORES_AHEAD = 12288,
	FBI_HEADER = 64,
};

/* The eight bytes at p as the hash reads them. */
static inline uint64_t fbi_word(const unsigned char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	return w;
}

/* The passes of a kernel. "On" in Go's names, past the end, is the business of the caller. */
enum fbi_pass_kind {
	FBI_PASS_SUM,	    /* hashes */
	FBI_PASS_SUM_FETCH, /* hashes, and asks for the source ahead of its use */
	FBI_PASS_COPY,	    /* ordinary stores */
	FBI_PASS_FETCH,	    /* ordinary stores, and asks for the source */
	FBI_PASS_LEAD,	    /* ordinary stores, and asks for the destination */
	FBI_PASS_STREAM, /* stores past the caches to a multiple of 64, and asks for the source */
	FBI_PASSES,
};

/*
 * Takes stripes, at least one, from src, which begin a block, and hashes them into acc under key.
 * Passes that copy store at dst the registers that they hash, and at last (64 bytes) those of the
 * last stripe once more. Those that do not copy get neither.
 */
typedef void fbi_pass(uint64_t acc[8], unsigned char *last, unsigned char *dst,
		      const unsigned char *src, const unsigned char *key, size_t stripes);

struct fbi_kernel {
	const char *name;
	bool streams;	     /* FBI_PASS_STREAM bypasses the caches */
	void (*fence)(void); /* after the last of such passes, before another process is told */
	fbi_pass *pass[FBI_PASSES];
};

extern const struct fbi_kernel fbi_kernel_portable;
#if defined(__x86_64__)
extern const struct fbi_kernel fbi_kernel_avx2, fbi_kernel_avx512;
#elif defined(__aarch64__)
extern const struct fbi_kernel fbi_kernel_neon;
#endif

extern const unsigned char fbi_secret[FBI_SECRET];

enum { FBI_KERNELS = 3 }; /* that a machine can have at most */

/* Sets the kernels that this machine can run, the widest registers first; returns how many. */
size_t fbi_kernels(const struct fbi_kernel *all[FBI_KERNELS]);

/*
 * Whether each pass of the kernel agrees with another implementation. It takes some microseconds.
 */
bool fbi_kernel_proven(const struct fbi_kernel *k);

/* Why a kernel is the one in use. Unclear: a timing found no clear difference, the widest stays. */
enum fbi_why { FBI_ALONE, FBI_BY_MODEL, FBI_TIMED, FBI_UNCLEAR, FBI_FORCED };

/* What is wrong with the value of FRAMEBUFFER_KERNEL. */
enum fbi_wish { FBI_WISH_NONE_OR_RIGHT, FBI_WISH_UNKNOWN, FBI_WISH_CANNOT_RUN };

struct fbi_choice {
	const struct fbi_kernel *kernel;
	enum fbi_why why;
	enum fbi_wish wish;
};

/* Heats of a race: the times of two kernels in ns, as many of each. */
struct fbi_heats {
	size_t n;
	int64_t of[2][256];
};
typedef void fbi_race_fn(const struct fbi_kernel *a, const struct fbi_kernel *b,
			 struct fbi_heats *heats);
fbi_race_fn fbi_race;

/*
 * The first that is there of: the kernel that force names (NULL or "": none), the one known to be
 * fastest on that model, the faster of the first two by timing. The n kernels are proven and the
 * portable is the last.
 */
struct fbi_choice fbi_choose(const char *force, const struct fbi_kernel *const *all, size_t n,
			     const struct fbi_cpu_model *model, fbi_race_fn *timing);

/* The kernel in use: chosen by the first call of a process, which may take a millisecond. */
const struct fbi_kernel *fbi_kernel_in_use(void);

/* The name of the kernel in use. */
const char *fbi_kernel_name(void);

/* fbi_copy_hash_while and fbi_hash with a kernel. */
bool fbi_kernel_copy_hash(const struct fbi_kernel *k, void *dst, const void *src, size_t n, int way,
			  uint64_t *sum, bool (*go_on)(const void *of), const void *of);
uint64_t fbi_kernel_hash(const struct fbi_kernel *k, const void *p, size_t n);

/* How a copy goes: its pass, the one that ends it, and whether it is to be fenced. */
struct fbi_stores {
	enum fbi_pass_kind pass;
	bool onward; /* it asks past the end, so that the end needs no pass of its own */
};
struct fbi_stores fbi_stores_of(const struct fbi_kernel *k, const void *dst, size_t n, int way);

/* From how many bytes on stores out of the ring bypass the caches, with an L3 of that size. */
size_t fbi_stream_out_limit(size_t l3);

#endif
