/*
 * reader <FRAME: reads a frame's JSON, as writer prints it, and writes the frame's bytes.
 *
 *	cc reader.c -o reader $(pkg-config --cflags --libs framebuffer)
 */
#include <framebuffer.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	char json[FB_FRAME_JSON_SIZE], key[FB_KEY_SIZE];
	fb_client *client = NULL;
	fb_frame frame;
	void *data = NULL;
	size_t n = fread(json, 1, sizeof json, stdin);
	fb_status status = fb_frame_parse(json, n, key, &frame);

	if (!status)
		status = fb_attach(key, NULL, &client);
	if (!status)
		status = fb_read(client, frame, &data);
	if (status == FB_TIMEOUT)
		fprintf(stderr, "reader: too late: %s\n", fb_error_text());
	else if (status)
		fprintf(stderr, "reader: %s\n", fb_error_text());
	else
		fwrite(data, 1, frame.size, stdout);
	free(data);
	fb_client_free(client);
	return status ? 1 : 0;
}
