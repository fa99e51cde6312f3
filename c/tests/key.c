/* Keys of testdata, and texts that are not keys; XXH3 by testdata/xxh3.json. */
#include "common.h"

#include "../src/copyhash.h"
#include "../src/key.h"
#include "../src/text.h"

static void check_keys(void)
{
	json keys = json_file("keys.json"), k;

	TRUE(json_item(keys, 0) != NULL);
	for (size_t i = 0; (k = json_item(keys, i)) != NULL; i++) {
		char *backend = json_string(json_member(k, "backend"));
		char *location = json_string(json_member(k, "location"));
		char *nonce = json_string(json_member(k, "nonce"));
		char *text = json_string(json_member(k, "key")), got[FB_KEY_SIZE], hex[33];
		struct fbi_key key;

		OK(fbi_key_parse(text, &key));
		STR_EQ(key.backend, backend);
		STR_EQ(key.location, location);
		fbi_write_hex(hex, key.nonce, 16);
		STR_EQ(hex, nonce);
		TRUE(fbi_key_format(&key, got));
		STR_EQ(got, text);
		/* Every prefix, and every changed character, is not a key. */
		for (size_t n = 0; n < strlen(text); n++) {
			char c = text[n];

			text[n] = '\0';
			FAILS(fbi_key_parse(text, &key), FB_BAD_KEY);
			text[n] = c == '0' ? '1' : '0';
			FAILS(fbi_key_parse(text, &key), FB_BAD_KEY);
			text[n] = c;
		}
		free(backend);
		free(location);
		free(nonce);
		free(text);
	}
	free((char *)keys);
}

/* A key with other parts, and a check that is right. */
static const char *checked(const char *front)
{
	static char text[FB_KEY_SIZE];

	snprintf(text, sizeof text, "%s_%08x", front,
		 (unsigned)(uint32_t)fbi_hash(front, strlen(front)));
	return text;
}

static void check_spellings(void)
{
	struct fbi_key key;
	char front[FB_KEY_SIZE];

	FAILS(fbi_key_parse(checked("fb4_sysv_1.2.3_00112233445566778899aabbccddeefF"), &key),
	      FB_BAD_KEY);
	FAILS(fbi_key_parse(checked("fb4_sysv_1.2.3_00112233445566778899aabbccddee"), &key),
	      FB_BAD_KEY);
	FAILS(fbi_key_parse(checked("fb4_a-backend-of-many-letters_1_"
				    "00112233445566778899aabbccddeeff"), &key), FB_BAD_KEY);
	OK(fbi_key_parse(checked("fb4_sysv_1.2.3_00112233445566778899aabbccddeeff"), &key));
	/* The longest, and one that only its check makes too long. */
	snprintf(front, sizeof front, "fb4_file_%0459d_00112233445566778899aabbccddeeff", 0);
	OK(fbi_key_parse(checked(front), &key));
	memset(&key, 0, sizeof key);
	memset(key.location, 'a', sizeof key.location - 1);
	TRUE(!fbi_key_format(&key, front));
}

static void check_hashes(void)
{
	json all = json_file("xxh3.json"), vectors = json_member(all, "vectors"), v;
	uint8_t *bytes, *copy;

	for (size_t i = 0; (v = json_item(vectors, i)) != NULL; i++) {
		size_t n = json_number(json_item(v, 0));
		char *want = json_string(json_item(v, 1));
		uint64_t sum = strtoull(want, NULL, 16);

		bytes = malloc(n + 1);
		copy = malloc(n + 1);
		for (size_t j = 0; j < n; j++)
			bytes[j] = (uint8_t)(j * 131 + (j >> 8) * 29 + n * 7);
		EQ(fb_checksum(bytes, n), sum);
		for (int way = 0; way < 2; way++) {
			memset(copy, 0, n);
			EQ(fbi_copy_hash(copy, bytes, n, way), sum);
			TRUE(memcmp(copy, bytes, n) == 0);
		}
		free(bytes);
		free(copy);
		free(want);
	}
	free((char *)all);
}

int main(void)
{
	check_keys();
	check_spellings();
	check_hashes();
	return test_result();
}
