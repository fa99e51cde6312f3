/*
 * framebuffer.h - big frames handed from process to process through shared memory.
 *
 * A server makes a ring in shared memory and tells its key. Clients attach with the key, from any
 * process that can reach the memory, in C, Go or Python. A client allocates a chunk of the ring,
 * writes a frame into it, and passes the frame's descriptor on (offset, size and checksum) by
 * whatever means; a client that gets it reads exactly the bytes that were written, or FB_TIMEOUT.
 * The ring has no locks and no free: new chunks overwrite the oldest.
 *
 * Errors. Functions that can fail return an fb_status, FB_OK being 0. fb_error_text tells more in
 * words, fb_error_reason why an FB_TIMEOUT came. Both are the calling thread's own.
 *
 * Threads. All functions may be called from any thread at the same time, on the same client or
 * server, except fb_client_free and fb_server_free, which no other call with that object may
 * overlap or follow. A reservation, a view and a hold are used by one thread at a time.
 *
 * Fork. A forked child may use the parent's clients at once, and frees its copies; it is then a
 * client of its own to monitors. The server stays the parent's: fb_server_free in the child only
 * detaches. The child must not use the parent's reservations and holds.
 *
 * Signals. Only file rings install a handler, of SIGBUS, see FB_NO_SIGBUS_HANDLER.
 *
 * Sizes are in bytes, times in nanoseconds. The memory's layout is docs/layout.md.
 */
#ifndef FRAMEBUFFER_H
#define FRAMEBUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The version of this interface. A library serves programs that were compiled with the same major
 * and no later minor version. The major version changes with each change that breaks programs.
 */
#define FB_ABI_MAJOR 0
#define FB_ABI_MINOR 1

/* The version of the library that is linked: major << 16 | minor. */
uint32_t fb_abi_version(void);

/* What a function returns. Numbers never change; later versions may add some. */
typedef enum fb_status {
	FB_OK = 0,
	FB_ERROR = 1,       /* what has no number of its own: options or system calls that failed */
	FB_TIMEOUT = 2,     /* the frame's bytes cannot be had any more: see fb_reason */
	FB_BAD_SIZE = 3,    /* a size or a duration that is out of range */
	FB_TOO_LARGE = 4,   /* more than the ring can hold in one chunk, or than the client takes */
	FB_BAD_OFFSET = 5,  /* an offset that no allocation has returned */
	FB_TOO_LONG = 6,    /* more data than the chunk was allocated with */
	FB_BAD_KEY = 7,     /* a text that is not a key, or the key of another ring */
	FB_STALE_KEY = 8,   /* a key whose server is gone, or out of reach from here */
	FB_BAD_FRAME = 9,   /* a text that is not a frame, or not a checksum */
	FB_CLOSED = 10,     /* the server has closed the segment, or this object was closed */
	FB_SERVER_GONE = 11, /* the server's process has died without closing the segment */
	FB_READ_ONLY = 12,  /* writing through a client that attached to read only */
	FB_PERMISSION = 13, /* another user's memory, or a system call that is refused */
	FB_NO_MEMORY = 14,  /* the machine, the control group or a limit cannot hold it */
	FB_HOLD_LIMIT = 15, /* too much is held, or no room is left between holds */
	FB_CORRUPT = 16,    /* some process has damaged the segment */
	FB_BAD_NAME = 17,   /* what no topic or group can be called */
	FB_BAD_META = 18,   /* metadata that is longer than its limits, or not text */
	FB_ENDED = 19,      /* the topic has ended */
	FB_TOPIC_LIMIT = 20, /* the segment has no room for another topic or group */
	FB_NOTHING = 21     /* no message came in time */
} fb_status;

/* Why an FB_TIMEOUT came. */
typedef enum fb_reason {
	FB_NO_REASON = 0,
	FB_OVERWRITTEN = 1, /* the ring has given the chunk's memory to a later chunk */
	FB_ALTERED = 2      /* the bytes do not match their checksum */
} fb_reason;

/*
 * The text of the calling thread's last error, UTF-8, "" if there was none. It is valid until the
 * next call of this library in that thread. It equals the text of the Go library.
 */
const char *fb_error_text(void);

