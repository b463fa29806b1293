#include "train/data/chunk.h"

#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/text.h"
#include "train/data/scan.h"

/* A field as a message shows it: safe for a terminal, and not without end. */
#define SHOWN_N 40

static void show(struct buf *out, struct slice s)
{
	struct slice head = {s.p, MIN_OF(s.n, (size_t)SHOWN_N)};

	buf_addc(out, '\'');
	text_escape(out, head);
	buf_adds(out, s.n > head.n ? "...'" : "'");
}

/* "'FILE': row 3 (line 4), column 'x': " */
static void where(struct buf *out, const struct chunk *c, const char *path,
		  const struct layout_map *map, uint64_t rows, uint64_t lines)
{
	const struct bad *b = &c->bad;
	uint64_t row = rows + b->row + 1;
	uint64_t line = lines + scan_count(c->text, b->at, '\n') + 1;

	buf_addf(out, "'%s': row %llu", path, (unsigned long long)row);
	if (line != row)
		buf_addf(out, " (line %llu)", (unsigned long long)line);
	if (b->kind != BAD_FIELDS && b->kind < BAD_SVM_PAIR && map && map->names &&
	    b->column < map->columns) {
		struct buf name = {0};

		text_escape(&name, slice_of(map->names[b->column]));
		buf_addf(out, ", column '%s'", buf_str(&name));
		buf_release(&name);
	}
	buf_adds(out, ": ");
}

static void what(struct buf *out, const struct bad *b, const struct layout_map *map)
{
	static const char *const behind[] = {
		[BAD_NUMBER] = " is no number",
		[BAD_INFINITE] = " is infinite, which is not allowed here",
		[BAD_LARGE] = " is too large for the column's numbers",
		[BAD_WEIGHT] = ": a weight must be above 0",
		[BAD_CLASS] = " is none of the model's classes",
		[BAD_UTF8] = " is no UTF-8",
		[BAD_NUL] = " has a NUL byte",
		[BAD_QUOTE] = ": text behind the closing quote",
		[BAD_SVM_PAIR] = " is no index:value",
		[BAD_SVM_ZERO] = ": indices count from 1 here",
		[BAD_SVM_LARGE] = ": the index is too large (at most 1048575)",
		[BAD_SVM_ORDER] = ": indices must ascend",
		[BAD_SVM_QID] = ": qid must be on every row or on none",
	};

	switch (b->kind) {
	case BAD_MISSING:
		buf_adds(out, "the value is missing");
		break;
	case BAD_LONG:
		buf_adds(out, "the text is longer than 4 GiB");
		break;
	case BAD_OPEN:
		buf_adds(out, "the quote is never closed");
		break;
	case BAD_SVM_LABEL:
		buf_adds(out, "there is no label");
		break;
	case BAD_FIELDS:
		buf_addf(out, "%zu field%s, but there are %zu columns", b->fields,
			 b->fields == 1 ? "" : "s", map->columns);
		break;
	default:
		show(out, b->text);
		buf_adds(out, behind[b->kind]);
	}
}

int chunk_fail(const struct chunk *c, const char *path, const struct layout_map *map,
	       uint64_t rows, uint64_t lines, struct err *e)
{
	struct buf text = {0};
	int r;

	where(&text, c, path, map, rows, lines);
	what(&text, &c->bad, map);
	r = err_set(e, ERR_INVALID, "%s", buf_str(&text));
	buf_release(&text);
	return r;
}
