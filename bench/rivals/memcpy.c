// The limit: two processes share a mapping, one copies in, the other copies out, with
// libc's memcpy or with vector stores. Nothing is verified, nothing is managed. Descriptors go
// over a socket.
//
// usage: memcpy libc|cached|streaming|round, which copies.h explains.
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "copies.h"
#include "rival.h"

static unsigned char *ring, *payload;
static size_t capacity = 512u << 20, at;
static int peer;
static copy_fn in, out;

static void hand(size_t size, long count) {
    for (long i = 0; i < count; i++) {
        if (at + size > capacity) at = 0;
        in(ring + at, payload, size);
        uint64_t descriptor[2] = {at, size};
        put_all(peer, descriptor, sizeof descriptor);
        char ack;
        get_all(peer, &ack, 1);
        at += (size + 63) / 64 * 64;
    }
}

int main(int argc, char **argv) {
    if (argc != 2) die("usage");
    in = way_in(argv[1]), out = way_out(argv[1]);
    ring = (unsigned char *)mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    int pair[2];
    if (ring == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) die("set up");
    if (fork() == 0) {
        close(pair[0]);
        unsigned char *mine = new_payload();
        memset(mine, 0, MAX_FRAME);
        madvise(ring, capacity, 22 /* MADV_POPULATE_READ */);
        uint64_t descriptor[2];
        while (get_all(pair[1], descriptor, sizeof descriptor)) {
            out(mine, ring + descriptor[0], descriptor[1]);
            check(mine, descriptor[1]);
            put_all(pair[1], "a", 1);
        }
        return 0;
    }
    close(pair[1]);
    peer = pair[0];
    payload = new_payload();
    serve_harness(hand);
    close(peer);
    wait(NULL);
    return 0;
}