/* The reason of the calling thread's last error, if that was FB_TIMEOUT. */
fb_reason fb_error_reason(void);

/* Bytes of the longest key, with its terminating zero. */
#define FB_KEY_SIZE 513

/*
 * Frames. A descriptor says where a frame lies in the ring of the client that it is used with.
 */
typedef struct fb_frame {
	uint64_t offset;   /* as fb_allocate returned it, a multiple of 64 */
	uint64_t size;     /* payload bytes */
	uint64_t checksum; /* XXH3-64 of exactly those bytes */
} fb_frame;

/* Bytes that the JSON of a frame takes at most, with its terminating zero. */
#define FB_FRAME_JSON_SIZE 1024

/*
 * Stores the frame's JSON, one line, the same as Go's and Python's:
 *
 *	{"key":"fb4_sysv_...","offset":"128","size":1048576,"checksum":"2d06800538d394c2"}
 *
 * json has room for FB_FRAME_JSON_SIZE bytes; a key that is not one of a server is FB_BAD_KEY.
 */
fb_status fb_frame_format(const char *key, fb_frame frame, char *json);

/*
 * Reads that JSON from length bytes, with only white space around it: all four members, no others.
 * key has room for FB_KEY_SIZE bytes. The key is not checked; attaching does that. FB_BAD_FRAME.
 */
fb_status fb_frame_parse(const char *json, size_t length, char *key, fb_frame *frame);

/* XXH3-64 of bytes, with the default seed and secret: what a frame's checksum is. */
uint64_t fb_checksum(const void *bytes, size_t size);

/*
 * Clients.
 */
typedef struct fb_client fb_client;

/* Flags of fb_attach_options. */
#define FB_ATTACH_READ_ONLY 1u  /* maps the ring without the permission to write */
#define FB_ATTACH_UNVERIFIED 2u /* views and holds do not compare checksums */
#define FB_ATTACH_UNLISTED 4u   /* takes no slot: monitors do not see this client */
#define FB_NO_SIGBUS_HANDLER 8u /* see fb_attach */

typedef struct fb_attach_options {
	size_t struct_size; /* sizeof(fb_attach_options) */
	uint32_t flags;     /* FB_ATTACH_..., or 0 */
	const char *name;   /* for monitors, up to 64 bytes of UTF-8; NULL: the program's name */
	uint64_t max_frame; /* fb_get refuses larger frames, FB_TOO_LARGE; 0: no limit */
} fb_attach_options;

/*
 * Attaches to the segment that a key names, and stores the client. options may be NULL. The key
 * never attaches to anything but the segment that it was made for.
 *
 * FB_BAD_KEY, FB_STALE_KEY, FB_PERMISSION, FB_NO_MEMORY, FB_CORRUPT, FB_ERROR.
 *
 * Backend file: a process that may write to the files can truncate them, and the kernel then sends
 * SIGBUS to a process that reads them. So the first such attachment installs a handler of SIGBUS,
 * which replaces the memory by zeroes (calls then return FB_CORRUPT) and passes all faults elsewhere
 * on to the handler that was there before. With FB_NO_SIGBUS_HANDLER it does not, and a truncated
 * file ends the process.
 */
fb_status fb_attach(const char *key, const fb_attach_options *options, fb_client **client);

/*
 * Detaches at once. Calls that are under way in other threads end with what they have, or with
 * FB_CLOSED; later ones return FB_CLOSED. The bytes of views, reservations and holds read as zero
 * then. Only addresses stay in use, until fb_client_free. Closing again does nothing.
 */
void fb_client_close(fb_client *client);

/* Closes, and frees the client. NULL is allowed. Reservations, views and holds must have ended. */
void fb_client_free(fb_client *client);

/* The key that the client attached with. It is valid as long as the client. */
const char *fb_client_key(const fb_client *client);

/* Why it is not known which user's server this is; "" if that is known. Valid as the key is. */
const char *fb_client_doubt(const fb_client *client);

/* FB_OK while the client can allocate and write; otherwise why it cannot. Makes no system call. */
fb_status fb_client_error(fb_client *client);

/* The size of the largest chunk that the ring can have. */
uint64_t fb_client_max_size(const fb_client *client);

