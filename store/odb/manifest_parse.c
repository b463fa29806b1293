/*
 * The reader of manifests: any JSON that Python's json.load takes, straight into
 * entries, without a tree in between.
 */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/parse.h"
#include "store/base/path.h"
#include "store/base/utf8.h"
#include "store/base/vec.h"
#include "store/odb/manifest.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64 /* of values under keys that are not ours */

struct reader {
	const char *p, *end, *start;
	size_t index; /* of the entry that is read */
	struct buf text;
	struct err *e;
};

static int broken(struct reader *rd, const char *what)
{
	return err_set(rd->e, ERR_CORRUPT, "manifest: entry %zu, byte %zu: %s", rd->index,
		       (size_t)(rd->p - rd->start), what);
}

static void skip_space(struct reader *rd)
{
	while (rd->p < rd->end &&
	       (*rd->p == ' ' || *rd->p == '\t' || *rd->p == '\n' || *rd->p == '\r'))
		rd->p++;
}

static bool take(struct reader *rd, char c)
{
	skip_space(rd);
	if (rd->p == rd->end || *rd->p != c)
		return false;
	rd->p++;
	return true;
}

static bool take_hex4(struct reader *rd, uint32_t *out)
{
	uint32_t v = 0;

	if (rd->end - rd->p < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		int digit = parse_hex_digit(rd->p[i]);

		if (digit < 0)
			return false;
		v = v << 4 | (uint32_t)digit;
	}
	rd->p += 4;
	*out = v;
	return true;
}

static int read_unicode(struct reader *rd)
{
	uint32_t code, low;
	char utf8[4];
	unsigned n;

	if (!take_hex4(rd, &code))
		return broken(rd, "\\u without four digits");
	if (code >= 0xd800 && code < 0xdc00 && rd->end - rd->p >= 6 && rd->p[0] == '\\' &&
	    rd->p[1] == 'u') {
		rd->p += 2;
		if (!take_hex4(rd, &low))
			return broken(rd, "\\u without four digits");
		if (low < 0xdc00 || low > 0xdfff)
			return broken(rd, "half of a surrogate pair");
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	n = utf8_encode(code, utf8);
	if (n == 0)
		return broken(rd, "half of a surrogate pair");
	buf_add(&rd->text, utf8, n);
	return 0;
}

static int read_escape(struct reader *rd)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;
	char c;

	if (rd->p == rd->end)
		return broken(rd, "the text does not end");
	c = *rd->p++;
	if (c == 'u')
		return read_unicode(rd);
	at = c ? strchr(from, c) : NULL;
	if (!at)
		return broken(rd, "an unknown escape");
	buf_addc(&rd->text, to[at - from]);
	return 0;
}

/* A JSON string; *out lies in the input, or in rd->text, until the next one. */
static int read_text(struct reader *rd, struct slice *out)
{
	const char *from;
	bool escaped = false;
	int r = 0;

	if (!take(rd, '"'))
		return broken(rd, "a text is expected");
	buf_reset(&rd->text);
	from = rd->p;
	for (;;) {
		unsigned char c;

		if (rd->p == rd->end)
			return broken(rd, "the text does not end");
		c = (unsigned char)*rd->p;
		if (c == '"')
			break;
		if (c < 0x20)
			return broken(rd, "a control character in a text");
		rd->p++;
		if (c != '\\')
			continue;
		buf_add(&rd->text, from, (size_t)(rd->p - 1 - from));
		escaped = true;
		r = read_escape(rd);
		if (r < 0)
			return r;
		from = rd->p;
	}
	*out = (struct slice){from, (size_t)(rd->p - from)};
	rd->p++;
	if (escaped) {
		buf_addslice(&rd->text, *out);
		*out = buf_slice(&rd->text);
	}
	if (!utf8_valid(out->p, out->n))
		return broken(rd, "a text is not UTF-8");
	return 0;
}

