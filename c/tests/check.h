/* Assertions of the tests: a failed one prints where, and both values, and ends the program. */
#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(is)                                                                                  \
	do {                                                                                       \
		if (!(is)) {                                                                       \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #is);           \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

#define CHECK_U64(got, want) check_u64(__FILE__, __LINE__, #got, (uint64_t)(got), (uint64_t)(want))

static inline void check_u64(const char *file, int line, const char *what, uint64_t got,
			     uint64_t want)
{
	if (got == want)
		return;
	fprintf(stderr, "%s:%d: %s is %" PRIu64 " (%" PRIx64 "), want %" PRIu64 " (%" PRIx64 ")\n",
		file, line, what, got, got, want, want);
	exit(1);
}

#define CHECK_STR(got, want) check_str(__FILE__, __LINE__, #got, got, want)

static inline void check_str(const char *file, int line, const char *what, const char *got,
			     const char *want)
{
	if (strcmp(got, want) == 0)
		return;
	fprintf(stderr, "%s:%d: %s is \"%s\", want \"%s\"\n", file, line, what, got, want);
	exit(1);
}

#endif
