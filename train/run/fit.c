#include "train/run/fit.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/sink.h"
#include "store/base/vec.h"
#include "train/core/metric.h"
#include "train/core/team.h"
#include "train/run/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TRAIN_METRIC_ROWS 100000
#define NS_PER_S	  1e9

void fit_release(struct fit *f)
{
	frame_release(&f->frame);
	model_release(&f->model);
	free(f->metrics);
	free(f->result.margin);
	free(f->result.valid_margin);
	team_free(f->team);
	*f = (struct fit){0};
}

static double seconds_since(int64_t begun_ns)
{
	return (double)(clock_mono_ns() - begun_ns) / NS_PER_S;
}

int fit_read(struct fit *f, struct inputs *in, const struct train_config *c,
	     const struct fit_options *o, struct err *e)
{
	int64_t begun_ns = clock_mono_ns();
	int rc;

	if ((rc = team_new(&f->team, o->threads, e)) < 0)
		return rc;
	f->threads = team_size(f->team);
	rc = frame_read(&f->frame, in, c, f->team, o->sink, e);
	f->read_s = seconds_since(begun_ns);
	return rc;
}

/* ---- training ------------------------------------------------------------ */

bool fit_has_train_metric(const struct train_config *c, const struct table *t)
{
	return c->has_train_metric ? c->train_metric : t->rows <= TRAIN_METRIC_ROWS;
}

struct watch {
	const struct fit_options *o;
	int64_t begun_ns;
	unsigned shown; /* rounds that the sink was told of */
	uint64_t rows0; /* worked on before, by a resumed run */
	bool has_begun;
};

static void tell_round(struct watch *w, const struct train_round *r)
{
	double s = seconds_since(w->begun_ns);
	struct buf b = {0};

	if (r->metric && !isnan(r->train))
		buf_addf(&b, "train %s %.6g", r->metric, r->train);
	if (r->metric && !isnan(r->valid))
		buf_addf(&b, "%svalidation %s %.6g", b.n ? ", " : "", r->metric,
			 r->valid);
	if (s > 0 && r->rows > w->rows0)
		buf_addf(&b, "%s%.3g M rows/s", b.n ? ", " : "",
			 (double)(r->rows - w->rows0) / s / 1e6);
	sink_tell(w->o->sink, buf_str(&b));
	buf_release(&b);
}

static int on_round(void *ctx, const struct train_round *r)
{
	struct watch *w = ctx;
	int stop;

	if (!w->has_begun) {
		sink_begin(w->o->sink, "training", r->rounds, 0);
		w->shown = r->round - 1;
		w->has_begun = true;
	}
	tell_round(w, r);
	sink_add(w->o->sink, r->round - w->shown, 0);
	w->shown = r->round;
	stop = w->o->on_round ? w->o->on_round(w->o->ctx, r) : 0;
	return stop != 0 || interrupt_pending();
}

int fit_train(struct fit *f, struct train_config *c, const struct fit_options *o,
	      struct err *e)
{
	const struct table *valid = f->frame.has_valid ? &f->frame.valid : NULL;
	struct watch w = {.o = o, .begun_ns = clock_mono_ns()};
	struct train_control control = {
		.threads = f->threads,
		.simd = o->simd,
		.on_round = on_round,
		.ctx = &w,
		.train_metric =
			!o->no_round_metrics && fit_has_train_metric(c, &f->frame.train),
		.resume = o->resume,
		.want_margins = !o->no_round_metrics,
	};
	struct train_params p;
	int rc;

	if ((rc = interrupt_check(e)) < 0 ||
	    (rc = config_bind(c, &f->frame.train, &p, e)) < 0)
		return rc;
	rc = train(&f->model, &f->result, &f->frame.train, valid, &p, &control, e);
	if (w.has_begun)
		sink_end(o->sink);
	f->train_s = seconds_since(w.begun_ns);
	if (rc == 0) {
		struct buf json = {0};

		/* Without paths: the same bytes wherever the files lie. */
		config_json(c, false, &json);
		model_attribute_set(&f->model, "lode.config", buf_str(&json));
		buf_release(&json);
	}
	return rc;
}