/* A number or one of the words Python knows; *out is its text. */
static int read_word(struct reader *rd, struct slice *out)
{
	static const char *const words[] = {"true", "false",	"null",
					    "NaN",  "Infinity", "-Infinity"};
	const char *from = rd->p;
	double number;

	while (rd->p < rd->end &&
	       ((*rd->p >= '0' && *rd->p <= '9') || (*rd->p >= 'a' && *rd->p <= 'z') ||
		(*rd->p >= 'A' && *rd->p <= 'Z') || strchr("+-.", *rd->p)))
		rd->p++;
	*out = (struct slice){from, (size_t)(rd->p - from)};
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (slice_is(*out, words[i]))
			return 0;
	if (out->n == 0 || !(*from == '-' || (*from >= '0' && *from <= '9')) ||
	    !parse_double(*out, &number))
		return broken(rd, "a value is expected");
	return 0;
}

static int skip_value(struct reader *rd, unsigned depth);

static int skip_members(struct reader *rd, char close, unsigned depth)
{
	struct slice key;
	int r;

	if (take(rd, close))
		return 0;
	do {
		if (close == '}') {
			r = read_text(rd, &key);
			if (r < 0)
				return r;
			if (!take(rd, ':'))
				return broken(rd, "':' is expected");
		}
		r = skip_value(rd, depth + 1);
		if (r < 0)
			return r;
	} while (take(rd, ','));
	return take(rd, close) ? 0 : broken(rd, "',' or the end is expected");
}

static int skip_value(struct reader *rd, unsigned depth)
{
	struct slice ignored;

	if (depth > DEPTH_MAX)
		return broken(rd, "nested too deep");
	skip_space(rd);
	if (rd->p < rd->end && *rd->p == '"')
		return read_text(rd, &ignored);
	if (take(rd, '{'))
		return skip_members(rd, '}', depth);
	if (take(rd, '['))
		return skip_members(rd, ']', depth);
	return read_word(rd, &ignored);
}

struct fields {
	bool has_path, has_md5, has_etag;
	struct manifest_entry entry;
};

static int read_path(struct reader *rd, struct arena *arena, struct manifest_entry *entry)
{
	struct slice text;
	int r = read_text(rd, &text);

	if (r < 0)
		return r;
	if (memchr(text.p, 0, text.n) || text.n > UINT32_MAX)
		return broken(rd, "a path with a NUL, or past all length");
	entry->path = arena_strndup(arena, text.p, text.n);
	entry->path_n = (uint32_t)text.n;
	if (path_check_tracked(entry->path, rd->e) < 0)
		return err_ctx(rd->e, ERR_CORRUPT, "manifest: entry %zu", rd->index);
	return 0;
}

static int read_field(struct reader *rd, enum oid_algo algo, struct arena *arena,
		      struct fields *f)
{
	struct slice key, text;
	enum {
		OTHER,
		PATH,
		MD5,
		ETAG,
		SIZE
	} which = OTHER;
	int r = read_text(rd, &key);

	if (r < 0)
		return r;
	if (slice_is(key, "relpath"))
		which = PATH;
	else if (slice_is(key, "md5"))
		which = MD5;
	else if (slice_is(key, "etag"))
		which = ETAG;
	else if (slice_is(key, "size"))
		which = SIZE;
	if (!take(rd, ':'))
		return broken(rd, "':' is expected");
	skip_space(rd);
	switch (which) {
	case PATH:
		f->has_path = true;
		return read_path(rd, arena, &f->entry);
	case MD5:
		f->has_md5 = true;
		r = read_text(rd, &text);
		if (r == 0 &&
		    (!oid_parse(text, algo, &f->entry.oid) || f->entry.oid.is_dir))
			r = broken(rd, "'md5' is no digest of a file");
		return r;
	case SIZE:
		if (rd->p < rd->end && *rd->p >= '0' && *rd->p <= '9') {
			r = read_word(rd, &text);
			if (r == 0 && !parse_i64(text, &f->entry.size))
				f->entry.size = -1;
			return r;
		}
		return skip_value(rd, 1);
	case ETAG:
		f->has_etag = true;
		return skip_value(rd, 1);
	default:
		return skip_value(rd, 1);
	}
}

