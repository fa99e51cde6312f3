// iceoryx 2.0.3 beside our topics: two processes, each with a publisher and a subscriber, that
// poll. Nothing is verified. Needs a running iox-roudi.
//
// usage: topics GROUP left|right. Commands on standard input: "DO SIZE COUNT WINDOW TOUCH";
// topics/players.go tells how it goes on.
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <atomic>
#include <iceoryx_posh/popo/untyped_publisher.hpp>
#include <iceoryx_posh/popo/untyped_subscriber.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>

#include "rival.h"

using iox::capro::IdString_t;
using iox::capro::ServiceDescription;

static const size_t LINE = 8;  // words

static void fill(uint64_t *w, size_t n, char touch, uint64_t value) {
    switch (touch) {
    case 'a':
        for (size_t i = 0; i < n; i++) w[i] = value;
        break;
    case 'e':
        for (size_t i = 0; i < LINE; i++) w[i] = w[n - 1 - i] = value;
        break;
    case 'l':
        for (size_t i = 0; i < n; i += LINE) w[i] = value;
        break;
    }
}

static void look(const uint64_t *w, size_t n, char touch, uint64_t value) {
    uint64_t wrong = 0;
    switch (touch) {
    case 'a':
        for (size_t i = 0; i < n; i++) wrong |= w[i] ^ value;
        break;
    case 'e':
        for (size_t i = 0; i < LINE; i++) wrong |= (w[i] ^ value) | (w[n - 1 - i] ^ value);
        break;
    case 'l':
        for (size_t i = 0; i < n; i += LINE) wrong |= w[i] ^ value;
        break;
    }
    if (wrong) die("iceoryx: another frame");
}

int main(int argc, char **argv) {
    if (argc != 3) die("usage");
    bool left = strcmp(argv[2], "left") == 0;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(left ? 0 : 1, &set);
    std::string name = std::string("topics-") + argv[1] + argv[2];
    iox::runtime::PoshRuntime::initRuntime(IdString_t(iox::cxx::TruncateToCapacity, name.c_str()));
    sched_setaffinity(0, sizeof set, &set);
    (void)setpriority(PRIO_PROCESS, 0, -19);  // as the players in Go
    IdString_t g(iox::cxx::TruncateToCapacity, argv[1]);
    ServiceDescription there("bench", g, "there"), back("bench", g, "back");
    iox::popo::UntypedPublisher pub(left ? there : back);
    iox::popo::UntypedSubscriber sub(left ? back : there);
    while (sub.getSubscriptionState() != iox::SubscribeState::SUBSCRIBED || !pub.hasSubscribers()) usleep(1000);
    void *page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, 3, 0);
    if (page == MAP_FAILED) die("mmap");
    auto word = [&](size_t at) { return reinterpret_cast<std::atomic<uint64_t> *>(static_cast<char *>(page) + at); };
    auto *seen = word(512);  // the right side's word
    auto *mine = word(left ? 128 : 640), *theirs = word(left ? 640 : 128);
    unsigned char *buffer = new_payload();
    uint64_t number = 0;

    char todo[16], touch[16];
    size_t size, window;
    long count;
    while (scanf("%15s %zu %ld %zu %15s", todo, &size, &count, &window, touch) == 5) {
        char t = touch[0];
        size_t n = size / 8;
        auto publish = [&](auto put) {
            pub.loan(size).and_then([&](void *sample) {
                put(sample);
                pub.publish(sample);
            }).or_else([](auto &) { die("iceoryx: no chunk"); });
        };
        auto take = [&](auto get) {
            for (bool got = false; !got;)
                sub.take().and_then([&](const void *sample) {
                    get(sample);
                    sub.release(sample);
                    got = true;
                });
        };
        auto send = [&](uint64_t i) { publish([&](void *p) { fill(static_cast<uint64_t *>(p), n, t, i); }); };
        auto receive = [&](uint64_t i) { take([&](const void *p) { look(static_cast<const uint64_t *>(p), n, t, i); }); };
        char go[8];
        printf("ready\n");
        fflush(stdout);
        if (scanf("%7s", go) != 1) break;
        for (uint64_t n = mine->fetch_add(1) + 1; theirs->load() < n;) {}  // both are here, awake
        int64_t start = now_ns();
        if (strcmp(todo, "ping") == 0) {
            for (long i = 0; i < count; i++) {
                number++;
                if (left) send(number);
                receive(number);
                if (!left) send(number);
            }
        } else if (left) {  // a stream of copies, no more than a window ahead of the reader
            uint64_t from = seen->load();
            for (uint64_t i = 1; i <= (uint64_t)count; i++) {
                publish([&](void *p) { memcpy(p, buffer, size); });
                while (from + i - seen->load(std::memory_order_acquire) >= window) {}
            }
            while (seen->load(std::memory_order_acquire) != from + (uint64_t)count) {}
        } else {
            for (long i = 0; i < count; i++) {
                take([&](const void *p) { memcpy(buffer, p, size); });
                check(buffer, size);
                seen->fetch_add(1, std::memory_order_release);
            }
        }
        printf("%lld 0 0\n", (long long)(now_ns() - start));
        fflush(stdout);
    }
    return 0;
}
