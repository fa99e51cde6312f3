/*
 * The table is this library's one global beside the thread's error: a signal's handler gets no
 * argument. A place in it is written by one thread, which has taken it, and read by the handler of
 * any thread:
 *
 *	state    0 free, 1 being written, 2 watched; by compare-and-swap and stores
 *	others   written in state 1, read in state 2
 *	hit      the handler; read by all
 */
#include "busguard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "errors.h"

enum { PLACES = 64, FREE = 0, WRITING = 1, WATCHED = 2 };

struct fbi_watch {
	atomic_int state;
	atomic_bool hit;
	uint8_t *control, *ring;
	uint64_t control_size, ring_size;
};

static struct fbi_watch places[PLACES];
static struct sigaction before;
static pthread_mutex_t installing = PTHREAD_MUTEX_INITIALIZER;

static bool in(const uint8_t *at, const uint8_t *start, uint64_t size)
{
	return at >= start && (uint64_t)(at - start) < size;
}

static void replace(uint8_t *at, uint64_t size)
{
	mmap(at, size, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

/*
 * Only async-signal-safe calls: mmap and sigaction are system calls. A fault elsewhere faults again, with
 * the former handler. Control comes first: a thread that sees a zero that is not the ring's finds no
 * frame in the control object either.
 */
static void on_fault(int number, siginfo_t *info, void *context)
{
	const uint8_t *at = info->si_addr;
	int error = errno;

	(void)context;
	for (unsigned i = 0; i < PLACES; i++) {
		struct fbi_watch *w = &places[i];

		if (atomic_load(&w->state) != WATCHED ||
		    (!in(at, w->control, w->control_size) && !in(at, w->ring, w->ring_size)))
			continue;
		atomic_store(&w->hit, true);
		replace(w->control, w->control_size);
		replace(w->ring, w->ring_size);
		errno = error;
		return;
	}
	sigaction(number, &before, NULL);
	errno = error;
}

/* Installs the handler, unless it is there. */
static fb_status install(void)
{
	struct sigaction now, ours = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
	int error = 0;

	sigemptyset(&ours.sa_mask);
	pthread_mutex_lock(&installing);
	if (sigaction(SIGBUS, NULL, &now)) {
		error = errno;
	} else if (!(now.sa_flags & SA_SIGINFO) || now.sa_sigaction != on_fault) {
		before = now;
		error = sigaction(SIGBUS, &ours, NULL) ? errno : 0;
	}
	pthread_mutex_unlock(&installing);
	return error ? fbi_fail(FB_ERROR, "handle SIGBUS: %s", FBI_ERRNO(error)) : FB_OK;
}

fb_status fbi_watch_begin(struct fbi_mapping *m)
{
	if (install())
		return FB_ERROR;
	for (unsigned i = 0; i < PLACES; i++) {
		struct fbi_watch *w = &places[i];
		int expected = FREE;

		if (!atomic_compare_exchange_strong(&w->state, &expected, WRITING))
			continue;
		w->control = m->control;
		w->control_size = m->control_size;
		w->ring = m->ring;
		w->ring_size = 2 * m->capacity;
		atomic_store(&w->hit, false);
		atomic_store(&w->state, WATCHED);
		m->watch = w;
		return FB_OK;
	}
	return fbi_fail(FB_NO_MEMORY, "all %d places for mappings that can be truncated are in use: "
				      "close clients that are not needed", PLACES);
}

bool fbi_watch_hit(const struct fbi_watch *watch)
{
	return atomic_load(&watch->hit);
}

void fbi_watch_end(struct fbi_watch *watch)
{
	if (watch)
		atomic_store(&watch->state, FREE);
}
