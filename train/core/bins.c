#include "train/core/bins.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/sys.h"
#include "train/core/comm.h"
#include "train/core/params.h"
#include "train/core/rng.h"
#include "train/core/table.h"
#include "train/core/team.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* So many rows, drawn by key, are enough to see a distribution. */
#define SAMPLE_ROWS 262144
/* Rows that are encoded, or turned to rows, at a time. */
#define BLOCK 65536

struct job {
	struct bins *b;
	const struct table *t;
	const struct train_params *p;
	const struct comm *comm;
	enum simd simd;
	uint64_t total; /* rows of all shards */
	/* the sample */
	uint32_t *pick; /* its rows, or NULL: all */
	size_t pick_nr;
	uint64_t sampled; /* over all shards */
	/* scratch of each member, 4 floats a sampled row */
	float **scratch;
	/* by feature */
	float (*cut)[256];
	bool *thin; /* no cut is sure to have min_data_in_leaf rows on both sides */
	size_t blocks;
	uint64_t *missing; /* by feature and block */
};

static bool is_missing_code(uint32_t code)
{
	return code >= TABLE_UNSEEN;
}

int rows_alloc(void **out, size_t nr, size_t size, const char *what, struct err *e)
{
	int r = try_alloc(out, nr, size, what, e);

	if (r == 0 && nr * size >= (size_t)4 << 20)
		sys_advise_huge(*out, nr * size);
	return r;
}

/* ---- the sample ------------------------------------------------------------- */

static int draw_sample(struct job *j, struct err *e)
{
	const struct table *t = j->t;
	uint64_t base = rng_base(j->p->seed, RNG_BIN, 0);
	double share = (double)SAMPLE_ROWS / (double)j->total;
	void *pick = NULL;
	int r;

	j->pick_nr = t->rows;
	j->sampled = j->total;
	if (j->total <= SAMPLE_ROWS)
		return 0;
	if ((r = try_alloc(&pick, t->rows, sizeof(uint32_t), "rows to sample", e)) < 0)
		return r;
	j->pick = pick;
	j->pick_nr = 0;
	for (size_t i = 0; i < t->rows; i++)
		if (rng_below(rng_at(base, table_key(t, i)), share))
			j->pick[j->pick_nr++] = (uint32_t)i;
	j->sampled = j->pick_nr;
	return j->comm->sum_u64(j->comm->ctx, &j->sampled, 1, e);
}

/* The sampled values of a column, without the missing ones. */
static size_t sample_of(const struct job *j, const float *num, float *out)
{
	size_t nr = 0;

	for (size_t i = 0; i < j->pick_nr; i++) {
		float v = num[j->pick ? j->pick[i] : i];

		out[nr] = v;
		nr += v == v;
	}
	return nr;
}

/*
 * Does a cut of these bins surely leave enough rows on both sides? The sample is a
 * part of the rows, so what it has, they have.
 */
static bool cut_is_sure(const float *cut, unsigned nr, const struct value_count *v,
			size_t n, uint64_t sampled, uint64_t need)
{
	uint64_t all = 0, left = 0, missing;
	unsigned bin = 0;

	for (size_t i = 0; i < n; i++)
		all += v[i].count;
	missing = sampled - all;
	for (size_t i = 0; i < n; i++) {
		while (bin + 1 < nr && v[i].value >= cut[bin]) {
			bin++;
			if ((left >= need && all - left + missing >= need) ||
			    (left + missing >= need && all - left >= need))
				return true;
		}
		left += v[i].count;
	}
	return all >= need && missing >= need;
}

static void find_cuts(struct job *j, size_t f, float *values, size_t n, float *tmp)
{
	struct bin_feature *bf = &j->b->f[f];
	struct value_count *counts = (struct value_count *)(void *)(tmp + n);
	uint64_t need = j->p->min_data_in_leaf > 1 ? j->p->min_data_in_leaf : 1;

	bins_sort(values, tmp, n);
	n = bins_count(counts, values, n);
	bins_cuts(j->cut[f], &bf->nr, counts, n, j->sampled, j->p->max_bin,
		  j->p->min_data_in_bin);
	j->thin[f] = !cut_is_sure(j->cut[f], bf->nr, counts, n, j->sampled, need);
	for (unsigned i = bf->nr ? bf->nr - 1 : 0; i < 256; i++)
		j->cut[f][i] = INFINITY;
}

