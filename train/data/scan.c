#include "train/data/scan.h"

#include "train/data/scan_masks.h"

#include <stdatomic.h>

static size_t scalar_bytes(const char *p, size_t n, const char abc[3], uint32_t *out)
{
	return scan_tail(p, 0, n, abc, out);
}

static size_t scalar_count(const char *p, size_t n, char c)
{
	size_t nr = 0;

	for (size_t i = 0; i < n; i++)
		nr += p[i] == c;
	return nr;
}

static const struct scan_fns scan_scalar = {scalar_bytes, scalar_count};

static const struct scan_fns *const variants[SCAN_VARIANTS_NR] = {
	[SCAN_SCALAR] = &scan_scalar,
#if defined(__x86_64__)
	[SCAN_SSE2] = &scan_sse2,
	[SCAN_AVX2] = &scan_avx2,
#endif
};

static _Atomic(const struct scan_fns *) chosen;

static bool usable(enum scan_variant v)
{
#if defined(__x86_64__)
	if (v == SCAN_AVX2)
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
#endif
	return variants[v];
}

static const struct scan_fns *best(void)
{
	const struct scan_fns *f = atomic_load_explicit(&chosen, memory_order_relaxed);
	enum scan_variant v = SCAN_AVX2;

	if (f)
		return f;
	while (!usable(v))
		v--;
	atomic_store_explicit(&chosen, variants[v], memory_order_relaxed);
	return variants[v];
}

bool scan_use(enum scan_variant v)
{
	if (v != SCAN_AUTO && !usable(v))
		return false;
	atomic_store_explicit(&chosen, v == SCAN_AUTO ? NULL : variants[v],
			      memory_order_relaxed);
	return true;
}

size_t scan_bytes(const char *p, size_t n, const char abc[3], uint32_t *out)
{
	return best()->bytes(p, n, abc, out);
}

size_t scan_count(const char *p, size_t n, char c)
{
	return best()->count(p, n, c);
}
