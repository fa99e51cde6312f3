/* What attaching to System V segments and making them share. */
#ifndef FBI_SYSV_H
#define FBI_SYSV_H

#include "backend.h"

struct fbi_sysv_object {
	int id, flags; /* for shmat */
};

/* Attaches the object at an address, in place of a reservation, if it has that size. 0, or errno. */
int fbi_sysv_at(void *at, uint64_t size, void *object);

/* Sets what a failed attach means to the user of the key. */
fb_status fbi_fail_sysv_attach(const char *call, int id, int error);

#endif