static void cuts_alone(void *ctx, size_t f, unsigned member)
{
	struct job *j = ctx;
	const struct column *c = &j->t->cols[j->b->f[f].column];
	float *values = j->scratch[member];

	if (!j->b->f[f].categorical)
		find_cuts(j, f, values, sample_of(j, c->num, values),
			  values + j->pick_nr);
}

/* With shards every one sees all samples, and finds the same cuts. */
static int cuts_shared(struct job *j, struct err *e)
{
	struct buf all = {0};
	float *values = j->scratch[0];
	int r = 0;

	for (size_t f = 0; f < j->b->nr && r == 0; f++) {
		const struct column *c = &j->t->cols[j->b->f[f].column];
		size_t n;

		if (j->b->f[f].categorical)
			continue;
		n = sample_of(j, c->num, values);
		buf_reset(&all);
		if ((r = j->comm->allgatherv(j->comm->ctx, values, n * sizeof(float),
					     &all, e)) < 0)
			break;
		n = all.n / sizeof(float);
		if (n > 0) {
			float *room = xreallocarray(NULL, n, 4 * sizeof(float));

			memcpy(room, all.p, n * sizeof(float));
			find_cuts(j, f, room, n, room + n);
			free(room);
		} else {
			find_cuts(j, f, values, 0, values);
		}
	}
	buf_release(&all);
	return r;
}

/* ---- codes ------------------------------------------------------------------ */

static size_t encode_scalar(uint8_t *code, const float *v, size_t n, const float *cut,
			    unsigned nr)
{
	size_t missing = 0;
	unsigned top = 1;

	while (top < nr)
		top *= 2;
	for (size_t i = 0; i < n; i++) {
		float x = v[i];
		unsigned b = 0;

		for (unsigned step = top / 2; step > 0; step /= 2)
			b += cut[b + step - 1] <= x ? step : 0;
		b = b < nr ? b : nr - 1; /* infinity passes the padding */
		b = x == x ? b : nr;
		missing += x != x;
		code[i] = (uint8_t)b;
	}
	return missing;
}

size_t bins_encode(uint8_t *code, const float *v, size_t n, const float cut[256],
		   unsigned nr, enum simd simd)
{
	(void)simd;
#if defined(__x86_64__)
	if (simd == SIMD_AVX512)
		return bins_encode_avx512(code, v, n, cut, nr);
	if (simd == SIMD_AVX2)
		return bins_encode_avx2(code, v, n, cut, nr);
#endif
	return encode_scalar(code, v, n, cut, nr);
}

static size_t encode_category(uint8_t *code, const uint32_t *v, size_t n,
			      const struct bin_feature *f, size_t cats)
{
	size_t missing = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t c = v[i];

		if (is_missing_code(c) || c >= cats) {
			code[i] = (uint8_t)f->nr;
			missing++;
		} else {
			code[i] = (uint8_t)(f->other && c >= f->nr - 1 ? f->nr - 1 : c);
		}
	}
	return missing;
}

static void encode_item(void *ctx, size_t item, unsigned member)
{
	struct job *j = ctx;
	size_t f = item / j->blocks, block = item % j->blocks;
	struct bin_feature *bf = &j->b->f[f];
	const struct column *c = &j->t->cols[bf->column];
	size_t from = block * BLOCK, n = MIN_OF((size_t)BLOCK, j->t->rows - from);

	(void)member;
	if (bf->nr == 0)
		return;
	if (bf->categorical)
		j->missing[item] = encode_category(bf->code + from, c->code + from, n, bf,
						   c->f.cats_nr);
	else
		j->missing[item] = bins_encode(bf->code + from, c->num + from, n,
					       j->cut[f], bf->nr, j->simd);
}

