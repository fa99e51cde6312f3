#include "liveness.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "atomics.h"
#include "layout.h"

/* struct robust_list_head of linux/futex.h. An entry is one pointer, to the next or to the head. */
struct head {
	uint64_t next;
	int64_t offset; /* from an entry to its word */
	uint64_t pending;
};

struct fbi_life {
	struct head head;
	pthread_t thread;
	sem_t started, end;
	uint32_t tid;
	bool refused;
};

static uint64_t address(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* Waits also if a debugger or a stray signal interrupts it. */
static void wait_for(sem_t *s)
{
	while (sem_wait(s) != 0)
		;
}

static void *sleeper(void *of)
{
	struct fbi_life *life = of;

	life->tid = (uint32_t)syscall(SYS_gettid);
	/* glibc has registered a list of its own, for its robust mutexes: this thread holds none. */
	life->refused = syscall(SYS_set_robust_list, &life->head, sizeof life->head) != 0;
	sem_post(&life->started);
	wait_for(&life->end);
	return NULL;
}

static void discard(struct fbi_life *life)
{
	sem_destroy(&life->started);
	sem_destroy(&life->end);
	free(life);
}

struct fbi_life *fbi_life_start(void)
{
	struct fbi_life *life = calloc(1, sizeof *life);
	sigset_t all, before;
	int failed;

	if (!life)
		return NULL;
	life->head.next = address(&life->head);
	life->head.offset = FBI_LIFE_DISTANCE;
	sem_init(&life->started, 0, 0);
	sem_init(&life->end, 0, 0);
	sigfillset(&all); /* signals are for the program's own threads */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&life->thread, NULL, sleeper, life);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed) {
		discard(life);
		return NULL;
	}
	wait_for(&life->started);
	if (life->refused) {
		fbi_life_end(life);
		return NULL;
	}
	return life;
}

void fbi_life_end(struct fbi_life *life)
{
	if (!life)
		return;
	sem_post(&life->end);
	pthread_join(life->thread, NULL);
	discard(life);
}

bool fbi_life_hold(struct fbi_life *life, uint32_t *word, uint32_t old)
{
	uint64_t *entry = (uint64_t *)(void *)((uint8_t *)word - FBI_LIFE_DISTANCE);

	if (!life)
		return fbi_cas32(word, old, FBI_LIFE_UNKNOWN);
	/* Linked before the word is taken: the kernel passes over one that does not hold the id. */
	fbi_store64(entry, address(&life->head));
	fbi_store64(&life->head.next, address(entry));
	if (fbi_cas32(word, old, life->tid))
		return true;
	fbi_store64(&life->head.next, address(&life->head));
	return false;
}

void fbi_life_release(struct fbi_life *life, uint32_t *word)
{
	fbi_cas32(word, life ? life->tid : FBI_LIFE_UNKNOWN, 0);
	if (life)
		fbi_store64(&life->head.next, address(&life->head));
}
