// iceoryx 2.0.3: zero-copy publish and subscribe through its own shared memory, the reader
// polling. Two ways: "copy" fills the sample from a private buffer and copies it out, as
// an application does that has its frame elsewhere; "touch" writes and reads one byte of
// each page in place. Nothing is verified. Needs a running iox-roudi.
//
// usage: iceoryx copy|touch; the reader is the same program, started with fork and exec,
// since each process registers with RouDi on its own.
#include <sys/wait.h>

#include <iceoryx_posh/popo/untyped_publisher.hpp>
#include <iceoryx_posh/popo/untyped_subscriber.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>

#include "rival.h"

using iox::capro::ServiceDescription;
using iox::capro::IdString_t;

static bool copying;
static unsigned char *buffer;
static iox::popo::UntypedPublisher *publisher;
static iox::popo::UntypedSubscriber *subscriber;
static const size_t PAGE = 4096;

struct Header { uint64_t size; };

static void send(size_t size) {
    for (;;) {
        bool done = false;
        publisher->loan(sizeof(Header) + size)
            .and_then([&](void *sample) {
                static_cast<Header *>(sample)->size = size;
                auto *bytes = static_cast<unsigned char *>(sample) + sizeof(Header);
                if (copying) memcpy(bytes, buffer, size);
                else for (size_t i = 0; i < size; i += PAGE) bytes[i] = (unsigned char)i;
                publisher->publish(sample);
                done = true;
            })
            .or_else([](auto &) { die("iceoryx: no chunk"); });
        if (done) return;
    }
}

// receive polls: the fastest way iceoryx has.
static size_t receive() {
    size_t size = 0;
    for (bool got = false; !got;) {
        subscriber->take().and_then([&](const void *sample) {
            size = static_cast<const Header *>(sample)->size;
            auto *bytes = static_cast<const unsigned char *>(sample) + sizeof(Header);
            if (size > 1 && copying) memcpy(buffer, bytes, size);
            else if (size > 1)
                for (size_t i = 0; i < size; i += PAGE) if (bytes[i] != (unsigned char)i) die("iceoryx: wrong byte");
            subscriber->release(sample);
            got = true;
        });
    }
    return size;
}

static void hand(size_t size, long count) {
    for (long i = 0; i < count; i++) {
        send(size);
        receive();  // the acknowledgement, a sample of one byte
    }
}

int main(int argc, char **argv) {
    copying = argc > 1 && strcmp(argv[1], "copy") == 0;
    bool reader = argc > 2 && strcmp(argv[2], "reader") == 0;
    pid_t child = 0;
    int go[2] = {0, 0};
    std::string group = std::string("g") + (reader ? argv[3] : std::to_string(getpid()));
    if (!reader) {
        if (pipe(go)) die("pipe");
        child = fork();
        if (child == 0) {
            dup2(go[0], 0);
            close(go[1]);
            execl("/proc/self/exe", argv[0], argv[1], "reader", std::to_string(getppid()).c_str(), (char *)nullptr);
            die("exec");
        }
        close(go[0]);
    }
    iox::runtime::PoshRuntime::initRuntime(IdString_t(iox::cxx::TruncateToCapacity, ("fb" + std::to_string(getpid())).c_str()));
    IdString_t g(iox::cxx::TruncateToCapacity, group.c_str());
    ServiceDescription there("bench", g, "frames"), back("bench", g, "acks");
    iox::popo::UntypedPublisher pub(reader ? back : there);
    iox::popo::UntypedSubscriber sub(reader ? there : back);
    publisher = &pub;
    subscriber = &sub;
    buffer = new_payload();
    while (sub.getSubscriptionState() != iox::SubscribeState::SUBSCRIBED || !pub.hasSubscribers()) usleep(1000);
    if (reader) {
        // Polls only while a measurement runs: a byte on stdin announces each frame's batch.
        uint64_t count;
        while (get_all(0, &count, sizeof count))
            for (uint64_t i = 0; i < count; i++) {
                size_t n = receive();
                if (copying && n > 1) check(buffer, n);
                send(1);
            }
        return 0;
    }
    size_t size;
    long count;
    while (scanf("%zu %ld", &size, &count) == 2) {
        uint64_t n = (uint64_t)count;
        put_all(go[1], &n, sizeof n);
        int64_t start = now_ns();
        hand(size, count);
        printf("%lld\n", (long long)(now_ns() - start));
        fflush(stdout);
    }
    close(go[1]);
    wait(nullptr);
    return 0;
}