/*
 * Allocates a chunk of size bytes, which overwrites the oldest bytes of the ring: one atomic
 * addition. *offset is where to write to and to read from.
 *
 * FB_BAD_SIZE for 0, FB_TOO_LARGE, FB_HOLD_LIMIT when holds leave no room, FB_READ_ONLY, FB_CLOSED,
 * FB_SERVER_GONE, and FB_TIMEOUT when the whole ring was overwritten meanwhile, again and again.
 */
fb_status fb_allocate(fb_client *client, uint64_t size, uint64_t *offset);

/*
 * Copies size bytes into the chunk at offset, which any process has allocated with at least so
 * many, and stores their checksum. Writing a chunk again is allowed and ends earlier frames in it.
 *
 * FB_BAD_OFFSET, FB_TOO_LONG, FB_READ_ONLY, FB_CLOSED, FB_SERVER_GONE, and FB_TIMEOUT when the ring
 * has overwritten the chunk before the last byte was in.
 */
fb_status fb_write(fb_client *client, uint64_t offset, const void *data, uint64_t size,
		   uint64_t *checksum);

/* Allocates, writes, and stores the descriptor. Errors are those of both. */
fb_status fb_put(fb_client *client, const void *data, uint64_t size, fb_frame *frame);

/*
 * Copies the frame's bytes to buffer, which has room for frame.size, and verifies them. After an
 * error the buffer has zeroes or what it held before, never bytes of another frame. Works on after
 * the server's end.
 *
 * FB_BAD_OFFSET, FB_BAD_SIZE for more bytes than the chunk has, FB_TIMEOUT when they were overwritten
 * or are altered, FB_CLOSED.
 */
fb_status fb_read_into(fb_client *client, fb_frame frame, void *buffer);

/*
 * As fb_read_into, into memory that it allocates; the caller frees *data with free(3). It is NULL for
 * a frame of 0 bytes. Also FB_TOO_LARGE for a frame beyond max_frame, and FB_NO_MEMORY.
 */
fb_status fb_read(fb_client *client, fb_frame frame, void **data);

/* FB_OK if a key is that of the client's ring, else FB_BAD_KEY. */
fb_status fb_client_check_key(fb_client *client, const char *key);

/*
 * Reading in place. fb_view verifies a frame (not with FB_ATTACH_UNVERIFIED) and stores where its
 * bytes lie. Whatever the caller makes of them counts only if fb_view_end then returns FB_OK: writers
 * go on meanwhile. The bytes must not be written to; through a read-only client that ends the
 * process.
 */
typedef struct fb_view {
	const void *bytes; /* frame.size of them */
	fb_frame frame;
} fb_view;

/* Errors are those of fb_read_into. */
fb_status fb_view_begin(fb_client *client, fb_frame frame, fb_view *view);

/* FB_OK if the frame was in place until now, else FB_TIMEOUT: discard what was made of the bytes. */
fb_status fb_view_end(fb_client *client, const fb_view *view);

/*
 * Writing in place. fb_reserve allocates a chunk; the caller fills bytes, from the first, in any
 * order, and commits. A caller that takes longer than the ring takes for a lap damages other
 * frames (their readers get FB_TIMEOUT), which fb_reservation_check tells early: call it before
 * each 64 KiB. A reservation that is not committed needs no end.
 */
typedef struct fb_reservation {
	void *bytes; /* size of them */
	uint64_t offset;
	uint64_t size;
} fb_reservation;

/* Errors are those of fb_allocate. */
fb_status fb_reserve(fb_client *client, uint64_t size, fb_reservation *reservation);

/* FB_OK while the chunk is the reservation's own; FB_TIMEOUT, FB_CLOSED or FB_SERVER_GONE. */
fb_status fb_reservation_check(fb_client *client, const fb_reservation *reservation);

/*
 * Hashes the first size bytes and stores the frame. The reservation has ended, unless the error is
 * FB_TOO_LONG, for more than were reserved, or FB_BAD_SIZE, for 0. Also FB_TIMEOUT when the ring has
 * overwritten the chunk, FB_CLOSED, FB_SERVER_GONE, and FB_CLOSED for one that has ended already.
 */
fb_status fb_commit(fb_client *client, fb_reservation *reservation, uint64_t size,
		    fb_frame *frame);

