#include <stdlib.h>
#include <string.h>

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/sink.h"
#include "train/core/rng.h"
#include "train/core/team.h"
#include "train/run/evaluate_impl.h"

void permuted_release(struct permuted *p)
{
	free(p->metric);
	free(p->drop);
	*p = (struct permuted){0};
}

struct drawn {
	uint64_t draw;
	uint32_t row;
};

static int drawn_cmp(const void *a, const void *b)
{
	const struct drawn *x = a, *y = b;

	if (x->draw != y->draw)
		return x->draw < y->draw ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

/* Room for the draws, and for a column as it was. */
struct room {
	struct drawn *order;
	uint32_t *old; /* codes, or the bits of numbers */
};

static int room_new(struct room *r, size_t rows, struct err *e)
{
	void *mem;
	int rc;

	if ((rc = try_alloc(&mem, rows + 1, sizeof(*r->order), "a permutation", e)) < 0)
		return rc;
	r->order = mem;
	if ((rc = try_alloc(&mem, rows + 1, sizeof(*r->old), "a column", e)) < 0)
		return rc;
	r->old = mem;
	return 0;
}

_Static_assert(sizeof(float) == sizeof(uint32_t), "a number is as wide as a code");

/* Row i gets the value of the row that was drawn i-th. */
static void deal(struct evaluate_work *w, size_t feature, uint64_t seed, struct room *r)
{
	struct column *c = &w->t.cols[feature];
	void *values =
		c->f.kind == FEATURE_CATEGORICAL ? (void *)c->code : (void *)c->num;
	uint64_t base = rng_base(seed, RNG_PERMUTE, feature);
	size_t rows = w->t.rows;

	for (size_t i = 0; i < rows; i++)
		r->order[i] =
			(struct drawn){rng_at(base, table_key(&w->t, i)), (uint32_t)i};
	qsort(r->order, rows, sizeof(*r->order), drawn_cmp);
	memcpy(r->old, values, rows * sizeof(*r->old));
	for (size_t i = 0; i < rows; i++)
		memcpy((char *)values + i * sizeof(*r->old), &r->old[r->order[i].row],
		       sizeof(*r->old));
}

static void put_back(struct evaluate_work *w, size_t feature, const struct room *r)
{
	struct column *c = &w->t.cols[feature];
	void *values =
		c->f.kind == FEATURE_CATEGORICAL ? (void *)c->code : (void *)c->num;

	memcpy(values, r->old, w->t.rows * sizeof(*r->old));
}

static int each_feature(struct evaluate_work *w, struct permuted *p, uint64_t seed,
			struct err *e)
{
	bool higher = metric_higher_is_better(p->metric);
	struct metric_value v;
	struct room room = {0};
	int r;

	sink_begin(w->o->sink, "permuting", w->m->features_nr, 0);
	if ((r = room_new(&room, w->t.rows, e)) < 0)
		goto out;
	for (size_t j = 0; j < w->m->features_nr; j++) {
		if ((r = interrupt_check(e)) < 0)
			goto out;
		deal(w, j, seed, &room);
		if ((r = evaluate_predict(w, e)) < 0 ||
		    (r = metric_compute(&v, p->metric, &w->in, e)) < 0)
			goto out;
		put_back(w, j, &room);
		p->drop[j] = higher ? p->value - v.value : v.value - p->value;
		sink_add(w->o->sink, 1, 0);
	}
out:
	sink_end(w->o->sink);
	free(room.order);
	free(room.old);
	return r;
}

int permute(struct permuted *out, const struct model *m, struct data_file *files,
	    size_t files_nr, const struct evaluate_options *o, uint64_t seed,
	    struct err *e)
{
	struct evaluate_work w = {.m = m, .o = o};
	const char *metric =
		o->metrics.nr ? o->metrics.v[0] : metric_defaults(m->objective)[0];
	struct permuted p = {0};
	struct metric_value v;
	int r;

	p.metric = xstrdup(metric);
	p.drop = xcalloc(m->features_nr + 1, sizeof(*p.drop));
	if ((r = team_new(&w.team, o->threads, e)) < 0 ||
	    (r = evaluate_read(&w, files, files_nr, e)) < 0 ||
	    (r = evaluate_predict(&w, e)) < 0 ||
	    (r = metric_compute(&v, p.metric, &w.in, e)) < 0)
		goto out;
	p.value = v.value;
	if ((r = each_feature(&w, &p, seed, e)) < 0)
		goto out;
	*out = p;
	p = (struct permuted){0};
out:
	permuted_release(&p);
	evaluate_work_release(&w);
	return r;
}
