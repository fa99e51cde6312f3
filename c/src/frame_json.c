/* The JSON of frames. See framebuffer.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "errors.h"
#include "text.h"

FBI_EXPORT fb_status fb_frame_format(const char *key, fb_frame frame, char *json)
{
	size_t n = strlen(key);

	/* What a server makes needs no escapes. */
	if (n >= FB_KEY_SIZE || strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_.") != n)
		return fbi_fail(FB_BAD_KEY, "%s is not spelled as servers do", FBI_QUOTE(key));
	snprintf(json, FB_FRAME_JSON_SIZE,
		 "{\"key\":\"%s\",\"offset\":\"%" PRIu64 "\",\"size\":%" PRIu64
		 ",\"checksum\":\"%016" PRIx64 "\"}",
		 key, frame.offset, frame.size, frame.checksum);
	return FB_OK;
}

/* A reader of JSON text, and why it is not valid, NULL if it is so far. */
struct reader {
	const char *at, *end;
	const char *why;
};

static char peek(struct reader *r)
{
	while (r->at < r->end && strchr(" \t\r\n", *r->at) && *r->at)
		r->at++;
	return r->at < r->end ? *r->at : '\0';
}

static void expect(struct reader *r, char c)
{
	if (!r->why && (peek(r) != c || c == '\0'))
		r->why = "it is not one object of four members";
	if (!r->why)
		r->at++;
}

/* Appends a character to what has room for it and a zero. */
static size_t append(char *to, size_t n, size_t room, uint32_t code)
{
	char bytes[4];
	size_t m = 0;

	if (code < 0x80) {
		bytes[m++] = (char)code;
	} else if (code < 0x800) {
		bytes[m++] = (char)(0xc0 | code >> 6);
		bytes[m++] = (char)(0x80 | (code & 0x3f));
	} else {
		bytes[m++] = (char)(0xe0 | code >> 12);
		bytes[m++] = (char)(0x80 | (code >> 6 & 0x3f));
		bytes[m++] = (char)(0x80 | (code & 0x3f));
	}
	if (n + m >= room)
		return room;
	memcpy(to + n, bytes, m);
	return n + m;
}

/* The character of an escape, whose backslash was read. Surrogates stand for U+FFFD. */
static uint32_t escape(struct reader *r)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;
	uint32_t code = 0;

	if (r->at == r->end) {
		r->why = "it ends within a string";
		return 0;
	}
	found = *r->at ? strchr(from, *r->at) : NULL;
	if (found) {
		r->at++;
		return (unsigned char)to[found - from];
	}
	if (*r->at++ == 'u' && r->end - r->at >= 4) {
		for (int i = 0; i < 4; i++) {
			int digit = fbi_hex_digit(*r->at);

			if (digit < 0)
				break;
			code = code << 4 | (uint32_t)digit;
			if (r->at++, i == 3)
				return code >= 0xd800 && code <= 0xdfff ? 0xfffd : code;
		}
	}
	r->why = "it has an escape that is not valid";
	return 0;
}

/* Reads a string. Longer ones than room are an error; so are zero characters. */
static void string(struct reader *r, char *to, size_t room)
{
	size_t n = 0;

	to[0] = '\0';
	expect(r, '"');
	while (!r->why) {
		uint32_t code;

		if (r->at == r->end) {
			r->why = "it ends within a string";
			return;
		}
		if (*r->at == '"')
			break;
		if ((unsigned char)*r->at < 0x20) {
			r->why = "it has a control character in a string";
			return;
		}
		if (*r->at != '\\') {
			n = n + 1 < room ? n + 1 : room;
			if (n < room)
				to[n - 1] = *r->at;
			r->at++;
		} else {
			r->at++;
			code = escape(r);
			if (!code && !r->why)
				r->why = "it has a zero in a string";
			if (!r->why)
				n = append(to, n, room, code);
		}
		if (n >= room)
			r->why = "it has a string that is too long";
	}
	if (r->why)
		return;
	r->at++;
	to[n] = '\0';
}

