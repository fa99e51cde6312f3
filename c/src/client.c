/* Attaching, and what a client says of itself. */
#include "client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "errors.h"

FBI_EXPORT uint32_t fb_abi_version(void)
{
	return (uint32_t)FB_ABI_MAJOR << 16 | FB_ABI_MINOR;
}

/* Copies the options that the program knows; later members stay 0. */
static fb_status read_options(const fb_attach_options *given, fb_attach_options *options)
{
	size_t size = given ? given->struct_size : 0;

	memset(options, 0, sizeof *options);
	if (!given)
		return FB_OK;
	if (size < sizeof given->struct_size + sizeof given->flags || size > 4096)
		return fbi_fail(FB_ERROR, "framebuffer: options of %zu bytes: set struct_size to "
					  "sizeof(fb_attach_options)", size);
	memcpy(options, given, size < sizeof *options ? size : sizeof *options);
	if (options->flags & ~(FB_ATTACH_READ_ONLY | FB_ATTACH_UNVERIFIED | FB_ATTACH_UNLISTED |
			       FB_NO_SIGBUS_HANDLER))
		return fbi_fail(FB_ERROR, "framebuffer: options with flags %#x, which this version "
					  "does not know", options->flags);
	return FB_OK;
}

FBI_EXPORT fb_status fb_attach(const char *key, const fb_attach_options *given, fb_client **client)
{
	fb_attach_options options;
	struct fbi_attach how = {.role = FBI_ROLE_CLIENT};
	fb_client *c;
	fb_status status = read_options(given, &options);

	*client = NULL;
	if (status)
		return status;
	how.read_only = options.flags & FB_ATTACH_READ_ONLY;
	if (how.read_only)
		how.role = FBI_ROLE_READ_ONLY;
	if (options.flags & FB_ATTACH_UNLISTED)
		how.role = FBI_ROLE_UNLISTED;
	how.guard = !(options.flags & FB_NO_SIGBUS_HANDLER);
	how.name = options.name && *options.name ? options.name : program_invocation_short_name;
	c = calloc(1, sizeof *c);
	if (!c)
		return fbi_fail(FB_NO_MEMORY, "no memory for a client");
	status = fbi_segment_attach(&c->segment, key, &how);
	if (status) {
		free(c);
		return status;
	}
	c->verify = !(options.flags & FB_ATTACH_UNVERIFIED);
	c->max_frame = options.max_frame;
	*client = c;
	return FB_OK;
}

FBI_EXPORT void fb_client_close(fb_client *client)
{
	fbi_segment_close(&client->segment, NULL, NULL);
}

FBI_EXPORT void fb_client_free(fb_client *client)
{
	if (!client)
		return;
	fb_client_close(client);
	fbi_segment_free(&client->segment);
	free(client);
}

FBI_EXPORT const char *fb_client_key(const fb_client *client)
{
	return client->segment.key_text;
}

FBI_EXPORT const char *fb_client_doubt(const fb_client *client)
{
	return client->segment.mapping.doubt;
}

FBI_EXPORT fb_status fb_client_error(fb_client *client)
{
	fb_status status = fbi_check_open(&client->segment.ring);
	fb_status own = fbi_segment_usable(&client->segment);

	return own ? own : status ? fbi_check_open(&client->segment.ring) : FB_OK;
}

FBI_EXPORT uint64_t fb_client_max_size(const fb_client *client)
{
	return client->segment.ring.capacity - FBI_CHUNK_HEADER;
}

FBI_EXPORT fb_status fb_client_check_key(fb_client *client, const char *key)
{
	if (strcmp(key, client->segment.key_text) == 0)
		return FB_OK;
	return fbi_fail(FB_BAD_KEY,
			"the frame lies in the ring of %s, this client is attached to \"%s\": attach "
			"with the frame's key",
			FBI_QUOTE(key), client->segment.key_text);
}
