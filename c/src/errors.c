#include "errors.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

static _Thread_local struct {
	fb_reason reason;
	char text[2048];
} last;

/* The texts of fb_status, in order. */
static const char *const texts[] = {
	"",
	"",
	"framebuffer: timeout: ",
	"framebuffer: bad size: ",
	"framebuffer: too large: ",
	"framebuffer: bad offset: ",
	"framebuffer: data longer than the chunk: ",
	"framebuffer: bad key: ",
	"framebuffer: stale key: ",
	"framebuffer: bad frame: ",
	"framebuffer: closed: ",
	"framebuffer: server is gone: ",
	"framebuffer: read-only: ",
	"framebuffer: no permission: ",
	"framebuffer: not enough memory: ",
	"framebuffer: too much is held: ",
	"framebuffer: segment is damaged: ",
	"framebuffer: bad topic name: ",
	"framebuffer: bad metadata: ",
	"framebuffer: topic has ended: ",
	"framebuffer: no room for another topic or group: ",
	"framebuffer: ",
};

static void set(fb_status status, const char *format, va_list arguments)
{
	size_t n;

	last.reason = FB_NO_REASON;
	n = strlen(texts[status]);
	memcpy(last.text, texts[status], n + 1);
	/* Arguments may be the thread's former text: no caller passes that. */
	vsnprintf(last.text + n, sizeof last.text - n, format, arguments);
}

fb_status fbi_fail(fb_status status, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	set(status, format, arguments);
	va_end(arguments);
	return status;
}

fb_status fbi_fail_timeout(fb_reason reason, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	set(FB_TIMEOUT, format, arguments);
	va_end(arguments);
	last.reason = reason;
	return FB_TIMEOUT;
}

fb_status fbi_explain(fb_status status, const char *format, ...)
{
	char before[1024];
	size_t n, rest;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(before, sizeof before, format, arguments);
	va_end(arguments);
	n = strlen(before);
	rest = strlen(last.text) + 1;
	if (n + rest > sizeof last.text)
		rest = sizeof last.text - n;
	memmove(last.text + n, last.text, rest);
	memcpy(last.text, before, n);
	last.text[sizeof last.text - 1] = '\0';
	return status;
}

fb_status fbi_fail_refused(const char *call, int error)
{
	if (!fbi_not_allowed(error))
		return FB_OK;
	return fbi_fail(FB_PERMISSION,
			"the system call %s is refused here: by a filter of system calls (seccomp), "
			"a security module, or a kernel or sandbox that does not have it: allow it "
			"(podman run --security-opt seccomp=FILE), or serve with another --backend; "
			"framebuffer doctor tells which work here (%s)",
			call, FBI_ERRNO(error));
}

struct fbi_text fbi_errno_text(int error)
{
	struct fbi_text t = {""};
	const char *text = strerrordesc_np(error);

	if (!text)
		snprintf(t.text, sizeof t.text, "errno %d", error);
	else
		snprintf(t.text, sizeof t.text, "%s", text);
	if (t.text[0] >= 'A' && t.text[0] <= 'Z')
		t.text[0] = (char)(t.text[0] + ('a' - 'A'));
	return t;
}

struct fbi_quoted fbi_quote_bytes(const char *bytes, size_t size)
{
	struct fbi_quoted q;

	fbi_write_quoted(q.text, sizeof q.text, bytes, size, 200);
	return q;
}

struct fbi_quoted fbi_quote(const char *text)
{
	return fbi_quote_bytes(text, strlen(text));
}

FBI_EXPORT const char *fb_error_text(void)
{
	return last.text;
}

FBI_EXPORT fb_reason fb_error_reason(void)
{
	return last.reason;
}
