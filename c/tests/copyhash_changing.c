/* The hash is that of the bytes that arrived while another thread writes to the source. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "copyhash_ways.h"

enum { MOST = (1 << 20) + 4096, ROUNDS = 400, ENOUGH = 40 };

static const size_t lengths[] = {
	3,
	16,
	64,
	200,
	240,
	241,
	256,
	319,
	1000,
	1024,
	4096 + 7,
	FBI_BLOCK + 65,
	2 * FBI_BLOCK - 1,
	(1 << 20) + 33,
};

static unsigned char *written;
static _Atomic size_t in_use; /* the first bytes of written: so many are changed */
static _Atomic bool stop;

static void *writer(void *arg)
{
	for (unsigned char value = 0; !atomic_load(&stop); value++) {
		const size_t n = atomic_load(&in_use);

		for (size_t i = value % 61; i < n; i += 61)
			written[i] = (unsigned char)(written[i] + (value | 1));
		if (n > 0) /* each end of a short one as well, where the hash's stripes overlap */
			written[n - 1 - value % (n < 70 ? n : 70)]++;
	}
	return arg;
}

/* Copies until the source was seen to change often, or long enough. Returns how often it was. */
static size_t copies(const struct fbi_kernel *k, unsigned char *dst, const unsigned char *src,
		     size_t n, int way)
{
	uint64_t before = 0, sum = 0;
	size_t changes = 0;

	if (way & FBI_IN) /* says that it does not change */
		return 0;
	for (int i = 0; i < ROUNDS && changes < ENOUGH; i++) {
		MUST(fbi_kernel_copy_hash(k, dst, src, n, way, &sum, NULL, NULL));
		EQ(sum, XXH3_64bits(dst, n));
		fbi_kernel_hash(k, src, n); /* any result will do */
		changes += i > 0 && sum != before;
		before = sum;
		if (changes == 0)
			sched_yield();
	}
	return changes;
}

int main(void)
{
	const struct fbi_kernel *all[FBI_KERNELS];
	const size_t kernels = fbi_kernels(all);
	unsigned char *src, *dst = aligned_alloc(64, MOST);
	int fd = memfd_create("changing", MFD_CLOEXEC);
	size_t changes = 0;
	pthread_t thread;

	MUST(dst && fd >= 0 && ftruncate(fd, MOST) == 0);
	/* Two mappings, as two processes have: a sanitizer of threads has nothing to say then. */
	written = mmap(NULL, MOST, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	src = mmap(NULL, MOST, PROT_READ, MAP_SHARED, fd, 0);
	MUST(written != MAP_FAILED && src != MAP_FAILED);
	MUST(pthread_create(&thread, NULL, writer, NULL) == 0);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		atomic_store(&in_use, lengths[i]);
		for (size_t j = 0; j < kernels; j++) {
			for (size_t w = 0; w < WAYS; w++)
				changes += copies(all[j], dst, src, lengths[i], ways[w]);
		}
	}
	atomic_store(&stop, true);
	MUST(pthread_join(thread, NULL) == 0);
	MUST(changes > 0);
	free(dst);
	return test_result();
}
