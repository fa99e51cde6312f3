// Ways to copy, for the limits: libc's memcpy, vector loads and stores through the cache, and
// vector stores that go round it. The widest that the CPU has is chosen when the program starts.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef void (*copy_fn)(void *to, const void *from, size_t n);

static inline void copy_libc(void *to, const void *from, size_t n) { memcpy(to, from, n); }

#if defined(__x86_64__)
#include <immintrin.h>

// Each copies whole lines of 64 bytes; both addresses are aligned to lines in the benchmark.
#define COPY_LINES(name, isa, vec, load, store, step)                               \
    __attribute__((target(isa))) static void name(void *to, const void *from, size_t n) { \
        char *t = (char *)to;                                                           \
        const char *f = (const char *)from;                                             \
        size_t i = 0;                                                                   \
        for (; i + 128 <= n; i += 128) {                                                \
            vec v[128 / step];                                                          \
            for (int j = 0; j < 128 / step; j++) v[j] = load((const vec *)(f + i) + j); \
            for (int j = 0; j < 128 / step; j++) store((vec *)(t + i) + j, v[j]);       \
        }                                                                               \
        memcpy(t + i, f + i, n - i);                                                    \
        _mm_sfence();                                                                   \
    }
COPY_LINES(cached_sse2, "sse2", __m128i, _mm_loadu_si128, _mm_storeu_si128, 16)
COPY_LINES(streaming_sse2, "sse2", __m128i, _mm_loadu_si128, _mm_stream_si128, 16)
COPY_LINES(cached_avx, "avx", __m256i, _mm256_loadu_si256, _mm256_storeu_si256, 32)
COPY_LINES(streaming_avx, "avx", __m256i, _mm256_loadu_si256, _mm256_stream_si256, 32)

static inline copy_fn copy_cached(void) {
    return __builtin_cpu_supports("avx") ? cached_avx : cached_sse2;
}
static inline copy_fn copy_streaming(void) {
    return __builtin_cpu_supports("avx") ? streaming_avx : streaming_sse2;
}

#elif defined(__aarch64__)

#define COPY_LINES(name, store)                                                    \
    static void name(void *to, const void *from, size_t n) {                       \
        char *t = (char *)to;                                                      \
        const char *f = (const char *)from;                                        \
        size_t i = 0;                                                              \
        for (; i + 64 <= n; i += 64)                                               \
            __asm__ volatile("ldp q0, q1, [%1]\n\tldp q2, q3, [%1, #32]\n\t" store \
                             " q0, q1, [%0]\n\t" store " q2, q3, [%0, #32]"        \
                             :                                                     \
                             : "r"(t + i), "r"(f + i)                              \
                             : "v0", "v1", "v2", "v3", "memory");                  \
        memcpy(t + i, f + i, n - i);                                               \
    }
COPY_LINES(cached_neon, "stp")
COPY_LINES(streaming_neon, "stnp")

static inline copy_fn copy_cached(void) { return cached_neon; }
static inline copy_fn copy_streaming(void) { return streaming_neon; }

#else

static inline copy_fn copy_cached(void) { return copy_libc; }
static inline copy_fn copy_streaming(void) { return copy_libc; }

#endif

// way_in and way_out are how a writer and a reader copy: libc, cached, streaming (only the
// writer goes round the cache), or round (both do).
static inline copy_fn way_in(const char *way) {
    if (strcmp(way, "libc") == 0) return copy_libc;
    return strcmp(way, "cached") == 0 ? copy_cached() : copy_streaming();
}

static inline copy_fn way_out(const char *way) {
    if (strcmp(way, "libc") == 0) return copy_libc;
    return strcmp(way, "round") == 0 ? copy_streaming() : copy_cached();
}
