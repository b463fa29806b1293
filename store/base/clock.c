#include "store/base/clock.h"

#include "store/base/interrupt.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

static _Atomic int64_t shift_ns;

static int64_t now_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t clock_mono_ns(void)
{
	return now_ns(CLOCK_MONOTONIC);
}

int64_t clock_wall_ns(void)
{
	return now_ns(CLOCK_REALTIME) + atomic_load(&shift_ns);
}

void clock_shift(int64_t delta_ns)
{
	atomic_store(&shift_ns, delta_ns);
}

void clock_sleep_ms(int ms)
{
	int64_t until = clock_mono_ns() + (int64_t)ms * 1000000;

	while (!interrupt_pending()) {
		int64_t left = until - clock_mono_ns();
		struct timespec ts;

		if (left <= 0)
			return;
		left = left < 50000000 ? left : 50000000;
		ts = (struct timespec){.tv_sec = 0, .tv_nsec = (long)left};
		nanosleep(&ts, NULL);
	}
}

static void broken_down(int64_t wall_ns, struct tm *tm)
{
	time_t s = (time_t)(wall_ns / NS_PER_S - (wall_ns % NS_PER_S < 0));

	gmtime_r(&s, tm);
}

void clock_format_basic(int64_t wall_ns, char out[17])
{
	struct tm tm;

	broken_down(wall_ns, &tm);
	strftime(out, 17, "%Y%m%dT%H%M%SZ", &tm);
}

void clock_format_iso(int64_t wall_ns, char out[21])
{
	struct tm tm;

	broken_down(wall_ns, &tm);
	strftime(out, 21, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* Days from 1970-01-01 in the proleptic Gregorian calendar (H. Hinnant's civil). */
static int64_t days_from_civil(int64_t y, unsigned m, unsigned d)
{
	int64_t era;
	unsigned yoe, doy, doe;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = (unsigned)(y - era * 400);
	doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
	doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + (int64_t)doe - 719468;
}

/* Exactly n digits at *p, which moves past them; -1 if they are not there. */
static int digits(const char **p, const char *end, int n)
{
	int v = 0;

	if (end - *p < n)
		return -1;
	for (int i = 0; i < n; i++) {
		char c = *(*p)++;

		if (c < '0' || c > '9')
			return -1;
		v = v * 10 + (c - '0');
	}
	return v;
}

static bool skip(const char **p, const char *end, char c)
{
	if (*p < end && **p == c) {
		(*p)++;
		return true;
	}
	return false;
}

static bool assemble(int y, int mo, int d, int h, int mi, int s, int64_t *out)
{
	if (y < 1 || mo < 1 || mo > 12 || d < 1 || d > 31 || h < 0 || h > 23 || mi < 0 ||
	    mi > 59 || s < 0 || s > 60)
		return false;
	*out = (days_from_civil(y, (unsigned)mo, (unsigned)d) * 86400 + h * 3600 +
		mi * 60 + s) *
	       NS_PER_S;
	return true;
}

static bool parse_http(const char *p, const char *end, int64_t *out)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int y, mo = 0, d, h, mi, s;

	if (end - p < 29 || memcmp(p + 3, ", ", 2) != 0)
		return false;
	p += 5;
	d = digits(&p, end, 2);
	if (!skip(&p, end, ' '))
		return false;
	for (int i = 0; i < 12; i++)
		if (memcmp(p, months + 3 * i, 3) == 0)
			mo = i + 1;
	p += 3;
	if (!skip(&p, end, ' '))
		return false;
	y = digits(&p, end, 4);
	if (!skip(&p, end, ' '))
		return false;
	h = digits(&p, end, 2);
	if (!skip(&p, end, ':'))
		return false;
	mi = digits(&p, end, 2);
	if (!skip(&p, end, ':'))
		return false;
	s = digits(&p, end, 2);
	return assemble(y, mo, d, h, mi, s, out);
}

/* The offset of "Z", "+hh:mm" or "+hhmm" in seconds east. */
static bool parse_zone(const char *p, const char *end, int64_t *east_s)
{
	int sign, h, m = 0;

	*east_s = 0;
	if (p == end || (skip(&p, end, 'Z') && p == end))
		return true;
	sign = *p == '-' ? -1 : 1;
	if (!skip(&p, end, '+') && !skip(&p, end, '-'))
		return false;
	h = digits(&p, end, 2);
	IGNORE_RESULT(skip(&p, end, ':')); /* both spellings exist */
	if (p < end)
		m = digits(&p, end, 2);
	if (h < 0 || m < 0 || p != end)
		return false;
	*east_s = sign * (h * 3600 + m * 60);
	return true;
}

static bool parse_iso(const char *p, const char *end, int64_t *out)
{
	int y, mo, d, h = 0, mi = 0, s = 0;
	int64_t ns = 0, unit = NS_PER_S / 10, east_s;

	y = digits(&p, end, 4);
	if (!skip(&p, end, '-'))
		return false;
	mo = digits(&p, end, 2);
	if (!skip(&p, end, '-'))
		return false;
	d = digits(&p, end, 2);
	if (p < end) {
		if (!skip(&p, end, 'T') && !skip(&p, end, ' '))
			return false;
		h = digits(&p, end, 2);
		if (!skip(&p, end, ':'))
			return false;
		mi = digits(&p, end, 2);
		if (!skip(&p, end, ':'))
			return false;
		s = digits(&p, end, 2);
		if (skip(&p, end, '.'))
			for (; p < end && *p >= '0' && *p <= '9'; p++, unit /= 10)
				ns += (*p - '0') * unit;
	}
	if (!parse_zone(p, end, &east_s) || !assemble(y, mo, d, h, mi, s, out))
		return false;
	*out += ns - east_s * NS_PER_S;
	return true;
}

bool clock_parse(const char *text, size_t n, int64_t *wall_ns)
{
	const char *end = text + n;

	return parse_iso(text, end, wall_ns) || parse_http(text, end, wall_ns);
}