static int encode_all(struct job *j, struct team *team, struct err *e)
{
	struct bins *b = j->b;
	uint64_t *missing = xcalloc(b->nr ? b->nr : 1, sizeof(*missing));
	int r = 0;

	for (size_t f = 0; f < b->nr && r == 0; f++) {
		void *code = NULL;

		if (b->f[f].nr == 0)
			continue;
		r = rows_alloc(&code, j->t->rows, 1, "bin codes of a column", e);
		b->f[f].code = code;
	}
	if (r < 0)
		goto out;
	j->missing = xcalloc(b->nr * j->blocks + 1, sizeof(*j->missing));
	team_for(team, b->nr * j->blocks, encode_item, j);
	for (size_t i = 0; i < b->nr * j->blocks; i++)
		missing[i / j->blocks] += j->missing[i];
	if ((r = j->comm->sum_u64(j->comm->ctx, missing, b->nr, e)) < 0)
		goto out;
	for (size_t f = 0; f < b->nr; f++)
		b->f[f].missing = missing[f];
out:
	free(missing);
	return r;
}

/* ---- which features stay ------------------------------------------------------ */

/* Where the sample was not sure, count all rows. */
static int thin_is_useless(const struct job *j, const struct bin_feature *f,
			   bool *useless, struct err *e)
{
	uint64_t need = j->p->min_data_in_leaf > 1 ? j->p->min_data_in_leaf : 1;
	uint64_t count[256] = {0}, left = 0;
	int r;

	for (size_t i = 0; i < j->t->rows; i++)
		count[f->code[i]]++;
	if ((r = j->comm->sum_u64(j->comm->ctx, count, 256, e)) < 0)
		return r;
	*useless = true;
	for (unsigned b = 0; b < f->nr; b++) {
		uint64_t with;

		left += count[b];
		with = left + f->missing;
		if ((left >= need && j->total - left >= need) ||
		    (with >= need && j->total - with >= need))
			*useless = false;
	}
	return 0;
}

static int drop_useless(struct job *j, struct err *e)
{
	struct bins *b = j->b;
	size_t nr = 0;
	int r = 0;

	for (size_t f = 0; f < b->nr; f++) {
		struct bin_feature *bf = &b->f[f];
		bool drop = bf->nr == 0 || (bf->nr == 1 && bf->missing == 0);

		if (!drop && j->thin[f] && (r = thin_is_useless(j, bf, &drop, e)) < 0)
			return r;
		if (drop) {
			free(bf->code);
			bf->code = NULL;
			continue;
		}
		if (!bf->categorical && bf->nr > 1)
			bf->cut = xmalloc((bf->nr - 1) * sizeof(float));
		if (bf->cut)
			memcpy(bf->cut, j->cut[f], (bf->nr - 1) * sizeof(float));
		if (nr != f) {
			b->f[nr] = *bf;
			*bf = (struct bin_feature){0};
		}
		nr++;
	}
	b->nr = nr;
	return 0;
}

/* ---- the copy by rows ----------------------------------------------------------- */

/* Codes that rows have: that of missing values only where there are any. */
static unsigned codes_of(const struct bin_feature *f)
{
	return f->nr + (f->missing > 0);
}

/* A slot that still has room is looked for among so many. */
#define OPEN_SLOTS 16

static void lay_slots(struct bins *b)
{
	b->slots = xcalloc(b->nr + 1, sizeof(*b->slots));
	for (size_t f = 0; f < b->nr; f++) {
		unsigned codes = codes_of(&b->f[f]);
		size_t from = b->slots_nr > OPEN_SLOTS ? b->slots_nr - OPEN_SLOTS : 0;
		size_t at = b->slots_nr;
		struct bin_slot *s;

		for (size_t k = from; k < b->slots_nr && at == b->slots_nr; k++)
			if (b->slots[k].nr < ARRAY_SIZE(b->slots[k].feature) &&
			    b->slots[k].codes * codes <= 256)
				at = k;
		s = &b->slots[at];
		if (at == b->slots_nr) {
			b->slots_nr++;
			s->codes = 1;
		}
		s->feature[s->nr++] = (uint32_t)f;
		s->codes *= codes;
	}
}

