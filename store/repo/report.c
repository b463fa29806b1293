#include "store/repo/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void report_release(struct report *r)
{
	if (!r)
		return;
	vec_release(&r->items);
	vec_release(&r->errors);
	vec_release(&r->counts);
	strvec_release(&r->warnings);
	strvec_release(&r->notes);
	strvec_release(&r->to_track);
	arena_release(&r->arena);
	r->bytes = 0;
	r->staged = false;
}

struct report_item *report_add(struct report *r, const char *path, const struct oid *oid,
			       const char *state, int64_t bytes)
{
	struct report_item item = {
		.path = arena_strdup(&r->arena, path),
		.state = state,
		.bytes = bytes,
	};

	if (oid)
		item.oid = *oid;
	vec_push(&r->items, item);
	return &r->items.v[r->items.nr - 1];
}

void report_fail(struct report *r, const char *path, const struct oid *oid,
		 const struct err *e)
{
	char line[sizeof(e->text)];
	struct report_item *item;
	struct report_failure failure;

	err_format(e, line, sizeof(line));
	item = report_add(r, path, oid, "failed", -1);
	item->error = arena_strdup(&r->arena, line);
	item->code = e->code;
	failure = (struct report_failure){
		.code = e->code, .message = item->error, .path = item->path};
	vec_push(&r->errors, failure);
}

void report_counted(struct report *r, const char *name, uint64_t n)
{
	struct report_count c = {.n = n};

	for (size_t i = 0; i < r->counts.nr; i++) {
		if (strcmp(r->counts.v[i].name, name) == 0) {
			r->counts.v[i].n += n;
			return;
		}
	}
	c.name = arena_strdup(&r->arena, name);
	vec_push(&r->counts, c);
}

uint64_t report_count_of(const struct report *r, const char *name)
{
	for (size_t i = 0; i < r->counts.nr; i++) {
		if (strcmp(r->counts.v[i].name, name) == 0)
			return r->counts.v[i].n;
	}
	return 0;
}

static PRINTF_LIKE(2, 0) void push_text(struct strvec *to, const char *fmt, va_list ap)
{
	char *text = NULL;

	/* No memory for a sentence: it is left out. */
	if (vasprintf(&text, fmt, ap) >= 0)
		strvec_take(to, text);
}

void report_warn(struct report *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	push_text(&r->warnings, fmt, ap);
	va_end(ap);
}

void report_note(struct report *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	push_text(&r->notes, fmt, ap);
	va_end(ap);
}

void report_track(struct report *r, const char *path)
{
	for (size_t i = 0; i < r->to_track.nr; i++) {
		if (strcmp(r->to_track.v[i], path) == 0)
			return;
	}
	strvec_push(&r->to_track, path);
}

static int by_path(const void *a, const void *b)
{
	const struct report_item *x = a, *y = b;

	return strcmp(x->path, y->path);
}

void report_sort(struct report *r)
{
	if (r->items.nr > 1)
		qsort(r->items.v, r->items.nr, sizeof(r->items.v[0]), by_path);
	strvec_sort(&r->to_track);
}