/*
 * fb_commit without hashing: only views and holds of clients with FB_ATTACH_UNVERIFIED accept the
 * frame, whose checksum is 0.
 */
fb_status fb_commit_unverified(fb_client *client, fb_reservation *reservation, uint64_t size,
			       fb_frame *frame);

/*
 * Holds. A hold protects a frame from being overwritten, for a limited time; writers go on in the rest
 * of the ring. All clients can read a held frame. It is for readers that need longer for a frame than
 * the ring takes for a lap; one that crashes blocks the chunk no longer than the hold lasts.
 */
typedef struct fb_hold fb_hold;

/* The longest hold, in ns: an hour. */
#define FB_MAX_HOLD INT64_C(3600000000000)

/*
 * Holds a frame for ns nanoseconds from now, and verifies it (not with FB_ATTACH_UNVERIFIED). The hold
 * ends with fb_hold_release, with the client's closing, or after that time.
 *
 * What fb_read_into returns, FB_BAD_SIZE for a time that is not 1 to FB_MAX_HOLD, and FB_HOLD_LIMIT when
 * as much is held already as the server allows, or 256 frames.
 */
fb_status fb_hold_begin(fb_client *client, fb_frame frame, int64_t ns, fb_hold **hold);

/* The frame's bytes in place. What is made of them counts if a later fb_hold_error or _release is FB_OK. */
const void *fb_hold_bytes(const fb_hold *hold);

/* FB_OK if the frame was not overwritten so far, else FB_TIMEOUT; FB_CLOSED after the hold's release. */
fb_status fb_hold_error(fb_hold *hold);

/* Makes the hold end ns from now. FB_BAD_SIZE changes nothing; FB_TIMEOUT: it had ended. */
fb_status fb_hold_extend(fb_hold *hold, int64_t ns);

/* Ends the hold: FB_OK if the frame was in place until now, else FB_TIMEOUT. A second time: FB_CLOSED. */
fb_status fb_hold_release(fb_hold *hold);

/* Ends the hold, unless it has ended, and frees it: before its client. NULL is allowed. */
void fb_hold_free(fb_hold *hold);

/*
 * Servers. A server makes the memory, tells its key, and by closing ends it for all clients. It takes
 * no part in the exchange of frames. A server whose process dies ends too; nothing is left but a
 * socket, which the next server in its directory removes.
 */
typedef struct fb_server fb_server;

typedef struct fb_server_options {
	size_t struct_size;   /* sizeof(fb_server_options) */
	const char *backend;  /* "memfd" or "sysv"; NULL: memfd. See docs/decisions/0010 */
	const char *dir;      /* memfd: the directory of its socket; NULL: as the Go library's */
	uint32_t mode;        /* who else may attach, as file permissions: 0660, 0644; 0: 0600 */
	const char *name;     /* for monitors; NULL: the program's name */
	uint64_t hold_limit;  /* bytes that may be held at a time; 0: half the ring */
	uint32_t topics;      /* how many topics there can be, up to 65536; 0: 128 */
	uint32_t topic_depth; /* frames that each remembers, up to 65536; 0: 256 */
} fb_server_options;

/*
 * Makes a segment whose ring has size bytes, rounded up to whole pages, every page present. options may
 * be NULL. A chunk costs 64 bytes and padding to 64 beside its payload.
 *
 * FB_BAD_SIZE for 0 and for options out of range, FB_NO_MEMORY when the machine, the control group or a
 * limit cannot hold it, FB_PERMISSION where the directory may not be used, FB_ERROR.
 */
fb_status fb_server_start(uint64_t size, const fb_server_options *options, fb_server **server);

/* What clients attach with: pass it on as a credential. Valid as long as the server. */
const char *fb_server_key(const fb_server *server);

/*
 * Ends the segment: clients' allocations and writes fail with FB_CLOSED from now on, their reads go on
 * while they are attached, and no client can attach any more. Closing again does nothing. In a fork's
 * child it only detaches, and closes the child's copy of the socket.
 */
void fb_server_close(fb_server *server);

/* Closes, and frees the server. NULL is allowed. */
void fb_server_free(fb_server *server);

#ifdef __cplusplus
}
#endif

#include "framebuffer_topic.h"

#endif
