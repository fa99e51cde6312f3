/* What the files of /sys say about caches, on machines that are made up, and what this one is. */
#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../src/cpu.h"
#include "common.h"

static char root[256];

/* Writes a file below root, with the directories that it is in. */
__attribute__((format(printf, 2, 3))) static void put(const char *text, const char *name, ...)
{
	char path[512];
	size_t n = (size_t)snprintf(path, sizeof(path), "%s/sys/devices/system/cpu/", root);
	va_list args;
	FILE *f;

	va_start(args, name);
	vsnprintf(path + n, sizeof(path) - n, name, args);
	va_end(args);
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = 0;
		TRUE(mkdir(path, 0700) == 0 || errno == EEXIST);
		*at = '/';
	}
	f = fopen(path, "w");
	TRUE(f && fprintf(f, "%s\n", text) > 0 && fclose(f) == 0);
}

static void put_cache(int cpu, int index, const char *level, const char *type, const char *size,
		      const char *shared)
{
	put(level, "cpu%d/cache/index%d/level", cpu, index);
	put(type, "cpu%d/cache/index%d/type", cpu, index);
	put(size, "cpu%d/cache/index%d/size", cpu, index);
	put(shared, "cpu%d/cache/index%d/shared_cpu_list", cpu, index);
}

/* A CPU as most machines have it; without an L3 if its size is NULL. */
static void put_cpu(int cpu, const char *l1, const char *l2, const char *l3, const char *shared)
{
	char self[16];

	snprintf(self, sizeof(self), "%d", cpu);
	put_cache(cpu, 0, "1", "Data", l1, self);
	put_cache(cpu, 1, "1", "Instruction", "128K", self);
	put_cache(cpu, 2, "2", "Unified", l2, self);
	if (l3)
		put_cache(cpu, 3, "3", "Unified", l3, shared);
}

/* Removes the tree below root, which put made. */
static void clear(void)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf '%s/sys'", root);
	TRUE(system(command) == 0);
}

static void reads(const char *cpus, size_t l1d, size_t l2, size_t l3, bool one)
{
	struct fbi_cpu_set set;
	struct fbi_caches c;

	TRUE(fbi_parse_cpus(cpus, &set) == (*cpus != 0));
	c = fbi_caches_read(root, &set);
	EQ(c.l1d, l1d);
	EQ(c.l2, l2);
	EQ(c.l3, l3);
	EQ(c.one_l3, one);
}

static void machines(void)
{
	reads("0-1", 0, 0, 0, false); /* no files */
	reads("", 0, 0, 0, false);
	for (int n = 0; n < 2; n++)
		put_cpu(n, "32K", "512K", "32768K", "0-1");
	put("0-1", "online");
	reads("0-1", 32 << 10, 512 << 10, 32 << 20, true); /* Zen 3, a guest */
	reads("", 32 << 10, 512 << 10, 32 << 20, true);	   /* the affinity is not known */
	reads("0-2", 32 << 10, 512 << 10, 32 << 20, false);
	clear();
	for (int n = 0; n < 16; n++)
		put_cpu(n, "32K", "1024K", "32768K", n < 8 ? "0-7" : "8-15");
	reads("6-9", 32 << 10, 1 << 20, 32 << 20, false); /* Zen 4, two L3s */
	reads("1,3,5", 32 << 10, 1 << 20, 32 << 20, true);
	clear();
	put_cpu(0, "48K", "1280K", "12288K", "0-7");
	put_cpu(4, "32K", "2048K", "12288K", "0-7");
	reads("0,4", 48 << 10, 1280 << 10, 12 << 20, true); /* two kinds of core */
	clear();
	put_cpu(0, "64K", "1024K", NULL, NULL);
	put_cpu(1, "64K", "512K", NULL, NULL);
	reads("0-1", 64 << 10, 512 << 10, 0, false); /* arm64 without an L3 */
	clear();
	put_cpu(0, "odd", "99999999999999999999K", "32M", "1-2"); /* its L3 is not its own */
	reads("0", 0, 0, 32 << 20, false);
	clear();
	put_cpu(0, "32K", "512K", "32M", "0-1");
	put_cpu(2, "32K", "512K", "32M", "1-2"); /* overlaps that of the first */
	reads("0-2", 32 << 10, 512 << 10, 32 << 20, false);
	clear();
}

static void texts(void)
{
	static const char *const bad[] = {"",	  "-1",	 "1-",	  "2-1",	   "a",
					  "1,,2", "1 2", "16384", "0-99999999999", ","};
	struct fbi_cpu_set s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		TRUE(!fbi_parse_cpus(bad[i], &s));
		EQ(s.bits[0], 0);
	}
	TRUE(fbi_parse_cpus("0-3,8-11", &s));
	EQ(s.bits[0], 0xf0f);
	TRUE(fbi_parse_cpus("16383", &s));
	EQ(fbi_parse_cache_size("32768K"), 32 << 20);
	EQ(fbi_parse_cache_size("105M"), 105 << 20);
	EQ(fbi_parse_cache_size("16G"), (uint64_t)16 << 30);
	EQ(fbi_parse_cache_size("64"), 64);
	EQ(fbi_parse_cache_size("17G"), 0);
	EQ(fbi_parse_cache_size("K"), 0);
	EQ(fbi_parse_cache_size("-1K"), 0);
	EQ(fbi_parse_cache_size("1KB"), 0);
	EQ(fbi_parse_cache_size("1T"), 0);
	EQ(fbi_parse_cache_size("18446744073709551617"), 0);
}

int main(void)
{
	const char *tmp = getenv("TMPDIR");
	struct fbi_cpu_model m = fbi_cpu_model_here();
	struct fbi_caches a = fbi_cpu_here(), b = fbi_cpu_here();

	snprintf(root, sizeof(root), "%s/cpu.XXXXXX", tmp ? tmp : "/tmp");
	TRUE(mkdtemp(root) != NULL);
	machines();
	texts();
	TRUE(rmdir(root) == 0);
#if defined(__x86_64__)
	TRUE(strlen(m.vendor) == 12 && m.family > 0);
#else
	TRUE(m.vendor[0] == 0 && m.family == 0);
#endif
	TRUE(a.l1d == b.l1d && a.l2 == b.l2 && a.l3 == b.l3 && a.one_l3 == b.one_l3);
	return test_result();
}
