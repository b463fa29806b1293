#include "train/data/reader.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/utf8.h"
#include "store/base/vec.h"
#include "train/data/scan.h"
#include "train/data/source.h"

#include <stdlib.h>
#include <string.h>

void csv_names_release(struct csv_names *n)
{
	for (size_t i = 0; i < n->nr; i++)
		free(n->v[i]);
	vec_release(n);
}

/* The next field of a record, quotes taken away; *p moves behind its separator.
 * False: a quote is not closed, or text stands behind it. */
static bool next_field(const char **p, const char *end, char sep, struct buf *out)
{
	const char *s = *p;

	buf_reset(out);
	if (s < end && *s == '"') {
		for (s++; s < end; s++) {
			if (*s == '"' && !(s + 1 < end && s[1] == '"'))
				break;
			s += *s == '"';
			buf_addc(out, *s);
		}
		if (s == end || (s + 1 < end && s[1] != sep))
			return false;
		s++;
	} else {
		const char *q = memchr(s, sep, (size_t)(end - s));

		q = q ? q : end;
		buf_add(out, s, (size_t)(q - s));
		s = q;
	}
	*p = s;
	return true;
}

static int add_name(struct csv_names *out, const struct buf *text, const char *path,
		    bool no_header, struct err *e)
{
	const char *s = buf_str(text);

	if (no_header || text->n == 0) {
		char *name = xasprintf("f%zu", out->nr);

		vec_push(out, name);
		return 0;
	}
	if (!utf8_valid(s, text->n))
		return err_set(e, ERR_INVALID, "'%s': the name of column %zu is no UTF-8",
			       path, out->nr + 1);
	if (memchr(s, '\0', text->n))
		return err_set(e, ERR_INVALID,
			       "'%s': the name of column %zu has a NUL byte", path,
			       out->nr + 1);
	vec_push(out, xmemdup0(s, text->n));
	return 0;
}

static int read_names(struct csv_names *out, const char *p, const char *end,
		      const char *path, bool no_header, char sep, struct err *e)
{
	struct buf text = {0};
	int r = 0;

	for (;;) {
		if (!next_field(&p, end, sep, &text)) {
			r = err_set(e, ERR_INVALID,
				    "'%s': column %zu of the first line: a quote is not "
				    "closed, or text stands behind it",
				    path, out->nr + 1);
			break;
		}
		if ((r = add_name(out, &text, path, no_header, e)) < 0 || p >= end)
			break;
		p++; /* the separator; at the very end an empty field follows */
		if (p == end) {
			buf_reset(&text);
			r = add_name(out, &text, path, no_header, e);
			break;
		}
	}
	buf_release(&text);
	return r;
}

size_t csv_header_at(const struct slab *s)
{
	size_t at = s->n >= 3 && memcmp(s->p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	for (;;) {
		size_t n = at + 1 < s->n && s->p[at] == '\r' ? 2 : 1;

		if (at + n > s->n || s->p[at + n - 1] != '\n')
			return at;
		at += n;
	}
}

int csv_first_slab(struct slab *s, struct source *src, const struct data_file *f,
		   const struct slab_rule *rule, size_t want, bool hash, struct err *e)
{
	int r;

	for (;; want *= 2) {
		size_t at;

		if ((r = slab_read(s, NULL, src, want, e)) < 0)
			return r;
		at = csv_header_at(s);
		if (s->ended || slab_record(s->p + at, s->n - at, rule))
			return 0;
		if (want > (size_t)1 << 30)
			return err_set(e, ERR_INVALID,
				       "'%s': the first line does not end", f->path);
		/* A longer piece, from the start: nothing was hashed yet. */
		source_release(src);
		if ((r = source_open(src, f, hash, e)) < 0)
			return r;
	}
}

int csv_header(struct csv_names *out, const struct slab *s, const char *path,
	       const struct data_options *o, char sep, size_t *skip, size_t *lines,
	       struct err *e)
{
	const struct slab_rule rule = {SLAB_CHUNK_N, true, sep};
	size_t at = csv_header_at(s), n, end;

	if (s->n >= 2 &&
	    (memcmp(s->p, "\xff\xfe", 2) == 0 || !memcmp(s->p, "\xfe\xff", 2)))
		return err_set(e, ERR_INVALID, "'%s' is UTF-16; only UTF-8 is read",
			       path);
	if (at >= s->n)
		return err_set(e, ERR_INVALID, "'%s' is empty", path);
	n = slab_record(s->p + at, s->n - at, &rule);
	if (n == 0)
		return err_set(e, ERR_INVALID,
			       "'%s': a quote in the first line is never closed", path);
	end = at + n - 1;
	if (end > at && s->p[end - 1] == '\r')
		end--;
	*skip = o->no_header ? at : at + n;
	*lines = scan_count(s->p, *skip, '\n');
	return read_names(out, s->p + at, s->p + end, path, o->no_header, sep, e);
}
