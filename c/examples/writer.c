/*
 * writer KEY: puts its standard input into the ring as one frame, and prints the frame's JSON, which
 * reader, the Go command and Python take.
 *
 *	cc writer.c -o writer $(pkg-config --cflags --libs framebuffer)
 */
#include <framebuffer.h>
#include <stdio.h>

enum { MOST = 1 << 20 };

static int fail(void)
{
	fprintf(stderr, "writer: %s\n", fb_error_text());
	return 1;
}

int main(int argc, char **argv)
{
	static char data[MOST];
	char json[FB_FRAME_JSON_SIZE];
	fb_client *client;
	fb_frame frame;
	size_t n;

	if (argc != 2) {
		fprintf(stderr, "usage: writer KEY <DATA\n");
		return 2;
	}
	if (fb_attach(argv[1], NULL, &client))
		return fail();
	n = fread(data, 1, sizeof data, stdin);
	if (getchar() != EOF) {
		fprintf(stderr, "writer: more than %d bytes: send less, or raise MOST\n", MOST);
		return 1;
	}
	if (fb_put(client, data, n, &frame) || fb_frame_format(argv[1], frame, json))
		return fail();
	puts(json);
	fb_client_free(client);
	return 0;
}
