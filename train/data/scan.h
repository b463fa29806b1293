/*
 * Where do certain bytes stand? The first step of reading text: separators and line
 * ends, 64 bytes at a time. The variants give the same answer; the fastest one is
 * chosen by the CPU at the first call. Thread-safe.
 */
#ifndef TRAIN_DATA_SCAN_H
#define TRAIN_DATA_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many numbers more than it returns may be written to out by scan_bytes. */
#define SCAN_SLACK 8

/* The places 0 <= i < n, ascending, where p[i] is a, b or c. Returns their number;
 * out has room for n + SCAN_SLACK. */
size_t scan_bytes(const char *p, size_t n, const char abc[3], uint32_t *out);
/* How often is c in p? */
size_t scan_count(const char *p, size_t n, char c);

enum scan_variant {
	SCAN_AUTO,
	SCAN_SCALAR,
	SCAN_SSE2,
	SCAN_AVX2,
	SCAN_VARIANTS_NR
};
/* Tests choose; false, and nothing changes, for what this CPU cannot run. */
bool scan_use(enum scan_variant v);

/* The variants. */
struct scan_fns {
	size_t (*bytes)(const char *p, size_t n, const char abc[3], uint32_t *out);
	size_t (*count)(const char *p, size_t n, char c);
};
extern const struct scan_fns scan_sse2, scan_avx2;

#endif
