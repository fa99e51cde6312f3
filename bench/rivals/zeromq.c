// ZeroMQ over ipc://: a pair of sockets, the payload as one message, copied in by zmq_send
// and out by zmq_recv.
#include <sys/wait.h>
#include <zmq.h>

#include "rival.h"

static unsigned char *payload;
static void *socket_;

static void hand(size_t size, long count) {
    char ack;
    for (long i = 0; i < count; i++) {
        if (zmq_send(socket_, payload, size, 0) < 0 || zmq_recv(socket_, &ack, 1, 0) != 1) die("zmq");
    }
}

int main(void) {
    char at[64];
    snprintf(at, sizeof at, "ipc:///tmp/framebuffer-bench-%d.zmq", (int)getpid());
    pid_t child = fork();
    void *context = zmq_ctx_new();
    socket_ = zmq_socket(context, ZMQ_PAIR);
    if (child == 0) {
        if (zmq_connect(socket_, at)) die("connect");
        unsigned char *mine = new_payload();
        memset(mine, 0, MAX_FRAME);
        for (;;) {
            int n = zmq_recv(socket_, mine, MAX_FRAME, 0);
            if (n == 1 && mine[0] == 'q') return 0;
            if (n < 0) die("recv");
            check(mine, (size_t)n);
            if (zmq_send(socket_, "a", 1, 0) < 0) die("send");
        }
    }
    if (zmq_bind(socket_, at)) die("bind");
    payload = new_payload();
    serve_harness(hand);
    zmq_send(socket_, "q", 1, 0);
    wait(NULL);
    zmq_close(socket_);
    zmq_ctx_term(context);
    return 0;
}
