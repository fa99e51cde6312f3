// The limits of bench/topics: the same bytes are handed over by a bare word in shared memory,
// in C. Nothing is verified, allocated or counted. A frame's number or its words are compared,
// so that a lost frame ends the run.
//
// usage: limit left|right. File 3 is the page of words, file 4 the memory that frames go round.
// Commands on standard input: "DO SIZE COUNT WINDOW TOUCH RING WAY"; topics/players.go tells how
// it goes on.
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "copies.h"
#include "rival.h"
#include "touch.h"

static char *page, *ring;
static int left;
static unsigned char *buffer;

static uint64_t *word(size_t at) { return (uint64_t *)(page + at); }

static uint64_t get(const uint64_t *w) { return __atomic_load_n(w, __ATOMIC_ACQUIRE); }
static void put(uint64_t *w, uint64_t v) { __atomic_store_n(w, v, __ATOMIC_RELEASE); }

static void await(const uint64_t *w, uint64_t v) {
    while (get(w) != v) {}
}

static void wrong(const char *what) {
    fprintf(stderr, "limit: %s: another frame\n", what);
    exit(1);
}

// ping hands count frames to and fro. Frames of one line lie beside the word, larger ones go
// round the ring. Without a size only the word goes.
static void ping(size_t size, long count, char touch, size_t capacity) {
    static uint64_t number;  // of the last frame, in either direction
    uint64_t *mine = word(left ? 0 : 512), *theirs = word(left ? 512 : 0);
    size_t n = size / 8, slots = size > 64 ? capacity / size : 1;
    uint64_t from = get(mine);
    for (uint64_t i = from + 1; i <= from + (uint64_t)count; i++) {
        for (int side = 1; side >= 0; side--) {  // the left side sends first
            number++;
            int sends = side == left;
            uint64_t *w = sends ? mine : theirs;
            uint64_t *payload = size > 64 ? (uint64_t *)(ring + number % slots * size) : w + 8;
            if (sends) {
                if (n > 0) fill(payload, n, touch, number);
                put(w, i);
            } else {
                await(w, i);
                if (n > 0 && look(payload, n, touch, number)) wrong("ping");
            }
        }
    }
}

// nap hands a word to and fro between two that sleep: each works for some time before it sends,
// in which the other surely falls asleep. It returns the nanoseconds worked.
static int64_t nap(long count, int64_t work) {
    uint64_t *mine = word(left ? 0 : 512), *theirs = word(left ? 512 : 0);
    uint64_t from = get(mine);
    for (uint64_t i = from + 1; i <= from + (uint64_t)count; i++) {
        for (int side = 1; side >= 0; side--) {
            if (side == left) {
                for (int64_t end = now_ns() + work; now_ns() < end;) {}
                put(mine, i);
                syscall(SYS_futex, mine, FUTEX_WAKE, 1, NULL, NULL, 0);
            } else {
                for (uint64_t now; (now = get(theirs)) != i;)
                    syscall(SYS_futex, theirs, FUTEX_WAIT, (uint32_t)now, NULL, NULL, 0);
            }
        }
    }
    return 2 * count * work;
}

// stream hands count copies of a frame over, fewer than window of them not yet read.
static void stream(size_t size, long count, uint64_t window, size_t capacity, const char *way) {
    static size_t at;
    static uint64_t sent;
    uint64_t *written = word(128), *seen = word(512 + 128);
    copy_fn in = way_in(way), out = way_out(way);
    uint64_t from = sent;
    at = 0;
    for (uint64_t i = 1; i <= (uint64_t)count; i++) {
        if (at + size > capacity) at = 0;
        if (left) {
            ((uint64_t *)buffer)[1] = from + i;
            in(ring + at, buffer, size);
            put(written, from + i);
            while (from + i - get(seen) >= window) {}
        } else {
            while (get(written) < from + i) {}
            out(buffer, ring + at, size);
            if (((uint64_t *)buffer)[1] != from + i) wrong("stream");
            put(seen, from + i);
        }
        at += (size + 63) / 64 * 64;
    }
    if (left) await(seen, from + (uint64_t)count);
    sent = from + (uint64_t)count;
}

#if defined(__x86_64__)
__attribute__((target_clones("avx2", "default")))
#endif
static uint64_t sum(const uint64_t *w, size_t n) {
    uint64_t s = 0;
    for (size_t i = 0; i < n; i++) s += w[i];
    return s;
}

// view reads one frame again and again; the other side rests.
static void view(size_t size, long count) {
    if (!left) return;
    uint64_t s = 0;
    for (long k = 0; k < count; k++) {
        s += sum((const uint64_t *)ring, size / 8);
        __asm__ volatile("" : "+r"(s) : : "memory");  // every time anew
    }
}

int main(int argc, char **argv) {
    if (argc != 2) die("usage");
    left = strcmp(argv[1], "left") == 0;
    struct stat memory;
    if (fstat(4, &memory)) die("memory");
    page = (char *)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, 3, 0);
    ring = (char *)mmap(NULL, (size_t)memory.st_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, 4, 0);
    buffer = (unsigned char *)aligned_alloc(4096, (MAX_FRAME + 4095) / 4096 * 4096);
    if (page == MAP_FAILED || ring == MAP_FAILED || !buffer) die("mmap");
    memset(buffer, 1, MAX_FRAME);

    char todo[16], touch[16], way[16], go[8];
    size_t size, window, capacity;
    long count;
    while (scanf("%15s %zu %ld %zu %15s %zu %15s", todo, &size, &count, &window, touch, &capacity, way) == 7) {
        if (capacity > (size_t)memory.st_size) die("ring");
        printf("ready\n");
        fflush(stdout);
        if (scanf("%7s", go) != 1) break;
        uint64_t n = __atomic_add_fetch(word(left ? 256 : 512 + 256), 1, __ATOMIC_SEQ_CST);
        while (get(word(left ? 512 + 256 : 256)) < n) {}  // both are here, awake
        int64_t start = now_ns(), worked = 0;
        if (strcmp(todo, "ping") == 0 || strcmp(todo, "line") == 0)
            ping(size, count, touch[0], capacity);
        else if (strcmp(todo, "futex") == 0)
            worked = nap(count, (int64_t)window);
        else if (strcmp(todo, "stream") == 0)
            stream(size, count, window, capacity, way);
        else
            view(size, count);
        printf("%lld 0 0\n", (long long)(now_ns() - start - worked));
        fflush(stdout);
    }
    return 0;
}
