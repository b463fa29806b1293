#include "cmd/print.h"

#include "store/base/err.h"
#include "store/base/sys.h"
#include "store/base/text.h"
#include "store/base/utf8.h"

#include <errno.h>
#include <stdarg.h>

enum {
	PRINT_CHUNK = 64 * 1024
};

static void drain(struct print *p)
{
	if (!p->is_broken && p->pending.n > 0 &&
	    sys_write(p->fd, p->pending.p, p->pending.n) < 0) {
		p->is_broken = true;
		p->sys = errno;
	}
	buf_reset(&p->pending);
}

static void drain_if_full(struct print *p)
{
	if (p->pending.n >= PRINT_CHUNK)
		drain(p);
}

void print_text(struct print *p, const char *fmt, ...)
{
	va_list ap;

	if (p->is_mute)
		return;
	va_start(ap, fmt);
	buf_vaddf(&p->pending, fmt, ap);
	va_end(ap);
	drain_if_full(p);
}

void print_force(struct print *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&p->pending, fmt, ap);
	va_end(ap);
	drain_if_full(p);
}

void print_bytes(struct print *p, struct slice text)
{
	buf_addslice(&p->pending, text);
	drain_if_full(p);
}

void print_name(struct print *p, const char *name)
{
	if (p->is_mute)
		return;
	if (p->is_nul)
		buf_adds(&p->pending, name);
	else
		text_escape(&p->pending, slice_of(name));
	drain_if_full(p);
}

void print_column(struct print *p, const char *name)
{
	struct buf b = {0};

	if (p->is_mute)
		return;
	print_name(p, name);
	text_escape(&b, slice_of(name));
	if (p->is_nul)
		buf_addc(&p->pending, '\t');
	else
		buf_fill(&p->pending, ' ', 8 - utf8_count(buf_str(&b), b.n) % 8);
	buf_release(&b);
}

void print_end(struct print *p)
{
	if (p->is_mute)
		return;
	buf_addc(&p->pending, p->is_nul ? '\0' : '\n');
	drain_if_full(p);
}

void print_colour(struct print *p, const char *sgr)
{
	if (p->is_colour && !p->is_mute)
		buf_addf(&p->pending, "\033[%sm", sgr ? sgr : "0");
}

int print_flush(struct print *p, struct err *e)
{
	drain(p);
	if (!p->is_broken)
		return 0;
	errno = p->sys;
	return err_sys(e, "write", "standard output");
}

void print_release(struct print *p)
{
	buf_release(&p->pending);
}
