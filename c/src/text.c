#include "text.h"

#include <stdio.h>
#include <string.h>

struct writer {
	char *at;
	size_t room; /* without the closing quote and the zero */
};

static void put(struct writer *w, const char *text, size_t n)
{
	if (n > w->room) {
		w->room = 0; /* what follows would not belong there */
		return;
	}
	memcpy(w->at, text, n);
	w->at += n;
	w->room -= n;
}

size_t fbi_utf8(const char *bytes, size_t size, uint32_t *code)
{
	const unsigned char *b = (const unsigned char *)bytes;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = b[0] < 0x80 ? 1 : b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : b[0] >= 0xc2 ? 2 : 0;

	if (n == 1)
		*code = b[0];
	if (n <= 1 || n > size || b[0] > 0xf4)
		return n == 1;
	*code = b[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (b[i] & 0x3f);
	}
	if (*code < least[n] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return n;
}

/* Whether a terminal shows the character and does nothing else. */
static bool printable(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code <= 0xa0) || code == 0xad)
		return false;
	if (code >= 0x2000 && code <= 0x206f) /* spaces, directions, invisible characters */
		return (code >= 0x2010 && code <= 0x2027) || (code >= 0x2030 && code <= 0x205e);
	return code != 0xfeff && code != 0x3000 && !(code >= 0xe000 && code <= 0xf8ff) &&
	       code < 0xe0000;
}

static void put_escaped(struct writer *w, uint32_t code)
{
	static const char plain[] = "abtnvfr";
	char text[12];

	if (code >= 7 && code <= 13)
		snprintf(text, sizeof text, "\\%c", plain[code - 7]);
	else if (code < 0x80)
		snprintf(text, sizeof text, "\\x%02x", code);
	else
		snprintf(text, sizeof text, code < 0x10000 ? "\\u%04x" : "\\U%08x", code);
	put(w, text, strlen(text));
}

void fbi_write_quoted(char *to, size_t room, const char *bytes, size_t size, size_t most)
{
	struct writer w = {to, room - 2};
	size_t n = size < most ? size : most;

	put(&w, "\"", 1);
	for (size_t i = 0; i < n;) {
		uint32_t code = 0;
		size_t length = fbi_utf8(bytes + i, n - i, &code);
		char text[8];

		if (!length) {
			snprintf(text, sizeof text, "\\x%02x", (unsigned char)bytes[i]);
			put(&w, text, 4);
			length = 1;
		} else if (code == '"' || code == '\\') {
			put(&w, "\\", 1);
			put(&w, bytes + i, 1);
		} else if (printable(code)) {
			put(&w, bytes + i, length);
		} else {
			put_escaped(&w, code);
		}
		i += length;
	}
	if (size > most)
		put(&w, "…", strlen("…"));
	w.at[0] = '"';
	w.at[1] = '\0';
}

int fbi_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

void fbi_write_hex(char *to, const void *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *b = bytes;

	for (size_t i = 0; i < size; i++) {
		to[2 * i] = digits[b[i] >> 4];
		to[2 * i + 1] = digits[b[i] & 15];
	}
	to[2 * size] = '\0';
}

bool fbi_read_hex(void *to, const char *digits, size_t n)
{
	unsigned char *b = to;

	if (n % 2)
		return false;
	for (size_t i = 0; i < n; i += 2) {
		int high = fbi_hex_digit(digits[i]), low = fbi_hex_digit(digits[i + 1]);

		if (high < 0 || low < 0)
			return false;
		b[i / 2] = (unsigned char)(high << 4 | low);
	}
	return true;
}

bool fbi_read_decimal(const char *digits, size_t n, uint64_t *value)
{
	uint64_t v = 0;

	if (n == 0 || n > 20 || (n > 1 && digits[0] == '0'))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return false;
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(digits[i] - '0'), &v))
			return false;
	}
	*value = v;
	return true;
}
