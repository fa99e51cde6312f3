// iceoryx 2.0.3 beside our topics: two processes, each with a publisher and a subscriber, that
// poll. Nothing is verified. Needs a running iox-roudi.
//
// usage: topics GROUP left|right. Commands on standard input: "DO SIZE COUNT WINDOW TOUCH
// RING WAY", of which the last two say nothing here;
// topics/players.go tells how it goes on.
#include <sys/mman.h>

#include <atomic>
#include <iceoryx_posh/popo/untyped_publisher.hpp>
#include <iceoryx_posh/popo/untyped_subscriber.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>

#include "rival.h"
#include "touch.h"

using iox::capro::IdString_t;
using iox::capro::ServiceDescription;

int main(int argc, char **argv) {
    if (argc != 3) die("usage");
    bool left = strcmp(argv[2], "left") == 0;
    std::string name = std::string("topics-") + argv[1] + argv[2];
    iox::runtime::PoshRuntime::initRuntime(IdString_t(iox::cxx::TruncateToCapacity, name.c_str()));
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

    char todo[16], touch[16], way[16];
    size_t size, window, ring;
    long count;
    while (scanf("%15s %zu %ld %zu %15s %zu %15s", todo, &size, &count, &window, touch, &ring, way) == 7) {
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
        auto receive = [&](uint64_t i) { take([&](const void *p) {
                if (look(static_cast<const uint64_t *>(p), n, t, i)) die("iceoryx: another frame");
            }); };
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
                reinterpret_cast<uint64_t *>(buffer)[1] = from + i;
                publish([&](void *p) { memcpy(p, buffer, size); });
                while (from + i - seen->load(std::memory_order_acquire) >= window) {}
            }
            while (seen->load(std::memory_order_acquire) != from + (uint64_t)count) {}
        } else {
            for (long i = 0; i < count; i++) {
                take([&](const void *p) { memcpy(buffer, p, size); });
                check(buffer, size);
                if (reinterpret_cast<uint64_t *>(buffer)[1] != seen->load() + 1) die("iceoryx: another frame");
                seen->fetch_add(1, std::memory_order_release);
            }
        }
        printf("%lld 0 0\n", (long long)(now_ns() - start));
        fflush(stdout);
    }
    return 0;
}
