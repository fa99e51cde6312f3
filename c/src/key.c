#include "key.h"

#include <stdio.h>
#include <string.h>

#include "copyhash.h"
#include "errors.h"
#include "layout.h"
#include "text.h"

#define STRING(x) #x
#define STRING_OF(x) STRING(x)
#define PREFIX "fb" STRING_OF(FBI_VERSION)

enum { PARTS = 5, NONCE_DIGITS = 32, CHECK_DIGITS = 8 };

static void write_check(char *to, const char *front, size_t n)
{
	snprintf(to, CHECK_DIGITS + 1, "%08x", (unsigned)(uint32_t)fbi_hash(front, n));
}

bool fbi_key_format(const struct fbi_key *key, char text[FB_KEY_SIZE])
{
	char nonce[NONCE_DIGITS + 1];
	int n;

	fbi_write_hex(nonce, key->nonce, sizeof key->nonce);
	n = snprintf(text, FB_KEY_SIZE, PREFIX "_%s_%s_%s", key->backend, key->location, nonce);
	if (n < 0 || n + 1 + CHECK_DIGITS >= FB_KEY_SIZE)
		return false;
	write_check(text + n + 1, text, (size_t)n);
	text[n] = '_';
	return true;
}

static fb_status bad(const char *text, const char *why)
{
	return fbi_fail(FB_BAD_KEY, "%s %s", FBI_QUOTE(text), why);
}

/* Splits the text at underscores, at most into PARTS, and returns how many parts there are. */
static unsigned split(const char *text, const char *part[PARTS], size_t length[PARTS])
{
	unsigned n = 0;

	for (;; text++) {
		size_t m = strcspn(text, "_");

		if (n < PARTS) {
			part[n] = text;
			length[n] = m;
		}
		n++;
		text += m;
		if (!*text)
			return n;
	}
}

/* Copies a part, if it fits. */
static bool copy_part(char *to, size_t room, const char *from, size_t n)
{
	if (n >= room)
		return false;
	memcpy(to, from, n);
	to[n] = '\0';
	return true;
}

/* The errors of a text that does not have the form of a key. */
static fb_status check_form(const char *text, unsigned parts, size_t first)
{
	char why[96];

	if (strncmp(text, "fb", 2) != 0)
		return bad(text, "is not a key: those begin with " PREFIX "_");
	if (first != strlen(PREFIX) || strncmp(text, PREFIX, first) != 0)
		return bad(text, "was made by another version of framebuffer: this one reads keys that "
				 "begin with " PREFIX "_");
	if (parts != PARTS) {
		snprintf(why, sizeof why,
			 "has %u parts joined by underscores, a key has 5: was it cut short?", parts);
		return bad(text, why);
	}
	return FB_OK;
}

fb_status fbi_key_parse(const char *text, struct fbi_key *key)
{
	const char *part[PARTS];
	size_t length[PARTS];
	char check[CHECK_DIGITS + 1], again[FB_KEY_SIZE], why[64];
	size_t n = strlen(text);
	unsigned parts;

	if (n == 0)
		return fbi_fail(FB_BAD_KEY,
				"it is empty; a server's Key method or `framebuffer key` tells it");
	if (n > FBI_MOST_KEY) {
		snprintf(why, sizeof why, "has %zu characters, a key has at most %d", n, FBI_MOST_KEY);
		return bad(text, why);
	}
	parts = split(text, part, length);
	if (check_form(text, parts, length[0]))
		return FB_BAD_KEY;
	write_check(check, text, n - length[4] - 1);
	if (strcmp(part[4], check) != 0)
		return bad(text, "does not match its own check digits: was it cut short or mistyped?");
	if (length[3] != NONCE_DIGITS || !fbi_read_hex(key->nonce, part[3], length[3]))
		return bad(text, "has no nonce of 32 hex digits");
	/* One spelling only: keys are compared as strings. A backend so long does not exist. */
	if (!copy_part(key->backend, sizeof key->backend, part[1], length[1]) ||
	    !copy_part(key->location, sizeof key->location, part[2], length[2]) ||
	    !fbi_key_format(key, again) || strcmp(again, text) != 0)
		return bad(text, "is not spelled as servers do");
	return FB_OK;
}
