#include "util/cpus.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NICE (-5) /* three times the share of a program of the usual priority */

unsigned cpus_of_quota(const char *text)
{
	long long quota, period;
	if (sscanf(text, "%lld %lld", &quota, &period) != 2 || quota <= 0 || period <= 0)
		return 0;
	long long cpus = (quota + period - 1) / period;
	return cpus > 4096 ? 4096 : (unsigned)cpus;
}

static bool read_line(const char *path, char *line, size_t size)
{
	FILE *f = fopen(path, "re");
	bool good = f && fgets(line, (int)size, f);
	if (f)
		fclose(f);
	return good;
}

/* The smallest quota from the process's own group up to the root (a container sees its own group as the root). */
static unsigned quota_v2(char *group, unsigned cpus)
{
	char path[4352], line[128];
	for (;;) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cpu.max", group);
		unsigned limit = read_line(path, line, sizeof(line)) ? cpus_of_quota(line) : 0;
		if (limit && limit < cpus)
			cpus = limit;
		char *slash = strrchr(group, '/');
		if (!slash)
			return cpus;
		*slash = 0;
	}
}

static unsigned quota_v1(unsigned cpus)
{
	char quota[64], period[64], both[160];
	if (!read_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota, sizeof(quota)) ||
	    !read_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period, sizeof(period)))
		return cpus;
	snprintf(both, sizeof(both), "%s %s", quota, period);
	unsigned limit = cpus_of_quota(both);
	return limit ? MIN(limit, cpus) : cpus;
}

static unsigned by_affinity(void)
{
	unsigned n = 0;
	for (int cpus = 1024; cpus <= 65536 && !n; cpus *= 2) {
		cpu_set_t *set = CPU_ALLOC((size_t)cpus);
		if (set && sched_getaffinity(0, CPU_ALLOC_SIZE((size_t)cpus), set) == 0)
			n = (unsigned)CPU_COUNT_S(CPU_ALLOC_SIZE((size_t)cpus), set);
		CPU_FREE(set);
	}
	return MAX(n, 1);
}

unsigned cpus_available(void)
{
	unsigned cpus = by_affinity();
	char line[4096];
	FILE *f = fopen("/proc/self/cgroup", "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "0::", 3) != 0)
			continue;
		line[strcspn(line, "\n")] = 0;
		cpus = quota_v2(line + 3, cpus);
	}
	if (f)
		fclose(f);
	return MAX(quota_v1(cpus), 1);
}

void cpus_come_first(void)
{
	id_t thread = (id_t)syscall(SYS_gettid);
	if (getpriority(PRIO_PROCESS, thread) == 0)
		setpriority(PRIO_PROCESS, thread, NICE);
}
