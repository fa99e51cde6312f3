/* The texts of testdata/errors.json that a client can make happen. */
#include "common.h"

static json texts;
static char version_digit[] = "4";

/*
 * Compares the thread's error with the text of that name, in which {names} stand for the values that
 * follow, pairs of texts up to NULL. Other {names} match anything.
 */
static void check(int line, const char *name, const char *const values[][2])
{
	json entry = json_member(texts, name);
	char *want, *p;
	const char *got = fb_error_text();

	if (!entry) {
		test_fail(__FILE__, line, "testdata has no \"%s\"", name);
		return;
	}
	want = json_string(json_item(entry, 1));
	for (p = want; *p;) {
		char *end, *after;

		if (p[0] == '{' && p[1] == '{') {
			p++; /* a brace */
		} else if (p[0] == '{' && (end = strchr(p, '}')) != NULL) {
			size_t i = 0;

			*end = '\0';
			while (values && values[i][0] && strcmp(values[i][0], p + 1) != 0)
				i++;
			if (values && values[i][0]) {
				if (strncmp(got, values[i][1], strlen(values[i][1])) != 0)
					break;
				got += strlen(values[i][1]);
			} else { /* up to the next character of the text */
				after = end + 1;
				got += strcspn(got, (char[]){*after ? *after : '\n', 0});
			}
			p = end + 1;
			continue;
		} else if (p[0] == '}' && p[1] == '}') {
			p++;
		}
		if (*p != *got)
			break;
		p++;
		got++;
	}
	if (*p || *got) {
		free(want);
		want = json_string(json_item(entry, 1));
		test_fail(__FILE__, line, "%s:\n\t%s\nwant\n\t%s", name, fb_error_text(), want);
	}
	free(want);
}

#define TEXT(call, status, name)                   \
	do {                                       \
		FAILS(call, status);               \
		check(__LINE__, name, values);     \
	} while (0)

static void check_keys(void)
{
	const char *const values[][2] = {{"version", version_digit}, {NULL, NULL}};
	char longest[601];
	fb_client *c;

	memset(longest, 'x', 600);
	longest[600] = '\0';
	TEXT(fb_attach("", NULL, &c), FB_BAD_KEY, "empty key");
	TEXT(fb_attach("/dev/shm/x\n", NULL, &c), FB_BAD_KEY, "no key");
	TEXT(fb_attach("fb1_x", NULL, &c), FB_BAD_KEY, "key of another version");
	TEXT(fb_attach("fb4_sysv_1", NULL, &c), FB_BAD_KEY, "key cut short");
	TEXT(fb_attach("fb4_sysv_1.2.3_00_12345678", NULL, &c), FB_BAD_KEY, "key mistyped");
	TEXT(fb_attach(longest, NULL, &c), FB_BAD_KEY, "long key");
}

static void check_frames(void)
{
	const char *const (*values)[2] = NULL;
	char key[FB_KEY_SIZE];
	fb_frame f;
#define PARSE(text) fb_frame_parse(text, strlen(text), key, &f)
#define FRAME(offset, size, sum) \
	"{\"key\":\"k\",\"offset\":\"" offset "\",\"size\":" size ",\"checksum\":\"" sum "\"}"

	TEXT(PARSE("{\"key\":\"k\",\"offset\":\"64\",\"size\":1}"), FB_BAD_FRAME,
	     "frame lacks something");
	TEXT(PARSE(FRAME("064", "1", "0123456789abcdef")), FB_BAD_FRAME,
	     "frame with an odd offset");
	TEXT(PARSE(FRAME("64", "-1", "0123456789abcdef")), FB_BAD_FRAME, "frame of negative size");
	TEXT(PARSE(FRAME("64", "1", "abc")), FB_BAD_FRAME, "short checksum");
	TEXT(PARSE(FRAME("64", "1", "012345678x9abcde")), FB_BAD_FRAME, "odd checksum");
	OK(PARSE(" {\"checksum\":\"0123456789ABCDEF\" , \"size\":7,\"offset\":\"18446744073709551615\","
		 "\"key\":\"\\u0041\\n\"}\n"));
	STR_EQ(key, "A\n");
	EQ(f.offset, UINT64_MAX);
	EQ(f.size, 7);
	EQ(f.checksum, UINT64_C(0x0123456789abcdef));
	FAILS(PARSE(FRAME("64", "1", "0123456789abcdef") "x"), FB_BAD_FRAME);
	FAILS(PARSE("{\"key\":\"k\",\"key2\":\"k\"}"), FB_BAD_FRAME);
	/* Every prefix of a frame is an error and no fault. */
	for (size_t n = 0; n < strlen(FRAME("64", "1", "0123456789abcdef")); n++) {
		char *cut = malloc(n + 1);

		memcpy(cut, FRAME("64", "1", "0123456789abcdef"), n);
		FAILS(fb_frame_parse(cut, n, key, &f), FB_BAD_FRAME);
		free(cut);
	}
}

