#include "store/odb/manifest.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/utf8.h"
#include "store/base/vec.h"
#include "store/hash/hash.h"

#include <stdlib.h>
#include <string.h>

/* A manifest of a million files is 100 MB: its digest is taken piece by piece. */
#define PIECE_N ((size_t)64 << 10)

void manifest_release(struct manifest *m)
{
	if (!m)
		return;
	arena_release(&m->arena);
	vec_release(m);
}

void manifest_add(struct manifest *m, const char *path, const struct oid *oid,
		  int64_t size)
{
	size_t n = strlen(path);
	struct manifest_entry entry = {
		.path = arena_strndup(&m->arena, path, n),
		.path_n = (uint32_t)n,
		.oid = *oid,
		.size = size,
	};

	vec_push(m, entry);
}

static struct slice entry_path(const struct manifest_entry *entry)
{
	return (struct slice){entry->path, entry->path_n};
}

static int compare_paths(const void *a, const void *b)
{
	return slice_cmp(entry_path(a), entry_path(b));
}

void manifest_sort(struct manifest *m)
{
	/* What a scan or DVC made is sorted already, and may be a million long. */
	for (size_t i = 1; i < m->nr; i++)
		if (compare_paths(&m->v[i - 1], &m->v[i]) > 0) {
			qsort(m->v, m->nr, sizeof(*m->v), compare_paths);
			return;
		}
}

const struct manifest_entry *manifest_find(const struct manifest *m, struct slice path)
{
	size_t low = 0, high = m->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int r = slice_cmp(entry_path(&m->v[mid]), path);

		if (r == 0)
			return &m->v[mid];
		if (r < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c <= 0x7e && c != '"' && c != '\\';
}

static void add_escape(struct buf *out, uint32_t code)
{
	static const char from[] = "\"\\\n\r\t\f\b", to[] = "\"\\nrtfb";
	const char *at = code < 0x7f && code ? strchr(from, (int)code) : NULL;

	if (at)
		buf_addf(out, "\\%c", to[at - from]);
	else if (code < 0x10000)
		buf_addf(out, "\\u%04x", code);
	else
		buf_addf(out, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
			 0xdc00 + ((code - 0x10000) & 0x3ff));
}

/* As Python's json.dumps with ensure_ascii. False where the text is no UTF-8. */
static bool add_json_text(struct buf *out, const char *p, size_t n)
{
	size_t at = 0;

	while (at < n) {
		size_t from = at;
		uint32_t code;
		unsigned len;

		while (at < n && is_plain((unsigned char)p[at]))
			at++;
		buf_add(out, p + from, at - from);
		if (at == n)
			break;
		len = utf8_decode(p + at, n - at, &code);
		if (len == 0)
			return false;
		add_escape(out, code);
		at += len;
	}
	return true;
}

static int add_entry(const struct manifest *m, size_t i, struct buf *out, struct err *e)
{
	const struct manifest_entry *entry = &m->v[i];
	char text[OID_TEXT_MAX];

	buf_adds(out, i ? ", {\"md5\": \"" : "{\"md5\": \"");
	buf_add(out, oid_text(&entry->oid, text), 32);
	buf_adds(out, "\", \"relpath\": \"");
	if (!add_json_text(out, entry->path, entry->path_n))
		return err_set(e, ERR_INVALID, "'%s': the name is not UTF-8",
			       entry->path);
	buf_adds(out, "\"}");
	return 0;
}

int manifest_write(const struct manifest *m, struct buf *out, struct err *e)
{
	size_t was = out->n;
	int r = 0;

	buf_addc(out, '[');
	for (size_t i = 0; i < m->nr && r == 0; i++)
		r = add_entry(m, i, out, e);
	buf_addc(out, ']');
	if (r < 0)
		buf_cut(out, was);
	return r;
}

int manifest_oid(const struct manifest *m, enum oid_algo algo, struct oid *out,
		 struct err *e)
{
	struct oid oid = {.algo = (uint8_t)algo, .is_dir = true};
	struct buf piece = {0};
	struct hash h = {0};
	int r = 0;

	hash_begin_md5(&h);
	buf_addc(&piece, '[');
	for (size_t i = 0; i < m->nr && r == 0; i++) {
		r = add_entry(m, i, &piece, e);
		if (piece.n >= PIECE_N) {
			hash_update(&h, piece.p, piece.n);
			buf_reset(&piece);
		}
	}
	buf_addc(&piece, ']');
	hash_update(&h, piece.p, piece.n);
	hash_end(&h, oid.b);
	if (r == 0)
		*out = oid;
	buf_release(&piece);
	hash_release(&h);
	return r;
}