void bins_share_out(const struct bins *b, uint64_t *hist)
{
	memset(hist + b->slot_words, 0, (b->words - b->slot_words) * sizeof(*hist));
	for (size_t k = 0; k < b->slots_nr; k++) {
		const struct bin_slot *s = &b->slots[k];

		if (s->nr == 1)
			continue;
		for (unsigned code = 0; code < s->codes; code++) {
			uint64_t w = hist[s->hist + code];
			unsigned rest = code;

			for (unsigned i = 0; w != 0 && i < s->nr; i++) {
				const struct bin_feature *f = &b->f[s->feature[i]];

				hist[f->hist + rest % codes_of(f)] += w;
				rest /= codes_of(f);
			}
		}
	}
}

static size_t row_stride(size_t slots)
{
	size_t s = 8;

	while (s < slots)
		s *= 2;
	return s;
}

/* Where every histogram lies: slots by tile, then features that share one. */
static void lay_histograms(struct bins *b)
{
	for (size_t k = 0; k < b->tiles_nr; k++) {
		struct bin_tile *t = &b->tiles[k];

		for (size_t i = t->first; i < t->first + t->nr; i++) {
			unsigned nr = b->slots[i].nr == 1
					      ? b->f[b->slots[i].feature[0]].nr + 1
					      : b->slots[i].codes;

			t->words = MAX_OF(t->words, (size_t)nr);
		}
		t->words = t->words > 128 ? 256 : (t->words + 7) & ~(size_t)7;
		t->hist = b->slot_words;
		for (size_t i = t->first; i < t->first + t->nr; i++) {
			b->slots[i].hist = b->slot_words;
			b->f[b->slots[i].feature[0]].hist = b->slot_words;
			b->slot_words += t->words;
		}
	}
	b->words = b->slot_words;
	for (size_t i = 0; i < b->slots_nr; i++)
		for (unsigned k = 0; b->slots[i].nr > 1 && k < b->slots[i].nr; k++) {
			b->f[b->slots[i].feature[k]].hist = b->words;
			b->words += b->f[b->slots[i].feature[k]].nr + 1;
		}
}

static int lay_tiles(struct bins *b, struct err *e)
{
	size_t bytes = 64;
	uint8_t *at;
	int r;

	lay_slots(b);
	b->tiles_nr = (b->slots_nr + BINS_TILE - 1) / BINS_TILE;
	b->tiles = xcalloc(b->tiles_nr + 1, sizeof(*b->tiles));
	for (size_t k = 0; k < b->tiles_nr; k++) {
		struct bin_tile *t = &b->tiles[k];

		t->first = k * BINS_TILE;
		t->nr = MIN_OF((size_t)BINS_TILE, b->slots_nr - t->first);
		t->stride = row_stride(t->nr);
		bytes += t->stride * b->rows;
		bytes = (bytes + 63) & ~(size_t)63;
	}
	lay_histograms(b);
	if ((r = rows_alloc(&b->own, bytes, 1, "binned rows", e)) < 0)
		return r;
	at = (uint8_t *)(((uintptr_t)b->own + 63) & ~(uintptr_t)63);
	for (size_t k = 0; k < b->tiles_nr; k++) {
		b->tiles[k].rows = at;
		at += (b->tiles[k].stride * b->rows + 63) & ~(size_t)63;
	}
	b->bytes = bytes + b->nr * b->rows;
	return 0;
}

static void write_slot(const struct bins *b, const struct bin_slot *s, uint8_t *to,
		       size_t stride, size_t from, size_t n)
{
	const uint8_t *code = b->f[s->feature[0]].code + from;
	unsigned times = codes_of(&b->f[s->feature[0]]);

	for (size_t i = 0; i < n; i++)
		to[i * stride] = code[i];
	for (unsigned k = 1; k < s->nr; k++) {
		code = b->f[s->feature[k]].code + from;
		for (size_t i = 0; i < n; i++)
			to[i * stride] = (uint8_t)(to[i * stride] + times * code[i]);
		times *= codes_of(&b->f[s->feature[k]]);
	}
}

