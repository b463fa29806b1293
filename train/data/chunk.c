#include "train/data/chunk.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/vec.h"
#include "train/core/team.h"

#include <stdlib.h>
#include <string.h>

void chunk_release(struct chunk *c)
{
	for (size_t i = 0; i < c->uses_nr; i++)
		dict_release(&c->uses[i].dict);
	free(c->uses);
	free(c->block);
	free(c->record);
	arena_release(&c->arena);
	*c = (struct chunk){0};
}

/* Columns apart from each other's cache lines, and not all in one cache set. */
static size_t column_bytes(const struct use *u, size_t rows)
{
	return (rows * use_width(u) + 63) / 64 * 64 + 64;
}

int chunk_prepare(struct chunk *c, const struct layout *p, size_t rows, struct err *e)
{
	size_t need = 0, at = 0;
	void *mem;
	int r;

	c->rows = 0;
	c->bad = (struct bad){0};
	c->any_infinite = false;
	arena_release(&c->arena);
	if (c->uses_nr < p->nr) {
		c->uses = xreallocarray(c->uses, p->nr, sizeof(c->uses[0]));
		memset(c->uses + c->uses_nr, 0,
		       (p->nr - c->uses_nr) * sizeof(c->uses[0]));
		c->uses_nr = p->nr;
	}
	for (size_t i = 0; i < p->nr; i++)
		need += p->uses[i].off ? 0 : column_bytes(&p->uses[i], rows);
	if (need > c->block_cap) {
		free(c->block);
		c->block = NULL;
		c->block_cap = 0;
		need += need / 8;
		if ((r = try_alloc(&mem, need, 1, "values of a piece of a file", e)) < 0)
			return r;
		c->block = mem;
		c->block_cap = need;
	}
	for (size_t i = 0; i < p->nr; i++) {
		struct chunk_use *cu = &c->uses[i];

		cu->v = c->block + at;
		at += p->uses[i].off ? 0 : column_bytes(&p->uses[i], rows);
		cu->missing = cu->merged = 0;
		cu->fraction = cu->was_text = false;
		cu->infinite.kind = BAD_NONE;
		dict_reset(&cu->dict);
	}
	return 0;
}

void chunk_record(struct chunk *c, const char *p, const char *end)
{
	if (c->rows >= c->record_cap)
		c->record = vec_grow(c->record, &c->record_cap, c->rows + 1,
				     sizeof(c->record[0]));
	c->record[c->rows] = (struct slice){p, (size_t)(end - p)};
}

struct append {
	struct layout *p;
	struct chunk *chunks;
	size_t nr;
};

/* A chunk's numbers of categories become the column's. */
static void append_codes(struct use *u, struct chunk_use *cu, uint32_t *to, size_t rows)
{
	const uint32_t *from = cu->v;
	uint32_t *global;

	u->missing += cu->missing;
	if (u->is_fixed) {
		memcpy(to, from, rows * sizeof(to[0]));
		return;
	}
	global = xmalloc((cu->dict.nr + 1) * sizeof(global[0]));
	for (size_t i = 0; i < cu->dict.nr; i++) {
		const struct dict_entry *x = &cu->dict.v[i];

		global[i] = dict_put(&u->dict, x->p, x->n, x->hash, true);
		u->dict.v[global[i]].rows += x->rows;
	}
	for (size_t i = 0; i < rows; i++)
		to[i] = from[i] == TABLE_MISSING ? TABLE_MISSING : global[from[i]];
	free(global);
}

static void append_use(void *ctx, size_t i, unsigned member)
{
	struct append *a = ctx;
	struct use *u = &a->p->uses[i];
	size_t at = a->p->rows, width = use_width(u);

	(void)member;
	if (u->off || u->is_missing)
		return;
	for (size_t k = 0; k < a->nr; k++) {
		struct chunk *c = &a->chunks[k];
		struct chunk_use *cu = &c->uses[i];
		char *to = (char *)u->v + at * width;

		if (u->kind == USE_CODE) {
			append_codes(u, cu, (uint32_t *)(void *)to, c->rows);
		} else {
			if (c->rows)
				memcpy(to, cu->v, c->rows * width);
			u->missing += cu->missing;
			u->merged += cu->merged;
			u->fraction |= cu->fraction;
			u->was_text |= cu->was_text;
		}
		at += c->rows;
	}
}

int chunks_append(struct layout *p, struct chunk *c, size_t nr, struct team *team,
		  struct err *e)
{
	struct append a = {p, c, nr};
	size_t rows = p->rows;
	int r;

	for (size_t i = 0; i < nr; i++)
		rows += c[i].rows;
	if ((r = layout_reserve(p, rows, e)) < 0)
		return r;
	team_for(team, p->nr, append_use, &a);
	p->rows = rows;
	return 0;
}
