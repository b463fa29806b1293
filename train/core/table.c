#include "train/core/table.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/sum.h"
#include "train/core/rng.h"

#include <stdlib.h>
#include <string.h>

void feature_release(struct feature *f)
{
	for (size_t i = 0; i < f->cats_nr; i++)
		free(f->cats[i]);
	free(f->cats);
	free(f->cat_rows);
	free(f->name);
	*f = (struct feature){0};
}

void feature_copy(struct feature *out, const struct feature *f)
{
	struct feature copy = {.name = f->name ? xstrdup(f->name) : NULL,
			       .kind = f->kind,
			       .integer = f->integer,
			       .cats_nr = f->cats_nr};

	if (f->cats_nr)
		copy.cats = xcalloc(f->cats_nr, sizeof(copy.cats[0]));
	for (size_t i = 0; i < f->cats_nr; i++)
		copy.cats[i] = xstrdup(f->cats[i]);
	*out = copy;
}

void table_release(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->cols_nr; i++) {
		feature_release(&t->cols[i].f);
		free(t->cols[i].num);
		free(t->cols[i].code);
	}
	free(t->cols);
	for (size_t i = 0; i < t->classes_nr; i++)
		free(t->classes[i]);
	free(t->classes);
	for (size_t i = 0; i < t->text_nr; i++) {
		free(t->text[i].name);
		free(t->text[i].v);
		free(t->text[i].bytes);
	}
	free(t->text);
	free(t->label);
	free(t->label_name);
	free(t->weight);
	free(t->group);
	free(t->key);
	*t = (struct table){0};
}

static uint32_t float_bits(float v)
{
	uint32_t b;

	memcpy(&b, &v, sizeof(b));
	return b;
}

static uint64_t double_bits(double v)
{
	uint64_t b;

	memcpy(&b, &v, sizeof(b));
	return b;
}

/* What a category or a class is in a hash: its bytes, never its number, which
 * changes when others come. */
static uint64_t *name_hashes(char *const *names, size_t nr)
{
	uint64_t *h = xcalloc(nr + 1, sizeof(h[0]));

	for (size_t i = 0; i < nr; i++)
		h[i] = sum64(names[i], strlen(names[i]));
	return h;
}

/* No value has it by accident but with the odds of any 64-bit hash. */
#define MISSING_HASH 0x6d697373696e6721u
#define UNSEEN_HASH  0x756e7365656e2121u

static uint64_t code_hash(const uint64_t *names, uint32_t code)
{
	if (code == TABLE_MISSING)
		return MISSING_HASH;
	return code == TABLE_UNSEEN ? UNSEEN_HASH : names[code];
}

/*
 * A hash over values: eight lanes, so that a multiplication need not wait for the
 * one before it. Integers all the way: the same on every machine.
 */
struct lanes {
	uint64_t v[8];
};

static uint64_t lane_step(uint64_t lane, uint64_t value)
{
	lane = (lane ^ value) * 0x9fb21c651e98df25u;
	return lane ^ lane >> 32;
}

static uint64_t lanes_end(const struct lanes *l, uint64_t nr)
{
	uint64_t h = rng_sm(nr);

	for (int i = 0; i < 8; i++)
		h = rng_sm(h ^ l->v[i]);
	return h;
}

static uint64_t hash_floats(const float *v, size_t nr)
{
	struct lanes l = {{1, 2, 3, 4, 5, 6, 7, 8}};
	size_t i = 0;

	for (; i + 8 <= nr; i += 8)
		for (size_t k = 0; k < 8; k++)
			l.v[k] = lane_step(l.v[k], float_bits(v[i + k]));
	for (; i < nr; i++)
		l.v[i & 7] = lane_step(l.v[i & 7], float_bits(v[i]));
	return lanes_end(&l, nr);
}

static uint64_t hash_doubles(const double *v, size_t nr)
{
	struct lanes l = {{1, 2, 3, 4, 5, 6, 7, 8}};

	for (size_t i = 0; i < nr; i++)
		l.v[i & 7] = lane_step(l.v[i & 7], double_bits(v[i]));
	return lanes_end(&l, nr);
}

