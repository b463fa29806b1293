#include "store/base/err.h"

#include "store/base/interrupt.h"
#include "store/base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * A newline inside a message, which some of DVC's texts have, is kept under
 * another name: in e->text '\n' is what stands between two contexts.
 */
#define INNER_NEWLINE '\x1f'

static void rename_char(char *p, size_t n, char from, char to)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] == from)
			p[i] = to;
}

/* Append formatted text at e->len; what does not fit is cut at a character. */
static PRINTF_LIKE(2, 0) void append(struct err *e, const char *fmt, va_list ap)
{
	size_t room = sizeof(e->text) - e->len, at = e->len;
	int n = vsnprintf(e->text + e->len, room, fmt, ap);

	if (n < 0)
		return;
	if ((size_t)n < room)
		e->len += (unsigned)n;
	else
		e->len += (unsigned)utf8_cut(e->text + e->len, room - 1);
	e->text[e->len] = '\0';
	rename_char(e->text + at, e->len - at, '\n', INNER_NEWLINE);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return code;
	e->code = code;
	e->sys = 0;
	e->len = 0;
	va_start(ap, fmt);
	append(e, fmt, ap);
	va_end(ap);
	return code;
}

int err_ctx(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return code;
	if (e->len + 2 < sizeof(e->text)) {
		e->text[e->len++] = '\n';
		va_start(ap, fmt);
		append(e, fmt, ap);
		va_end(ap);
	}
	e->code = code;
	return code;
}

int err_sys(struct err *e, const char *call, const char *path)
{
	int saved = errno, code = ERR_IO;

	if (saved == ENOENT || saved == ENOTDIR)
		code = ERR_NOTFOUND;
	else if (saved == EEXIST)
		code = ERR_EXISTS;
	else if (saved == EINTR && interrupt_pending())
		code = ERR_CANCELED;
	if (path)
		err_set(e, code, "'%s': %s: %s", path, call, strerror(saved));
	else
		err_set(e, code, "%s: %s", call, strerror(saved));
	if (e)
		e->sys = saved;
	errno = saved;
	return code;
}

int err_clear(struct err *e)
{
	if (e) {
		e->code = e->sys = 0;
		e->len = 0;
		e->text[0] = '\0';
	}
	return 0;
}

void err_format(const struct err *e, char *out, size_t size)
{
	size_t end = e->len, used = 0;

	if (size == 0)
		return;
	out[0] = '\0';
	/* Contexts were appended, so the outermost is the last piece. */
	while (end > 0 && used + 1 < size) {
		size_t start = end, n;

		while (start > 0 && e->text[start - 1] != '\n')
			start--;
		n = end - start;
		if (used > 0 && used + 2 < size) {
			memcpy(out + used, ": ", 2);
			used += 2;
		}
		if (n > size - 1 - used)
			n = utf8_cut(e->text + start, size - 1 - used);
		memcpy(out + used, e->text + start, n);
		used += n;
		end = start > 0 ? start - 1 : 0;
	}
	out[used] = '\0';
	rename_char(out, used, INNER_NEWLINE, '\n');
}

const char *err_code_name(int code)
{
	static const char *const names[] = {
		"ok",	    "io",    "notfound", "exists",  "invalid",	"corrupt",
		"canceled", "nomem", "locked",	 "config",  "norepo",	"unsupported",
		"auth",	    "net",   "missing",	 "partial", "conflict",
	};

	if (code > 0 || (size_t)-code >= ARRAY_SIZE(names))
		return "unknown";
	return names[-code];
}
