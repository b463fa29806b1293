/* Time: monotonic for durations, wall for stamps; tests may shift the wall. */
#ifndef STORE_BASE_CLOCK_H
#define STORE_BASE_CLOCK_H

#include "store/base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

int64_t clock_mono_ns(void);
int64_t clock_wall_ns(void); /* since 1970, shifted by clock_shift() */
void clock_shift(int64_t delta_ns);
void clock_sleep_ms(int ms); /* ends early when an interrupt is pending */

/* "20260131T235959Z", UTC; out holds 17 bytes. */
void clock_format_basic(int64_t wall_ns, char out[17]);
/* "2026-01-31T23:59:59Z" */
void clock_format_iso(int64_t wall_ns, char out[21]);
/* RFC 7231 "Sun, 06 Nov 1994 08:49:37 GMT", ISO 8601 with Z or offset and
 * fractions, or a plain YYYY-MM-DD (midnight UTC). */
bool clock_parse(const char *text, size_t n, int64_t *wall_ns);

#endif