/* ---- metrics ------------------------------------------------------------- */

struct predict {
	const struct model *m;
	const struct table *t;
	double *out;
};

#define BLOCK 4096

static void predict_block(void *ctx, size_t i, unsigned member)
{
	const struct predict *p = ctx;
	size_t from = i * BLOCK, to = from + BLOCK;

	(void)member;
	if (to > p->t->rows)
		to = p->t->rows;
	model_margins(p->m, p->t, from, to, p->out + from * p->m->outputs);
}

static double objective_arg(const struct train_params *p)
{
	switch (p->objective) {
	case OBJ_HUBER:
		return p->huber_delta;
	case OBJ_QUANTILE:
		return p->quantile_alpha;
	case OBJ_TWEEDIE:
		return p->tweedie_power;
	case OBJ_FAIR:
		return p->fair_c;
	default:
		return 0;
	}
}

static int measure_side(struct fit *f, const struct train_config *c, const char *side,
			const struct table *t, double *margin, struct err *e)
{
	const char *const *names =
		c->metrics.nr > 0 ? c->metrics.v : metric_defaults(c->params.objective);
	struct metric_input in = {
		.objective = c->params.objective,
		.outputs = f->model.outputs,
		.margin = margin,
		.label = t->label,
		.weight = t->weight,
		.group = t->group,
		.nr = t->rows,
		.threshold = 0.5,
		.arg = objective_arg(&c->params),
	};
	size_t nr = f->metrics_nr;

	for (size_t i = 0; c->metrics.nr > 0 ? i < c->metrics.nr : names[i] != NULL;
	     i++) {
		struct record_metric m = {.side = side, .name = names[i]};
		struct metric_value v = {.value = NAN, .low = NAN, .high = NAN};
		int rc = metric_compute(&v, names[i], &in, e);

		/* Not defined for these rows (one class only): told as null, unless a
		 * person asked for it by name. */
		if (rc < 0 && (rc != ERR_INVALID || c->metrics.nr > 0))
			return err_ctx(e, rc, "%s", side);
		if (rc < 0)
			v = (struct metric_value){NAN, NAN, NAN, t->rows};
		m.value = v.value;
		m.low = v.low;
		m.high = v.high;
		m.n = v.n;
		f->metrics = xrealloc(f->metrics, (nr + 1) * sizeof(*f->metrics));
		f->metrics[nr++] = m;
		f->metrics_nr = nr;
	}
	return 0;
}

/* margin: as the trainer had it, or NULL. */
static int measure_table(struct fit *f, const struct train_config *c, const char *side,
			 const struct table *t, double *margin, struct err *e)
{
	struct predict p = {.m = &f->model, .t = t};
	int rc;

	if (margin)
		return measure_side(f, c, side, t, margin, e);
	p.out = calloc(t->rows ? t->rows : 1, f->model.outputs * sizeof(*p.out));
	if (!p.out)
		return err_set(e, ERR_NOMEM, "no memory for %zu predictions", t->rows);
	team_for(f->team, (t->rows + BLOCK - 1) / BLOCK, predict_block, &p);
	rc = measure_side(f, c, side, t, p.out, e);
	free(p.out);
	return rc;
}

int fit_measure(struct fit *f, const struct train_config *c, struct err *e)
{
	int64_t begun_ns = clock_mono_ns();
	int rc = measure_table(f, c, "train", &f->frame.train, f->result.margin, e);

	if (rc == 0 && f->frame.has_valid)
		rc = measure_table(f, c, "validation", &f->frame.valid,
				   f->result.valid_margin, e);
	f->eval_s = seconds_since(begun_ns);
	return rc;
}
