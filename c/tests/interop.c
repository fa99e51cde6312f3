/* Exchange with the Go command: a Go server, frames of C that Go reads, and of Go that C reads. */
#include "common.h"

#include <signal.h>
#include <sys/wait.h>

enum { BIG = 300000 };

static char *command;

/* Go reads a frame. */
static void check_get(const char *key, fb_frame frame, const uint8_t *want)
{
	struct child c = child_start((char *[]){command, (char *)"get", (char *)"-", NULL});
	char text[FB_FRAME_JSON_SIZE], *got;
	size_t n;
	int status;

	OK(fb_frame_format(key, frame, text));
	got = child_finish(&c, text, strlen(text), &n, &status);
	EQ(status, 0);
	EQ(n, frame.size);
	TRUE(n == frame.size && memcmp(got, want, n) == 0);
	free(got);
}

/* Go writes a frame. */
static fb_frame put(const char *key, const uint8_t *bytes, size_t n)
{
	struct child c = child_start((char *[]){command, (char *)"put", (char *)"--key", (char *)key,
						(char *)"-", NULL});
	char of[FB_KEY_SIZE], *text;
	fb_frame frame = {0};
	size_t m;
	int status;

	text = child_finish(&c, bytes, n, &m, &status);
	EQ(status, 0);
	OK(fb_frame_parse(text, m, of, &frame));
	STR_EQ(of, key);
	EQ(frame.size, n);
	free(text);
	return frame;
}

static void check_backend(const char *backend)
{
	struct go_server server = go_serve(backend, "4MiB");
	static uint8_t bytes[BIG], copy[BIG];
	const size_t sizes[] = {1, 64, 4097, BIG};
	fb_attach_options reading = {.struct_size = sizeof reading, .flags = FB_ATTACH_READ_ONLY};
	fb_client *writer, *reader;

	fprintf(stderr, "%s\n", backend);
	OK(fb_attach(server.key, NULL, &writer));
	OK(fb_attach(server.key, &reading, &reader));
	STR_EQ(fb_client_key(writer), server.key);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		fb_frame frame;
		void *read;

		test_fill(bytes, sizes[i], (uint32_t)i);
		OK(fb_put(writer, bytes, sizes[i], &frame));
		check_get(server.key, frame, bytes);
		OK(fb_read_into(reader, frame, copy));
		TRUE(memcmp(copy, bytes, sizes[i]) == 0);
		frame = put(server.key, bytes, sizes[i]);
		OK(fb_read(reader, frame, &read));
		TRUE(memcmp(read, bytes, sizes[i]) == 0);
		free(read);
	}
	FAILS(fb_put(reader, bytes, 1, &(fb_frame){0}), FB_READ_ONLY);
	go_stop(&server);
	FAILS(fb_client_error(writer), FB_CLOSED);
	fb_client_free(writer);
	fb_client_free(reader);
}

/* A server that was killed: the kernel tells it, and frames can still be read. */
static void check_killed(const char *backend)
{
	struct go_server server = go_serve(backend, "1MiB");
	uint8_t bytes[100], copy[100];
	fb_client *client;
	fb_frame frame;

	test_fill(bytes, sizeof bytes, 7);
	OK(fb_attach(server.key, NULL, &client));
	OK(fb_put(client, bytes, sizeof bytes, &frame));
	go_kill(&server);
	FAILS(fb_client_error(client), FB_SERVER_GONE);
	FAILS(fb_put(client, bytes, sizeof bytes, &frame), FB_SERVER_GONE);
	OK(fb_read_into(client, frame, copy));
	TRUE(memcmp(copy, bytes, sizeof bytes) == 0);
	fb_client_free(client);
	FAILS(fb_attach(server.key, NULL, &client), FB_STALE_KEY);
}

int main(void)
{
	const char *const backends[] = {"memfd", "sysv", "file"};

	command = getenv("FRAMEBUFFER_COMMAND");
	for (size_t i = 0; i < 3; i++) {
		check_backend(backends[i]);
		check_killed(backends[i]);
	}
	return test_result();
}