/* 512 rows at a time, so that the piece being written stays in the first cache. */
static void rows_item(void *ctx, size_t item, unsigned member)
{
	struct job *j = ctx;
	const struct bins *b = j->b;
	size_t blocks = j->blocks, end;
	const struct bin_tile *t = &b->tiles[item / blocks];

	(void)member;
	end = MIN_OF(b->rows, (item % blocks + 1) * BLOCK);
	for (size_t from = item % blocks * BLOCK; from < end; from += 512) {
		size_t n = MIN_OF((size_t)512, end - from);

		for (size_t i = 0; i < t->nr; i++)
			write_slot(b, &b->slots[t->first + i],
				   t->rows + from * t->stride + i, t->stride, from, n);
	}
}

/* ---- all of it -------------------------------------------------------------------- */

static void list_features(struct job *j)
{
	struct bins *b = j->b;
	const struct table *t = j->t;

	b->f = xcalloc(t->cols_nr + 1, sizeof(*b->f));
	b->nr = t->cols_nr;
	for (size_t i = 0; i < t->cols_nr; i++) {
		const struct feature *f = &t->cols[i].f;

		b->f[i].column = (uint32_t)i;
		b->f[i].categorical = f->kind == FEATURE_CATEGORICAL;
		if (!b->f[i].categorical)
			continue;
		b->f[i].other = f->cats_nr > BINS_CATEGORIES;
		b->f[i].nr = b->f[i].other ? BINS_CATEGORIES + 1 : (unsigned)f->cats_nr;
	}
}

static int find_all_cuts(struct job *j, struct team *team, struct err *e)
{
	unsigned members = j->comm->size > 1 ? 1 : team_size(team);
	int r = 0;

	j->scratch = xcalloc(members, sizeof(*j->scratch));
	for (unsigned m = 0; m < members && r == 0; m++) {
		void *p = NULL;

		r = try_alloc(&p, j->pick_nr + 1, 4 * sizeof(float), "sampled values", e);
		j->scratch[m] = p;
	}
	if (r == 0 && j->comm->size > 1)
		r = cuts_shared(j, e);
	else if (r == 0)
		team_for(team, j->b->nr, cuts_alone, j);
	for (unsigned m = 0; m < members; m++)
		free(j->scratch[m]);
	free(j->scratch);
	return r;
}

int bins_build(struct bins *out, const struct table *t, const struct train_params *p,
	       const struct comm *comm, struct team *team, enum simd simd, struct err *e)
{
	struct bins b = {.rows = t->rows};
	struct job j = {.b = &b, .t = t, .p = p, .comm = comm, .simd = simd};
	int r;

	j.total = t->rows;
	if ((r = comm->sum_u64(comm->ctx, &j.total, 1, e)) < 0)
		return r;
	j.blocks = (t->rows + BLOCK - 1) / BLOCK;
	j.cut = xcalloc(t->cols_nr + 1, sizeof(*j.cut));
	j.thin = xcalloc(t->cols_nr + 1, sizeof(*j.thin));
	list_features(&j);
	if ((r = draw_sample(&j, e)) < 0 || (r = find_all_cuts(&j, team, e)) < 0 ||
	    (r = encode_all(&j, team, e)) < 0 || (r = drop_useless(&j, e)) < 0 ||
	    (r = lay_tiles(&b, e)) < 0)
		goto out;
	team_for(team, b.tiles_nr * j.blocks, rows_item, &j);
	*out = b;
	b = (struct bins){0};
out:
	free(j.pick);
	free(j.cut);
	free(j.thin);
	free(j.missing);
	bins_release(&b);
	return r;
}

void bins_release(struct bins *b)
{
	for (size_t f = 0; b->f && f < b->nr; f++) {
		free(b->f[f].code);
		free(b->f[f].cut);
	}
	free(b->f);
	free(b->slots);
	free(b->tiles);
	free(b->own);
	*b = (struct bins){0};
}