static void check_ring(const char *key)
{
	const char *const (*values)[2] = NULL;
	fb_attach_options reading = {.struct_size = sizeof reading, .flags = FB_ATTACH_READ_ONLY};
	fb_client *c, *r;
	fb_reservation reservation;
	fb_hold *hold;
	fb_frame f, g;
	uint64_t most, sum;
	static uint8_t bytes[1 << 20];

	OK(fb_attach(key, NULL, &c));
	OK(fb_attach(key, &reading, &r));
	most = fb_client_max_size(c);
	TEXT(fb_allocate(c, 0, &f.offset), FB_BAD_SIZE, "allocate nothing");
	TEXT(fb_allocate(c, most + 1, &f.offset), FB_TOO_LARGE, "allocate too much");
	TEXT(fb_allocate(r, 1, &f.offset), FB_READ_ONLY, "allocate read-only");
	TEXT(fb_write(r, 64, bytes, 1, &sum), FB_READ_ONLY, "write read-only");
	TEXT(fb_reserve(r, 1, &reservation), FB_READ_ONLY, "reserve read-only");
	OK(fb_put(c, bytes, 100, &f));
	TEXT(fb_write(c, f.offset, bytes, 101, &sum), FB_TOO_LONG, "write too much");
	g = f;
	g.size = 101;
	TEXT(fb_read_into(c, g, bytes), FB_BAD_SIZE, "read too much");
	g.size = most + 1;
	TEXT(fb_read_into(c, g, bytes), FB_BAD_SIZE, "read more than a ring");
	g = f;
	g.offset = 65;
	TEXT(fb_read_into(c, g, bytes), FB_BAD_OFFSET, "odd offset");
	g.offset = f.offset + (1 << 20);
	TEXT(fb_read_into(c, g, bytes), FB_BAD_OFFSET, "offset of the future");
	g.offset = f.offset + 64;
	TEXT(fb_read_into(c, g, bytes), FB_TIMEOUT, "offset inside a chunk");
	EQ(fb_error_reason(), FB_ALTERED);
	g = f;
	g.checksum = UINT64_C(0x0123456789abcdef);
	TEXT(fb_read_into(c, g, bytes), FB_TIMEOUT, "other checksum");
	TEXT(fb_client_check_key(c, "elsewhere"), FB_BAD_KEY, "frame of another ring");
	OK(fb_client_check_key(c, key));
	OK(fb_reserve(c, 100, &reservation));
	TEXT(fb_commit(c, &reservation, 0, &g), FB_BAD_SIZE, "commit nothing");
	TEXT(fb_commit(c, &reservation, 101, &g), FB_TOO_LONG, "commit too much");
	memcpy(reservation.bytes, "abc", 3);
	OK(fb_commit(c, &reservation, 3, &g));
	TEXT(fb_commit(c, &reservation, 3, &g), FB_CLOSED, "commit again");
	EQ(g.checksum, fb_checksum("abc", 3));
	TEXT(fb_hold_begin(c, g, 0, &hold), FB_BAD_SIZE, "hold for nothing");
	TEXT(fb_hold_begin(c, g, FB_MAX_HOLD + 1500000000, &hold), FB_BAD_SIZE, "hold for too long");
	OK(fb_hold_begin(c, g, 1000000000, &hold));
	TRUE(memcmp(fb_hold_bytes(hold), "abc", 3) == 0);
	OK(fb_hold_extend(hold, FB_MAX_HOLD));
	OK(fb_hold_error(hold));
	OK(fb_hold_release(hold));
	TEXT(fb_hold_release(hold), FB_CLOSED, "hold released");
	fb_hold_free(hold);
	OK(fb_reserve(c, 10, &reservation));
	f.offset = reservation.offset;
	OK(fb_allocate(c, most, &g.offset));
	TEXT(fb_commit(c, &reservation, 10, &g), FB_TIMEOUT, "commit too late");
	EQ(fb_error_reason(), FB_OVERWRITTEN);
	TEXT(fb_read_into(c, f, bytes), FB_TIMEOUT, "read too late");
	TEXT(fb_write(c, f.offset, bytes, 1, &sum), FB_TIMEOUT, "write too late");
	fb_client_free(c);
	fb_client_free(r);
}

