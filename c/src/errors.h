/* The calling thread's last error. See framebuffer.h, Errors. */
#ifndef FBI_ERRORS_H
#define FBI_ERRORS_H

#include <errno.h>
#include <stddef.h>

#include "framebuffer.h"

#define FBI_EXPORT __attribute__((visibility("default")))

/*
 * Sets the thread's error: the text of the status ("framebuffer: bad size: "), and behind it the
 * formatted one. FB_ERROR has no text of its own. Returns status.
 */
fb_status fbi_fail(fb_status status, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold));

/* fbi_fail with FB_TIMEOUT and its reason. */
fb_status fbi_fail_timeout(fb_reason reason, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold));

/* Puts a text before that of the thread's error. Returns status, which is that error's. */
fb_status fbi_explain(fb_status status, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold));

/*
 * Sets the error of a system call that failed with the error number. If this process may not make
 * the call at all (EPERM, ENOSYS) that is FB_PERMISSION, with what to do; returns FB_OK otherwise.
 */
fb_status fbi_fail_refused(const char *call, int error);

/* Whether a system call failed because this process may not make it at all. */
static inline bool fbi_not_allowed(int error)
{
	return error == EPERM || error == ENOSYS;
}

/* The system's text of an error number with a lower-case first letter, as Go has it. */
struct fbi_text {
	char text[128];
};
struct fbi_text fbi_errno_text(int error);
#define FBI_ERRNO(error) (fbi_errno_text(error).text)

/* Text that was quoted as Go's %q does: in double quotes, escaped, at most 200 bytes and "…". */
struct fbi_quoted {
	char text[832];
};
struct fbi_quoted fbi_quote_bytes(const char *bytes, size_t size);
struct fbi_quoted fbi_quote(const char *text);
#define FBI_QUOTE(s) (fbi_quote(s).text)

#endif
