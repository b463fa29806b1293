#include "store/base/log.h"

#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/slice.h"
#include "store/base/text.h"

#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

static struct {
	atomic_bool on;
	int fd;
	const char *areas;
	int64_t start_ns;
} state;

void log_open(int fd, const char *areas)
{
	state.fd = fd;
	state.areas = areas;
	state.start_ns = clock_mono_ns();
	atomic_store(&state.on, true);
}

bool log_on(const char *area)
{
	struct slice rest;

	if (!atomic_load_explicit(&state.on, memory_order_relaxed))
		return false;
	if (!state.areas)
		return true;
	rest = slice_of(state.areas);
	while (rest.p)
		if (slice_is(slice_trim(slice_cut(&rest, ',')), area))
			return true;
	return false;
}

void log_debug(const char *area, const char *fmt, ...)
{
	struct buf line = {0}, text = {0};
	int64_t ns;
	va_list ap;

	if (!log_on(area))
		return;
	ns = clock_mono_ns() - state.start_ns;
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	buf_addf(&line, "%4lld.%06lld [%d] %s: ", (long long)(ns / 1000000000),
		 (long long)(ns / 1000 % 1000000), (int)gettid(), area);
	text_escape(&line, buf_slice(&text));
	buf_addc(&line, '\n');
	/* One write, so that lines of two threads never mix. A log has nowhere to
	 * report its own failure. */
	IGNORE_RESULT(write(state.fd, line.p, line.n) < 0);
	buf_release(&text);
	buf_release(&line);
}
