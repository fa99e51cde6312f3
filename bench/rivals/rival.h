// What the rivals in C and C++ share: the harness's commands, payloads, and the socket on
// which descriptors and acknowledgements travel where the rival has no queue of its own.
//
// The harness writes "SIZE COUNT\n" to the writer's stdin. The writer hands COUNT frames of
// SIZE bytes over, one after the other, each acknowledged by the reader once it has the
// bytes, and answers "NANOSECONDS\n". An empty input ends both.
#pragma once
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FRAME = 24883200, SLOTS = 16 };

static inline int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void die(const char *what) {
    perror(what);
    exit(1);
}

static inline void put_all(int fd, const void *p, size_t n) {
    const char *c = (const char *)p;
    while (n > 0) {
        ssize_t w = write(fd, c, n);
        if (w < 0 && errno == EINTR) continue;
        if (w <= 0) die("write");
        c += w;
        n -= (size_t)w;
    }
}

// get_all returns 0 at the end of the input.
static inline int get_all(int fd, void *p, size_t n) {
    char *c = (char *)p;
    while (n > 0) {
        ssize_t r = read(fd, c, n);
        if (r < 0 && errno == EINTR) continue;
        if (r < 0) die("read");
        if (r == 0) return 0;
        c += r;
        n -= (size_t)r;
    }
    return 1;
}

static inline unsigned char *new_payload(void) {
    void *memory;
    if (posix_memalign(&memory, 4096, MAX_FRAME)) die("memory");
    unsigned char *p = (unsigned char *)memory;
    for (size_t i = 0; i < MAX_FRAME; i++) p[i] = (unsigned char)(i * 131 + (i >> 8) * 29);
    return p;
}

// check aborts unless the bytes are those of new_payload: sampled, so that it costs nothing.
static inline void check(const unsigned char *p, size_t n) {
    for (size_t i = 0; i < n; i += n / 7 + 1)
        if (p[i] != (unsigned char)(i * 131 + (i >> 8) * 29)) {
            fprintf(stderr, "wrong byte %zu of %zu\n", i, n);
            exit(1);
        }
}

// serve_harness runs hand for each command.
static inline void serve_harness(void (*hand)(size_t size, long count)) {
    size_t size;
    long count;
    while (scanf("%zu %ld", &size, &count) == 2) {
        int64_t start = now_ns();
        hand(size, count);
        printf("%lld\n", (long long)(now_ns() - start));
        fflush(stdout);
    }
}
