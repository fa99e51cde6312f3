/* What the tests of topics share. */
#ifndef COMMON_TOPIC_H
#define COMMON_TOPIC_H

#include <signal.h>

#include "common.h"
#include "framebuffer_topic.h"

/* No wait of a test lasts longer, ns. */
#define BOUND INT64_C(60000000000)

/* A server of the Go command, with so many topics of that depth ("" for the default). */
struct go_server topic_serve(const char *size, const char *depth, const char *topics);

fb_client *attach(const struct go_server *s);

/* Both must succeed. A group of NULL is none. */
fb_subscription *subscribe(fb_client *c, const char *topic, fb_from from, const char *group);
fb_publisher *open_publisher(fb_client *c, const char *topic);

/* Publishes a frame of 8 bytes with the value, and checks the sequence number. */
void publish(fb_publisher *p, uint64_t value, uint64_t sequence);

/* Takes the next message, which must come, and returns the value of its 8 bytes. */
uint64_t take(fb_client *c, fb_subscription *s, fb_message *m);

/* Takes a message without waiting, with that sequence number, loss and value. */
void expect(fb_client *c, fb_subscription *s, uint64_t sequence, uint64_t lost, uint64_t value);

#endif
