/* Metadata, as records have it. */
#include <string.h>

#include "errors.h"
#include "topic_record.h"

static_assert(sizeof ((struct fb_meta *)0)->format == sizeof ((struct fbi_record *)0)->format + 1 &&
		      sizeof ((struct fb_meta *)0)->content_type ==
			      sizeof ((struct fbi_record *)0)->content_type + 1 &&
		      sizeof ((struct fb_meta *)0)->shape == sizeof ((struct fbi_record *)0)->shape &&
		      sizeof ((struct fb_meta *)0)->user == sizeof ((struct fbi_record *)0)->user,
	      "a record has room for what a meta has");

fb_status fbi_meta_check(const struct fb_meta *meta)
{
	fb_status status = fbi_check_meta_text("content type", meta->content_type,
					       sizeof meta->content_type - 1);

	if (!status)
		status = fbi_check_meta_text("format", meta->format, sizeof meta->format - 1);
	if (status)
		return status;
	if (meta->dimensions > FB_META_DIMENSIONS)
		return fbi_fail(FB_BAD_META, "a shape of %u dimensions; there can be %d",
				meta->dimensions, FB_META_DIMENSIONS);
	if (meta->user_size > FB_META_USER)
		return fbi_fail(FB_BAD_META,
				"%u bytes of user data; there can be %d: put more into the frame "
				"itself",
				meta->user_size, FB_META_USER);
	return FB_OK;
}

bool fbi_meta_none(const struct fb_meta *meta)
{
	return !meta || (!meta->width && !meta->height && !meta->dimensions && !meta->user_size &&
			 !meta->format[0] && !meta->content_type[0]);
}

void fbi_meta_load(const struct fbi_record *record, struct fb_meta *meta)
{
	memset(meta, 0, sizeof *meta);
	meta->width = record->width;
	meta->height = record->height;
	meta->dimensions = record->dimensions < FB_META_DIMENSIONS ? record->dimensions
								   : FB_META_DIMENSIONS;
	memcpy(meta->shape, record->shape, meta->dimensions * sizeof meta->shape[0]);
	meta->user_size = record->user_length < FB_META_USER ? record->user_length : FB_META_USER;
	memcpy(meta->user, record->user, meta->user_size);
	memcpy(meta->format, record->format, strnlen(record->format, sizeof record->format));
	memcpy(meta->content_type, record->content_type,
	       strnlen(record->content_type, sizeof record->content_type));
}
