/*
 * framebuffer_topic.h - named streams of frames inside a segment, from any number of publishers to
 * any number of subscriptions, without a broker or the server on the way. framebuffer.h includes
 * it.
 *
 * The frames of a topic have sequence numbers from 0 up, in the order in which they were published,
 * without gaps. Each subscription gets them in that order, each once, except those that it lost:
 * publishers never wait for subscriptions. A message has the frame's descriptor and a little
 * metadata; the frame stays where it was written. It says where the frame was a moment ago: reading
 * it can still be FB_TIMEOUT.
 *
 * Threads. A publisher may be used by any number of threads at a time. fb_next is for one thread of
 * a subscription at a time; fb_subscription_close, _lost and _received are for all. _free overlaps
 * no other call with that object, and comes before fb_client_free of its client.
 *
 * Fork. A child may use the parent's publishers and subscriptions: a subscription then goes on from
 * the same place in both, independently, and a group's shares its messages with the parent's.
 *
 * Death. A process that is killed at any instruction stops no other. A publisher that is killed
 * between publishing and waking leaves sleeping subscriptions to find its frame 0.2 s later.
 */
#ifndef FRAMEBUFFER_TOPIC_H
#define FRAMEBUFFER_TOPIC_H

#include "framebuffer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of the longest name of a topic or group, without a terminating zero. */
#define FB_TOPIC_NAME_MAX 64

/* As many dimensions as a shape has at most, and bytes of user data. */
#define FB_META_DIMENSIONS 8
#define FB_META_USER 64

/*
 * What a publisher says of a frame. All of it is optional, a struct of zeroes is none, and this
 * library does not interpret it.
 */
typedef struct fb_meta {
	uint32_t width, height;              /* of a picture, pixels */
	uint32_t dimensions;                 /* how many words of shape count, at most 8 */
	uint32_t shape[FB_META_DIMENSIONS];  /* a tensor's sizes, slowest first */
	uint32_t user_size;                  /* how many bytes of user count, at most 64 */
	char format[17];                     /* UTF-8, as "rgb24" or "float32" */
	char content_type[49];               /* UTF-8, as "video/raw" or "image/jpeg" */
	uint8_t user[FB_META_USER];          /* the user's own */
} fb_meta;

/* One frame of a topic. */
typedef struct fb_message {
	fb_frame frame;    /* for fb_read and the other readers, with the subscription's client */
	uint64_t sequence; /* the frame's place in the topic */
	int64_t time;      /* when it was published or, if the publisher says so, taken: ns since 1970, UTC */
	uint64_t lost;     /* frames that the subscription, or group, lost since its last message */
	fb_meta meta;      /* texts are any bytes that the publisher stored, and a zero */
} fb_message;

/*
 * Publishing.
 */
typedef struct fb_publisher fb_publisher;

/*
 * Opens the topic of that name, 1 to 64 bytes of UTF-8 without control characters, which it makes
 * if there is none; a topic that was ended is opened again. The client must outlive the publisher.
 *
 * FB_BAD_NAME, FB_TOPIC_LIMIT, FB_READ_ONLY, FB_CLOSED, FB_NO_MEMORY.
 */
fb_status fb_publisher_open(fb_client *client, const char *topic, fb_publisher **publisher);

/* Frees the publisher; NULL is allowed. The topic stays as it is. */
void fb_publisher_free(fb_publisher *publisher);

/*
 * Copies data into the ring and publishes it. meta and message may be NULL; *message becomes what
 * subscriptions get. Errors are those of fb_put and fb_publish_frame. Data that is too large for
 * the ring with its metadata is refused before anything is overwritten.
 */
fb_status fb_publish(fb_publisher *publisher, const void *data, uint64_t size, const fb_meta *meta,
		     fb_message *message);

/* As the time of a frame: when it is published. */
#define FB_NOW INT64_MIN