static int read_entry(struct reader *rd, enum oid_algo algo, struct manifest *m)
{
	struct fields f = {.entry.size = -1};
	int r;

	if (!take(rd, '{'))
		return broken(rd, "an object is expected");
	if (!take(rd, '}')) {
		do {
			r = read_field(rd, algo, &m->arena, &f);
			if (r < 0)
				return r;
		} while (take(rd, ','));
		if (!take(rd, '}'))
			return broken(rd, "',' or '}' is expected");
	}
	if (!f.has_path)
		return broken(rd, "no 'relpath'");
	if (!f.has_md5 && f.has_etag)
		return err_set(rd->e, ERR_UNSUPPORTED,
			       "manifest: entry %zu: '%s' has an 'etag' in place of a "
			       "digest: it lists an import and has no objects",
			       rd->index, f.entry.path);
	if (!f.has_md5)
		return broken(rd, "no 'md5'");
	vec_push(m, f.entry);
	return 0;
}

static int read_entries(struct reader *rd, enum oid_algo algo, struct manifest *m)
{
	if (!take(rd, '['))
		return broken(rd, "the list is expected");
	if (!take(rd, ']')) {
		do {
			int r = read_entry(rd, algo, m);

			if (r < 0)
				return r;
			rd->index++;
		} while (take(rd, ','));
		if (!take(rd, ']'))
			return broken(rd, "',' or ']' is expected");
	}
	skip_space(rd);
	return rd->p == rd->end ? 0 : broken(rd, "text behind the list");
}

/* Where in the file a path stands last: entries are sorted when a clash shows. */
static size_t index_in_file(const struct manifest_entry *file, size_t nr,
			    const char *path)
{
	while (nr > 0 && strcmp(file[nr - 1].path, path) != 0)
		nr--;
	return nr ? nr - 1 : 0;
}

/* Every directory on the way to a path must not be a file of the list. */
static const struct manifest_entry *file_on_the_way(const struct manifest *m, size_t i)
{
	const struct manifest_entry *entry = &m->v[i];
	const char *before = i ? m->v[i - 1].path : "";
	size_t shared = 0;

	/* What the path before shares was looked up for it. */
	while (before[shared] && before[shared] == entry->path[shared])
		shared++;
	for (size_t k = shared; k < entry->path_n; k++) {
		const struct manifest_entry *found;

		if (entry->path[k] != '/')
			continue;
		found = manifest_find(m, (struct slice){entry->path, k});
		if (found)
			return found;
	}
	return NULL;
}

static int check_clashes(const struct manifest *m, const struct manifest_entry *file,
			 struct err *e)
{
	for (size_t i = 0; i < m->nr; i++) {
		const char *path = m->v[i].path;

		if (i > 0 && strcmp(path, m->v[i - 1].path) == 0)
			return err_set(e, ERR_CORRUPT,
				       "manifest: entry %zu: '%s' is listed twice",
				       index_in_file(file, m->nr, path), path);
		if (file_on_the_way(m, i))
			return err_set(e, ERR_CORRUPT,
				       "manifest: entry %zu: '%s' lies below '%s', which "
				       "is listed as a file",
				       index_in_file(file, m->nr, path), path,
				       file_on_the_way(m, i)->path);
	}
	return 0;
}

static bool is_sorted(const struct manifest *m)
{
	for (size_t i = 1; i < m->nr; i++)
		if (strcmp(m->v[i - 1].path, m->v[i].path) > 0)
			return false;
	return true;
}

int manifest_parse(struct slice json, enum oid_algo algo, struct manifest *out,
		   struct err *e)
{
	struct reader rd = {.p = json.p, .start = json.p, .end = json.p + json.n, .e = e};
	struct manifest_entry *file = NULL;
	struct manifest m = {0};
	int r = read_entries(&rd, algo, &m);

	if (r == 0 && !is_sorted(&m)) {
		file = xreallocarray(NULL, m.nr, sizeof(*file));
		memcpy(file, m.v, m.nr * sizeof(*file));
		manifest_sort(&m);
	}
	if (r == 0)
		r = check_clashes(&m, file ? file : m.v, e);
	if (r == 0) {
		*out = m;
		m = (struct manifest){0};
	}
	free(file);
	manifest_release(&m);
	buf_release(&rd.text);
	return r;
}