static uint64_t hash_words(const uint64_t *v, size_t nr)
{
	struct lanes l = {{1, 2, 3, 4, 5, 6, 7, 8}};

	for (size_t i = 0; i < nr; i++)
		l.v[i & 7] = lane_step(l.v[i & 7], v[i]);
	return lanes_end(&l, nr);
}

static uint64_t hash_codes(const uint32_t *v, size_t nr, char *const *names,
			   size_t names_nr)
{
	struct lanes l = {{1, 2, 3, 4, 5, 6, 7, 8}};
	uint64_t *h = name_hashes(names, names_nr);

	for (size_t i = 0; i < nr; i++)
		l.v[i & 7] = lane_step(l.v[i & 7], code_hash(h, v[i]));
	free(h);
	return lanes_end(&l, nr);
}

uint64_t table_column_hash(const struct table *t, size_t column)
{
	const struct column *c = &t->cols[column];

	if (c->f.kind == FEATURE_CATEGORICAL)
		return rng_sm(hash_codes(c->code, t->rows, c->f.cats, c->f.cats_nr));
	return hash_floats(c->num, t->rows);
}

static uint64_t label_hash(const struct table *t)
{
	struct lanes l = {{1, 2, 3, 4, 5, 6, 7, 8}};
	uint64_t *h;

	if (t->classes_nr == 0)
		return hash_doubles(t->label, t->rows);
	h = name_hashes(t->classes, t->classes_nr);
	for (size_t i = 0; i < t->rows; i++) {
		double v = t->label[i];
		uint64_t one = v >= 0 ? h[(size_t)v] : UNSEEN_HASH;

		l.v[i & 7] = lane_step(l.v[i & 7], one);
	}
	free(h);
	return rng_sm(lanes_end(&l, t->rows));
}

uint64_t table_hash_all(const struct table *t, const uint64_t *columns)
{
	uint64_t h = rng_sm(t->rows);

	h = rng_sm(h ^ t->cols_nr);
	for (size_t i = 0; i < t->cols_nr; i++)
		h = rng_sm(h ^ columns[i]);
	h = rng_sm(h ^ (t->label ? label_hash(t) : 0));
	h = rng_sm(h ^ (t->weight ? hash_doubles(t->weight, t->rows) : 1));
	if (t->group) {
		struct lanes l = {{1, 2, 3, 4, 5, 6, 7, 8}};

		for (size_t i = 0; i < t->rows; i++)
			l.v[i & 7] = lane_step(l.v[i & 7], t->group[i]);
		h ^= lanes_end(&l, t->rows);
	}
	h = rng_sm(h);
	return rng_sm(h ^ (t->key ? hash_words(t->key, t->rows) : 2));
}

int table_content_keys(struct table *t, struct err *e)
{
	uint64_t *names, *key;
	void *mem;
	int r;

	if ((r = try_alloc(&mem, t->rows, sizeof(key[0]), "row keys", e)) < 0)
		return r;
	key = mem;
	for (size_t c = 0; c < t->cols_nr; c++) {
		const struct column *col = &t->cols[c];

		names = name_hashes(col->f.cats, col->f.cats_nr);
		for (size_t i = 0; i < t->rows; i++)
			key[i] = rng_sm(key[i] +
					(col->num ? float_bits(col->num[i])
						  : code_hash(names, col->code[i])));
		free(names);
	}
	names = name_hashes(t->classes, t->classes_nr);
	for (size_t i = 0; t->label && i < t->rows; i++) {
		double v = t->label[i];

		if (t->classes_nr == 0)
			key[i] = rng_sm(key[i] + double_bits(v));
		else
			key[i] = rng_sm(key[i] +
					(v >= 0 ? names[(size_t)v] : UNSEEN_HASH));
	}
	free(names);
	free(t->key);
	t->key = key;
	return 0;
}
