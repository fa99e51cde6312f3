#ifndef FBI_CLIENT_H
#define FBI_CLIENT_H

#include "segment.h"

struct fb_client {
	struct fbi_segment segment;
	bool verify;
	uint64_t max_frame; /* 0: no limit */
};

#endif
