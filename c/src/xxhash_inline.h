/*
 * xxhash.h with all of its code in the file that includes this, and without its warnings. Nothing of it
 * is exported.
 */
#ifndef FBI_XXHASH_INLINE_H
#define FBI_XXHASH_INLINE_H

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wpedantic"
#define XXH_INLINE_ALL
#include <xxhash.h>
#pragma GCC diagnostic pop

#endif
