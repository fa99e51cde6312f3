#include "common.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int failures;

void test_fail(const char *file, int line, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	__atomic_add_fetch(&failures, 1, __ATOMIC_SEQ_CST);
}

int test_result(void)
{
	return __atomic_load_n(&failures, __ATOMIC_SEQ_CST) != 0;
}

_Noreturn void test_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

bool test_under_thread_sanitizer(void)
{
#if defined(__SANITIZE_THREAD__)
	return true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
	return true;
#else
	return false;
#endif
#else
	return false;
#endif
}

void test_fill(uint8_t *bytes, size_t n, uint32_t seed)
{
	uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	for (size_t i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		bytes[i] = (uint8_t)x;
	}
}

struct child child_start(char *const arguments[])
{
	struct child c;
	int in[2], out[2];
	pid_t parent = getpid();

	if (pipe2(in, 02000000) || pipe2(out, 02000000)) /* O_CLOEXEC */
		test_die("pipe");
	c.pid = fork();
	if (c.pid < 0)
		test_die("fork");
	if (c.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* the runner bounds the test */
		if (getppid() != parent)
			_exit(125);
		if (dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0)
			_exit(126);
		execv(arguments[0], arguments);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	c.in = in[1];
	c.out = out[0];
	return c;
}

char *child_line(struct child *c)
{
	char *line = malloc(4096);
	size_t n = 0;

	while (n < 4095 && read(c->out, line + n, 1) == 1 && line[n] != '\n')
		n++;
	line[n] = '\0';
	return line;
}

static int wait_for(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

char *child_finish(struct child *c, const void *input, size_t n, size_t *got, int *status)
{
	const char *from = input;
	size_t room = 4096, m = 0;
	char *output = malloc(room);

	signal(SIGPIPE, SIG_IGN);
	while (n) {
		ssize_t k = write(c->in, from, n);

		if (k <= 0)
			break;
		from += k;
		n -= (size_t)k;
	}
	close(c->in);
	for (;;) {
		ssize_t k;

		if (room - m < 2)
			output = realloc(output, room *= 2);
		k = read(c->out, output + m, room - m - 1);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			break;
		m += (size_t)k;
	}
	close(c->out);
	output[m] = '\0';
	if (got)
		*got = m;
	*status = wait_for(c->pid);
	c->pid = 0;
	return output;
}

void child_kill(struct child *c, int signal)
{
	if (!c->pid)
		return;
	kill(c->pid, signal);
	wait_for(c->pid);
	close(c->in);
	close(c->out);
	c->pid = 0;
}

struct go_server go_serve(const char *backend, const char *size)
{
	struct go_server s;
	static int count;
	char *command = getenv("FRAMEBUFFER_COMMAND"), *line, *key;

	if (!command) {
		fprintf(stderr, "FRAMEBUFFER_COMMAND does not name the command\n");
		exit(1);
	}
	snprintf(s.name, sizeof s.name, "c-%d-%d", getpid(), count++);
	s.child = child_start((char *[]){command, (char *)"serve", (char *)"--backend", (char *)backend,
					 (char *)"--size", (char *)size, (char *)"--name", s.name,
					 (char *)"--json", NULL});
	line = child_line(&s.child);
	if (*line != '{') {
		fprintf(stderr, "serve told no key but \"%s\"\n", line);
		exit(1);
	}
	key = json_string(json_member(line, "key"));
	snprintf(s.key, sizeof s.key, "%s", key);
	free(key);
	free(line);
	return s;
}

void go_stop(struct go_server *s)
{
	child_kill(&s->child, SIGTERM);
}

void go_kill(struct go_server *s)
{
	child_kill(&s->child, SIGKILL);
}
