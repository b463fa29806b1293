/*
 * How fast are the lanes? MD5 of messages of 5 KB (or of sizes drawn from 1 to
 * 10 KB), in L2 and from memory, for each variant that this CPU has.
 *
 *	cc -O2 -D_GNU_SOURCE -I. -o md5_bench tests/bench/md5_bench.c \
 *		build/release/liblode.a -lcrypto -pthread
 *
 * Prints one line a case: variant, where, messages, GB/s a core (the best of seven).
 */
#include "store/base/alloc.h"
#include "store/hash/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MEMORY_N ((size_t)256 << 20)
#define L2_N	 ((size_t)512 << 10)

static uint64_t next_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

/* Of this thread only: other work on the machine counts for little. */
static int64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static double measure(uint8_t *p, size_t total, bool mixed, size_t batch)
{
	struct md5_job jobs[128];
	double best = 0;

	for (int round = 0; round < 7; round++) {
		uint64_t seed = 88172645463325252u;
		size_t bytes = 0, want = (size_t)256 << 20, at = 0;
		int64_t began = cpu_ns(), took;

		while (bytes < want) {
			for (size_t i = 0; i < batch; i++) {
				size_t n =
					mixed ? 1000 + next_random(&seed) % 9000 : 5000;

				if (at + n > total)
					at = 0;
				jobs[i] = (struct md5_job){.p = p + at, .n = n};
				at += (n + 63) & ~(size_t)63;
				bytes += n;
			}
			md5_many(jobs, batch);
		}
		took = cpu_ns() - began;
		if ((double)bytes / (double)took > best)
			best = (double)bytes / (double)took;
	}
	return best;
}

int main(void)
{
	uint8_t *p = xmalloc(MEMORY_N);

	for (size_t i = 0; i < MEMORY_N; i++)
		p[i] = (uint8_t)(i * 2654435761u >> 13);
	for (int v = MD5_SERIAL; v < MD5_VARIANTS_NR; v++) {
		const char *name = md5_variant_name((enum md5_variant)v);

		if (!md5_many_use((enum md5_variant)v)) {
			printf("%-8s not on this CPU\n", name);
			continue;
		}
		printf("%-8s L2      5000 B     %5.2f\n", name,
		       measure(p, L2_N, false, 64));
		printf("%-8s L2      1-10 KB    %5.2f\n", name,
		       measure(p, L2_N, true, 64));
		printf("%-8s memory  5000 B     %5.2f\n", name,
		       measure(p, MEMORY_N, false, 128));
		printf("%-8s memory  1-10 KB    %5.2f\n", name,
		       measure(p, MEMORY_N, true, 128));
	}
	free(p);
	return 0;
}
