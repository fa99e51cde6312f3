/* What the tests share. Each test is a program: it prints what is wrong and returns 1, or returns 0. */
#ifndef TEST_COMMON_H
#define TEST_COMMON_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "framebuffer.h"

/* Compares two integers. */
#define EQ(got, want)                                                                         \
	do {                                                                                  \
		uint64_t got_ = (uint64_t)(got), want_ = (uint64_t)(want);                    \
		if (got_ != want_)                                                            \
			test_fail(__FILE__, __LINE__, "%s is %" PRIu64 " (%#" PRIx64          \
				  "), want %" PRIu64 " (%#" PRIx64 ")",                       \
				  #got, got_, got_, want_, want_);                            \
	} while (0)

/* Compares two texts. */
#define STR_EQ(got, want)                                                                     \
	do {                                                                                  \
		const char *got_ = (got), *want_ = (want);                                    \
		if (strcmp(got_, want_) != 0)                                                 \
			test_fail(__FILE__, __LINE__, "%s is\n\t%s\nwant\n\t%s", #got, got_,  \
				  want_);                                                     \
	} while (0)

#define TRUE(condition)                                                                       \
	do {                                                                                  \
		if (!(condition))                                                             \
			test_fail(__FILE__, __LINE__, "not so: %s", #condition);              \
	} while (0)

/* A call that is to succeed: if it does not, the test ends. */
#define OK(call)                                                                              \
	do {                                                                                  \
		fb_status status_ = (call);                                                   \
		if (status_) {                                                                \
			test_fail(__FILE__, __LINE__, "%s: status %d: %s", #call, status_,    \
				  fb_error_text());                                           \
			exit(1);                                                              \
		}                                                                             \
	} while (0)

/* A call that is to fail with that status. */
#define FAILS(call, want)                                                                     \
	do {                                                                                  \
		fb_status status_ = (call);                                                   \
		if (status_ != (want))                                                        \
			test_fail(__FILE__, __LINE__, "%s: status %d, want %d (%s): %s",      \
				  #call, status_, (want), #want,                              \
				  status_ ? fb_error_text() : "no error");                    \
	} while (0)

void test_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What main returns: whether a check failed. */
int test_result(void);

/* Ends the test, for what is no check: a system call that fails. */
_Noreturn void test_die(const char *what);

/* Whether a test of an expensive or special kind runs under a sanitizer that cannot have it. */
bool test_under_thread_sanitizer(void);

/* Bytes that differ with the seed. */
void test_fill(uint8_t *bytes, size_t n, uint32_t seed);

/* JSON. A value is where it stands in the text of a file, which is never freed. */
typedef const char *json;
json json_file(const char *name); /* of testdata */
json json_member(json object, const char *name); /* NULL if there is none */
json json_item(json array, size_t i);            /* NULL behind the last */
json json_next(json object, json previous, char name[128]); /* members; previous is a value or NULL */
uint64_t json_number(json value); /* a number, or a string of decimal digits */
char *json_string(json value);    /* to be freed */

/* A command that runs with a time limit. It is killed at the end of the test. */
struct child {
	pid_t pid;
	int in, out; /* pipes */
};
struct child child_start(char *const arguments[]);
/* Writes to its input, closes that, and reads its output (with a zero at the end) until it ends. */
char *child_finish(struct child *c, const void *input, size_t n, size_t *got, int *status);
char *child_line(struct child *c); /* one line of output without its end; to be freed */
void child_kill(struct child *c, int signal); /* and waits for it */

/* A server of the Go command. */
struct go_server {
	struct child child;
	char key[FB_KEY_SIZE];
	char name[64];
};
struct go_server go_serve(const char *backend, const char *size);
void go_stop(struct go_server *s);
void go_kill(struct go_server *s);

#endif
