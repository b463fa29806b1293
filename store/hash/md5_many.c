#include "store/base/alloc.h"
#include "store/hash/hash.h"
#include "store/hash/md5_lanes.h"

#include <stdatomic.h>

/* So many messages are sorted and dealt out together; more go in rounds. */
#define ROUND_NR 1024
/* OpenSSL's assembler wins by a few per cent, once its start-up is paid. */
#define SERIAL_OPENSSL_N ((size_t)256 << 10)

typedef void (*kernel_fn)(struct md5_lanes *l, size_t blocks, bool both);

static const struct {
	const char *name;
	kernel_fn run;
	unsigned lanes;
	/*
	 * So few live lanes are finished one by one: a step of the kernel takes
	 * as long as this many scalar blocks.
	 */
	unsigned few;
} variants[MD5_VARIANTS_NR] = {
	[MD5_AUTO] = {"auto", NULL, 0, 0},
	[MD5_SERIAL] = {"serial", NULL, 0, 0},
#if defined(__x86_64__)
	[MD5_AVX2] = {"avx2", md5_lanes_avx2, 16, 1},
	[MD5_AVX512] = {"avx512", md5_lanes_avx512, 32, 1},
#else
	[MD5_AVX2] = {"avx2", NULL, 0, 0},
	[MD5_AVX512] = {"avx512", NULL, 0, 0},
#endif
};

static atomic_int chosen;

static bool usable(enum md5_variant v)
{
	switch (v) {
	case MD5_SERIAL:
		return true;
#if defined(__x86_64__)
	case MD5_AVX2:
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
	case MD5_AVX512:
		/* All that the Makefile lets the compiler use in that file. */
		return __builtin_cpu_supports("avx512f") &&
		       __builtin_cpu_supports("avx512bw") &&
		       __builtin_cpu_supports("avx512vl") &&
		       __builtin_cpu_supports("avx512dq") &&
		       __builtin_cpu_supports("bmi2");
#endif
	default:
		return false;
	}
}

enum md5_variant md5_many_used(void)
{
	int v = atomic_load_explicit(&chosen, memory_order_relaxed);

	if (v != MD5_AUTO)
		return (enum md5_variant)v;
	v = MD5_AVX512;
	while (!usable((enum md5_variant)v))
		v--;
	atomic_store_explicit(&chosen, v, memory_order_relaxed);
	return (enum md5_variant)v;
}

bool md5_many_use(enum md5_variant v)
{
	if (v != MD5_AUTO && !usable(v))
		return false;
	atomic_store_explicit(&chosen, (int)v, memory_order_relaxed);
	return true;
}

const char *md5_variant_name(enum md5_variant v)
{
	return variants[v].name;
}

static const uint32_t start_state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

/* What is left behind the last whole block, 0x80, zeros, and the length in bits:
 * one or two blocks. Returns how many. */
static size_t make_tail(const struct md5_job *job, uint8_t tail[128])
{
	size_t rest = job->n % 64, blocks = rest < 56 ? 1 : 2;
	uint64_t bits = (uint64_t)job->n << 3;

	memset(tail, 0, 128);
	if (rest > 0)
		memcpy(tail, (const uint8_t *)job->p + (job->n - rest), rest);
	tail[rest] = 0x80;
	put32(tail + blocks * 64 - 8, (uint32_t)bits);
	put32(tail + blocks * 64 - 4, (uint32_t)(bits >> 32));
	return blocks;
}

static void serial(struct md5_job *job)
{
	uint32_t s[4];
	uint8_t tail[128];

	if (job->n >= SERIAL_OPENSSL_N) {
		hash_md5(job->p, job->n, job->out);
		return;
	}
	memcpy(s, start_state, sizeof(s));
	md5_scalar(s, job->p, job->n / 64);
	md5_scalar(s, tail, make_tail(job, tail));
	for (int i = 0; i < 4; i++)
		put32(job->out + 4 * i, s[i]);
}

/*
 * A lane runs a message's whole blocks where they lie, then its tail from a
 * buffer of the lane's own:
 *
 *	free -> body (n >= 64) -> tail -> free
 */
struct lane {
	struct md5_job *job; /* NULL: free */
	bool in_tail;
	uint8_t tail[128];
};

struct round {
	struct md5_lanes l;
	size_t left[MD5_LANES_MAX]; /* blocks until the lane's next event */
	struct lane lane[MD5_LANES_MAX];
	unsigned lanes, live;
	struct md5_job *jobs;
	uint64_t order[ROUND_NR]; /* blocks << 32 | index, the longest first */
	size_t next, nr;
};

static void lane_tail(struct round *r, unsigned i)
{
	struct lane *lane = &r->lane[i];

	r->left[i] = make_tail(lane->job, lane->tail);
	r->l.p[i] = lane->tail;
	lane->in_tail = true;
}

