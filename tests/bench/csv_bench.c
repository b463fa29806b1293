/*
 * How fast is CSV read? Megabytes a second of CPU time, of all threads, for numbers
 * of 6 and of 17 digits, whole numbers, quoted names, and with the digests.
 *
 *	build/release/tests/bench/csv_bench [THREADS [MB [CASE]]]
 *
 * One line a case: what, threads, MB, MB/s of CPU, MB/s of wall time (best of five),
 * and the most memory that the process has held so far.
 */
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "train/core/table.h"
#include "train/core/team.h"
#include "train/data/read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static uint64_t next_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static double seconds(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

enum what {
	SHORT,
	LONG,
	WHOLE,
	NAMES
};

static size_t field(char *to, size_t room, enum what what, uint64_t *s)
{
	double v = (double)(next_random(s) >> 11) * 0x1p-53 * 4 - 2;

	switch (what) {
	case SHORT:
		return (size_t)snprintf(to, room, "%.6f", v);
	case LONG:
		return (size_t)snprintf(to, room, "%.17g", v);
	case WHOLE:
		return (size_t)snprintf(to, room, "%d", (int)(next_random(s) % 100000));
	default:
		return (size_t)snprintf(to, room, "\"name %d\"",
					(int)(next_random(s) % 1000));
	}
}

static int make(enum what what, size_t bytes)
{
	int fd = memfd_create("bench", MFD_CLOEXEC);
	char *p = xmalloc(bytes + 4096);
	uint64_t s = 88172645463325252u;
	size_t n = 0;

	for (int c = 0; c < 28; c++)
		n += (size_t)snprintf(p + n, 16, "c%d%c", c, c == 27 ? '\n' : ',');
	while (n < bytes)
		for (int c = 0; c < 28; c++) {
			n += field(p + n, 64, what, &s);
			p[n++] = c == 27 ? '\n' : ',';
		}
	if (fd < 0 || write(fd, p, n) != (ssize_t)n) {
		perror("memfd");
		exit(1);
	}
	free(p);
	return fd;
}

static const char *only; /* NULL: every case */

static void measure(const char *name, enum what what, bool hash, unsigned threads,
		    size_t bytes)
{
	if (only && strcmp(only, name) != 0)
		return;

	struct data_file f = {.path = "bench.csv", .fd = make(what, bytes)};
	const struct data_options o = {.hash = hash};
	double cpu = 1e9, wall = 1e9;
	struct team *team = NULL;
	struct rusage ru;
	struct err e = {0};

	if (threads > 1 && team_new(&team, threads, &e) < 0)
		die("%s", e.text);
	for (int i = 0; i < 5; i++) {
		struct table t = {0};
		double c = seconds(CLOCK_PROCESS_CPUTIME_ID),
		       w = seconds(CLOCK_MONOTONIC);

		if (data_read(&t, &f, 1, &o, team, &e) < 0)
			die("%s", e.text);
		c = seconds(CLOCK_PROCESS_CPUTIME_ID) - c;
		w = seconds(CLOCK_MONOTONIC) - w;
		cpu = c < cpu ? c : cpu;
		wall = w < wall ? w : wall;
		table_release(&t);
	}
	getrusage(RUSAGE_SELF, &ru);
	printf("%-10s %u threads %5.0f MB %6.0f MB/s cpu %6.0f MB/s wall %5ld MB held\n",
	       name, threads, (double)f.bytes / 1e6, (double)f.bytes / 1e6 / cpu,
	       (double)f.bytes / 1e6 / wall, ru.ru_maxrss / 1024);
	team_free(team);
	close(f.fd);
}

int main(int argc, char **argv)
{
	unsigned threads = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
	size_t bytes = (argc > 2 ? strtoul(argv[2], NULL, 10) : 100) * 1000000;

	only = argc > 3 ? argv[3] : NULL;
	measure("short", SHORT, false, threads, bytes);
	measure("long", LONG, false, threads, bytes);
	measure("whole", WHOLE, false, threads, bytes);
	measure("names", NAMES, false, threads, bytes);
	measure("digests", SHORT, true, threads, bytes);
	return 0;
}