/*
 * Publishes a frame that is in the ring already, without a copy: from fb_commit, another topic or
 * another process. time is when it was taken, ns since 1970 UTC, or FB_NOW.
 *
 * A frame is described by a chunk of its own in the ring if it has metadata, if it was published
 * before, or if another client wrote it. So a frame nearly as large as the ring can be published
 * once, by its writer, without metadata; otherwise that is FB_TOO_LARGE: see fb_publish_max_size.
 *
 * Also FB_BAD_META, FB_ENDED after an end, FB_TIMEOUT if the frame was overwritten, FB_HOLD_LIMIT
 * if holds leave no room for its description, FB_BAD_OFFSET and FB_BAD_SIZE for a descriptor that
 * is not a frame's, FB_CLOSED and FB_SERVER_GONE; with the last two, subscriptions may have got the
 * frame all the same.
 */
fb_status fb_publish_frame(fb_publisher *publisher, fb_frame frame, const fb_meta *meta, int64_t time,
			   fb_message *message);

/*
 * FB_OK if a key is that of the publisher's ring, else FB_BAD_KEY: for a frame that came with one.
 */
fb_status fb_publisher_check_key(fb_publisher *publisher, const char *key);

/*
 * Bytes of the largest frame that its writer can publish once, with that metadata (NULL: none),
 * while no frame is held.
 */
uint64_t fb_publish_max_size(const fb_client *client, const fb_meta *meta);

/*
 * Ends the topic: subscriptions get FB_ENDED after the last message, publishers at once. A
 * publisher that is opened later opens it again. FB_CLOSED, FB_SERVER_GONE.
 */
fb_status fb_publisher_end(fb_publisher *publisher);

/*
 * Subscribing.
 */
typedef struct fb_subscription fb_subscription;

/* Where a subscription begins. It has no effect in a group that has begun. */
typedef enum fb_from {
	FB_FROM_NEXT = 0,   /* the first frame published after fb_subscribe; an end before that is skipped */
	FB_FROM_NEWEST = 1, /* the newest frame that is still there */
	FB_FROM_OLDEST = 2, /* the oldest frame that is still there */
	FB_FROM_FIRST = 3   /* the first frame ever published; those that are overwritten count as lost */
} fb_from;

typedef struct fb_subscribe_options {
	size_t struct_size; /* sizeof(fb_subscribe_options) */
	fb_from from;
	const char *group;  /* shares the frames with all subscriptions of that group; NULL: none */
	int64_t spin;       /* how long fb_next polls before it sleeps, ns; negative: for ever */
} fb_subscribe_options;

/*
 * Opens the topic, which it makes if there is none: subscriptions may come before publishers.
 * options may be NULL. The client must outlive the subscription.
 *
 * In a group, of any processes, each frame goes to one subscription. If its process dies before it
 * has handled the frame, the frame is lost.
 *
 * FB_BAD_NAME, FB_TOPIC_LIMIT, FB_CLOSED, FB_NO_MEMORY, FB_ERROR.
 */
fb_status fb_subscribe(fb_client *client, const char *topic, const fb_subscribe_options *options,
		       fb_subscription **subscription);

/* As the time to wait: for ever. */
#define FB_FOREVER INT64_C(-1)

/*
 * Waits for the next message, for at most timeout ns; 0 does not wait, negative is for ever.
 *
 * FB_NOTHING when none came in time. FB_ENDED when the topic has ended and all its messages were
 * returned; later calls go on if a publisher opens it again. FB_CLOSED after the close of the
 * subscription, its client or the server, FB_SERVER_GONE. A message that is there is returned
 * before an end. Without a message *message is unchanged.
 */
fb_status fb_next(fb_subscription *subscription, int64_t timeout, fb_message *message);

/*
 * How many frames were published that the subscription has neither returned nor lost. Not during
 * fb_next.
 */
uint64_t fb_subscription_lag(fb_subscription *subscription);

/* How many messages it has returned. */
uint64_t fb_subscription_received(const fb_subscription *subscription);

/*
 * How many frames it has lost: overwritten, or pushed out of the topic's queue, before it read
 * them.
 */
uint64_t fb_subscription_lost(const fb_subscription *subscription);

/* Ends the subscription, and an fb_next that waits. Closing again does nothing. */
void fb_subscription_close(fb_subscription *subscription);

/* Closes, and frees the subscription; NULL is allowed. */
void fb_subscription_free(fb_subscription *subscription);

/* Whether there is a topic of that name. It makes none. After the client's close it is false. */
bool fb_topic_exists(fb_client *client, const char *topic);

#ifdef __cplusplus
}
#endif

#endif
