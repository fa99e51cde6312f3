/* Keys. See docs/layout.md, Key. */
#ifndef FBI_KEY_H
#define FBI_KEY_H

#include "framebuffer.h"

#define FBI_MOST_KEY (FB_KEY_SIZE - 1)

struct fbi_key {
	char backend[16];
	char location[FB_KEY_SIZE];
	uint8_t nonce[16];
};

/* Writes the key's text. False if it is longer than a key can be. */
bool fbi_key_format(const struct fbi_key *key, char text[FB_KEY_SIZE]);

/* Reads a key. FB_BAD_KEY. A backend that does not exist is not an error here. */
fb_status fbi_key_parse(const char *text, struct fbi_key *key);

#endif