/* Holds that leave no room, and too many. */
static void check_holds(const char *key)
{
	const char *const (*values)[2] = NULL;
	static uint8_t bytes[1 << 20];
	fb_client *c;
	fb_frame f, other;
	fb_hold *hold, *second;

	OK(fb_attach(key, NULL, &c));
	OK(fb_put(c, bytes, 400000, &f));
	OK(fb_hold_begin(c, f, 60000000000, &hold));
	TEXT(fb_put(c, bytes, 700000, &other), FB_HOLD_LIMIT, "no room between holds");
	/* Allocations go around the held frame for as many laps as they like. */
	for (int i = 0; i < 20; i++)
		OK(fb_put(c, bytes, 300000, &other));
	TEXT(fb_hold_begin(c, other, 60000000000, &second), FB_HOLD_LIMIT, "hold too much");
	OK(fb_read_into(c, f, bytes));
	OK(fb_hold_error(hold));
	OK(fb_hold_release(hold));
	fb_hold_free(hold);
	/* Closing the client ends its holds. */
	OK(fb_put(c, bytes, 400000, &f));
	OK(fb_hold_begin(c, f, 60000000000, &hold));
	fb_client_close(c);
	FAILS(fb_hold_error(hold), FB_CLOSED);
	fb_hold_free(hold);
	FAILS(fb_put(c, bytes, 1, &other), FB_CLOSED);
	FAILS(fb_read_into(c, f, bytes), FB_CLOSED);
	fb_client_free(c);
	OK(fb_attach(key, NULL, &c));
	OK(fb_put(c, bytes, 700000, &other));
	fb_client_free(c);
}

static void check_ended(void)
{
	const char *const (*values)[2] = NULL;
	struct go_server s = go_serve("memfd", "1MiB");
	fb_client *c;
	uint64_t offset, sum;

	OK(fb_attach(s.key, NULL, &c));
	OK(fb_allocate(c, 10, &offset));
	go_stop(&s);
	TEXT(fb_allocate(c, 10, &offset), FB_CLOSED, "allocate after the server's end");
	TEXT(fb_write(c, offset, "x", 1, &sum), FB_CLOSED, "write after the server's end");
	fb_client_free(c);
	TEXT(fb_attach(s.key, NULL, &c), FB_STALE_KEY, "key of a memfd server that is gone");
	s = go_serve("sysv", "1MiB");
	go_stop(&s);
	TEXT(fb_attach(s.key, NULL, &c), FB_STALE_KEY, "key of a server that is gone");
	s = go_serve("file", "1MiB");
	go_stop(&s);
	TEXT(fb_attach(s.key, NULL, &c), FB_STALE_KEY, "key of a file server that is gone");
}

int main(void)
{
	json all = json_file("errors.json");
	struct go_server s = go_serve("sysv", "1MiB");

	texts = json_member(all, "errors");
	check_keys();
	check_frames();
	check_ring(s.key);
	check_holds(s.key);
	check_ended();
	go_stop(&s);
	free((char *)all);
	return test_result();
}
