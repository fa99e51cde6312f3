/* Sleeping and waking, and ends. */
#include "futex.h"
#include "topic.h"

void fbi_topic_wake_all(const struct fbi_queue *q)
{
	__atomic_fetch_add(&q->words->wake, 2, __ATOMIC_SEQ_CST);
	fbi_futex_wake(&q->words->wake);
}

/* Partner: fbi_topic_sleep. This load comes after the publisher's word stands in the queue. */
void fbi_topic_wake(const struct fbi_queue *q)
{
	uint32_t *wake = &q->words->wake;

	for (int i = 0; i < FBI_TOPIC_TRIES; i++) {
		uint32_t w = fbi_load32(wake);

		if (!(w & 1))
			return;
		if (fbi_cas32(wake, w, (w + 2) & ~1u)) {
			fbi_futex_wake(wake);
			return;
		}
	}
}

/*
 * Partner: fbi_topic_wake. The bit is set before ready looks. A wake-up changes the word before it
 * calls the kernel, so that one between the look and the sleep is not missed.
 */
int fbi_topic_sleep(const struct fbi_queue *q, int64_t ns, bool (*ready)(void *of), void *of)
{
	uint32_t *wake = &q->words->wake;
	uint32_t w = fbi_load32(wake);

	if (!(w & 1) && !fbi_cas32(wake, w, w | 1))
		return 0; /* another process changed it: look again */
	if (ready(of))
		return 0;
	return fbi_futex_wait(wake, w | 1, ns < FBI_RECHECK ? ns : FBI_RECHECK);
}

/*
 * Adds 1 to the state, unless the topic is as wanted. If the compare-and-swap fails another process
 * has just done so, and either order of the two is right.
 */
static void turn(const struct fbi_queue *q, bool ended)
{
	uint32_t state = fbi_load32(&q->words->state);

	if (fbi_ended(state) == ended)
		fbi_cas32(&q->words->state, state, state + 1);
}

void fbi_topic_end(const struct fbi_queue *q)
{
	turn(q, false);
	fbi_topic_wake_all(q);
}

void fbi_topic_reopen(const struct fbi_queue *q)
{
	turn(q, true);
}