/* Give lane i the next message; false when there is none. */
static bool lane_fill(struct round *r, unsigned i)
{
	struct lane *lane = &r->lane[i];

	lane->job = NULL;
	if (r->next == r->nr)
		return false;
	lane->job = &r->jobs[(uint32_t)r->order[r->next++]];
	lane->in_tail = false;
	for (int k = 0; k < 4; k++)
		r->l.s[k][i] = start_state[k];
	r->l.p[i] = lane->job->p;
	r->left[i] = lane->job->n / 64;
	if (r->left[i] == 0)
		lane_tail(r, i);
	return true;
}

/* Lane i has used up what it pointed to. */
static void lane_event(struct round *r, unsigned i)
{
	struct lane *lane = &r->lane[i];

	if (!lane->in_tail) {
		lane_tail(r, i);
		return;
	}
	for (int k = 0; k < 4; k++)
		put32(lane->job->out + 4 * k, r->l.s[k][i]);
	if (!lane_fill(r, i))
		r->live--;
}

static void lane_finish_alone(struct round *r, unsigned i)
{
	struct lane *lane = &r->lane[i];
	uint32_t s[4];

	for (int k = 0; k < 4; k++)
		s[k] = r->l.s[k][i];
	md5_scalar(s, r->l.p[i], r->left[i]);
	if (!lane->in_tail)
		md5_scalar(s, lane->tail, make_tail(lane->job, lane->tail));
	for (int k = 0; k < 4; k++)
		put32(lane->job->out + 4 * k, s[k]);
	lane->job = NULL;
	r->live--;
}

/* Move the live lanes to the front, so that one group may do. */
static void compact(struct round *r)
{
	unsigned to = 0;

	for (unsigned i = 0; i < r->lanes; i++) {
		if (!r->lane[i].job)
			continue;
		if (to != i) {
			size_t at = (size_t)(r->l.p[i] - r->lane[i].tail);

			for (int k = 0; k < 4; k++)
				r->l.s[k][to] = r->l.s[k][i];
			r->lane[to] = r->lane[i];
			r->left[to] = r->left[i];
			r->l.p[to] =
				r->lane[to].in_tail ? r->lane[to].tail + at : r->l.p[i];
			r->lane[i].job = NULL;
		}
		to++;
	}
}

/* The fewest blocks until some lane needs care. Free lanes read along with it. */
static size_t plan_step(struct round *r, unsigned lanes)
{
	size_t least = SIZE_MAX, most = 0;
	unsigned longest = 0;

	for (unsigned i = 0; i < lanes; i++) {
		if (!r->lane[i].job)
			continue;
		least = MIN_OF(least, r->left[i]);
		if (r->left[i] > most) {
			most = r->left[i];
			longest = i;
		}
	}
	if (r->live < lanes)
		for (unsigned i = 0; i < lanes; i++)
			if (!r->lane[i].job)
				r->l.p[i] = r->l.p[longest];
	return least;
}

/*
 * Shell sort, the longest first: for at most ROUND_NR numbers it takes a tenth
 * of what qsort's calls do, and hashing is so fast that this shows.
 */
static void sort_down(uint64_t *v, size_t nr)
{
	static const size_t gaps[] = {301, 132, 57, 23, 10, 4, 1};

	for (size_t g = 0; g < ARRAY_SIZE(gaps); g++)
		for (size_t i = gaps[g]; i < nr; i++) {
			uint64_t key = v[i];
			size_t k = i;

			for (; k >= gaps[g] && v[k - gaps[g]] < key; k -= gaps[g])
				v[k] = v[k - gaps[g]];
			v[k] = key;
		}
}

static void run_round(struct md5_job *jobs, size_t nr, enum md5_variant v)
{
	kernel_fn run = variants[v].run;
	struct round r;
	bool both = true;

	r.jobs = jobs;
	r.next = 0;
	r.nr = nr;
	r.live = 0;
	for (size_t i = 0; i < nr; i++)
		r.order[i] = (uint64_t)MIN_OF(jobs[i].n / 64, UINT32_MAX) << 32 | i;
	sort_down(r.order, nr);
	r.lanes = variants[v].lanes;
	for (unsigned i = 0; i < r.lanes; i++)
		r.live += lane_fill(&r, i);
	while (r.live > 0) {
		unsigned lanes = both ? r.lanes : r.lanes / 2;
		size_t step;

		if (both && r.live <= r.lanes / 2) {
			compact(&r);
			both = false;
			continue;
		}
		if (r.live <= variants[v].few) {
			for (unsigned i = 0; i < lanes; i++)
				if (r.lane[i].job)
					lane_finish_alone(&r, i);
			break;
		}
		step = plan_step(&r, lanes);
		run(&r.l, step, both);
		for (unsigned i = 0; i < lanes; i++) {
			if (!r.lane[i].job)
				continue;
			r.left[i] -= step;
			if (r.left[i] == 0)
				lane_event(&r, i);
		}
	}
}

void md5_many(struct md5_job *jobs, size_t nr)
{
	enum md5_variant v = md5_many_used();

	for (size_t at = 0; at < nr; at += ROUND_NR) {
		size_t n = MIN_OF(nr - at, (size_t)ROUND_NR);

		if (variants[v].run && n > variants[v].few)
			run_round(jobs + at, n, v);
		else
			for (size_t i = 0; i < n; i++)
				serial(&jobs[at + i]);
	}
}