/* Reads a whole number of 64 bits with a sign. */
static int64_t number(struct reader *r)
{
	const char *start;
	uint64_t value = 0;
	bool negative = peek(r) == '-';

	if (r->why)
		return 0;
	start = r->at += negative;
	while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
		r->at++;
	if (!fbi_read_decimal(start, (size_t)(r->at - start), &value) || value > INT64_MAX)
		r->why = "size is not a number of bytes";
	return negative ? -(int64_t)value : (int64_t)value;
}

/* The members as they were read, and which of them, by bits in their order in JSON. */
struct members {
	char key[FB_KEY_SIZE], offset[256], checksum[256];
	int64_t size;
	unsigned had;
};

static void member(struct reader *r, struct members *m)
{
	static const char *const names[] = {"key", "offset", "size", "checksum"};
	char name[32];
	unsigned i = 0;

	string(r, name, sizeof name);
	while (i < 4 && strcmp(name, names[i]) != 0)
		i++;
	if (!r->why && i == 4)
		r->why = "it has a member that no frame has";
	expect(r, ':');
	if (r->why)
		return;
	if (i == 0)
		string(r, m->key, sizeof m->key);
	else if (i == 1)
		string(r, m->offset, sizeof m->offset);
	else if (i == 2)
		m->size = number(r);
	else
		string(r, m->checksum, sizeof m->checksum);
	m->had |= 1u << i;
}

static void object(struct reader *r, struct members *m)
{
	expect(r, '{');
	if (!r->why && peek(r) == '}') {
		r->at++;
	} else {
		do
			member(r, m);
		while (!r->why && peek(r) == ',' && r->at++);
		expect(r, '}');
	}
	if (!r->why && (peek(r), r->at != r->end))
		r->why = "it has something behind the frame";
}

static fb_status parse_checksum(const char *text, uint64_t *sum)
{
	size_t n = strlen(text);

	if (n != 16)
		return fbi_fail(FB_BAD_FRAME, "checksum %s has %zu characters, a checksum has 16 hex "
					      "digits", FBI_QUOTE(text), n);
	*sum = 0;
	for (int i = 0; i < 16; i++) {
		int digit = fbi_hex_digit(text[i]);

		if (digit < 0)
			return fbi_fail(FB_BAD_FRAME, "checksum %s: character %d is no hex digit",
					FBI_QUOTE(text), i + 1);
		*sum = *sum << 4 | (uint64_t)digit;
	}
	return FB_OK;
}

FBI_EXPORT fb_status fb_frame_parse(const char *json, size_t length, char *key, fb_frame *frame)
{
	struct reader r = {json, json + length, NULL};
	struct members m = {.had = 0};
	fb_frame f;
	struct fbi_quoted shown;

	object(&r, &m);
	if (r.why || m.had != 15)
		shown = fbi_quote_bytes(json, length);
	if (r.why)
		return fbi_fail(FB_BAD_FRAME, "%s: %s (a frame is {\"key\":\"…\",\"offset\":\"digits\","
					      "\"size\":number,\"checksum\":\"16 hex digits\"})",
				shown.text, r.why);
	if (m.had != 15)
		return fbi_fail(FB_BAD_FRAME, "%s lacks one of key, offset, size, checksum",
				shown.text);
	if (parse_checksum(m.checksum, &f.checksum))
		return FB_BAD_FRAME;
	if (!fbi_read_decimal(m.offset, strlen(m.offset), &f.offset))
		return fbi_fail(FB_BAD_FRAME, "framebuffer: bad offset: %s is not a decimal number "
					      "below 2^64", FBI_QUOTE(m.offset));
	if (m.size < 0)
		return fbi_fail(FB_BAD_FRAME, "size %" PRId64 " is not a length", m.size);
	f.size = (uint64_t)m.size;
	memcpy(key, m.key, strlen(m.key) + 1);
	*frame = f;
	return FB_OK;
}
