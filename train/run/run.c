#include "train/run/run.h"

#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/interrupt.h"
#include "store/base/path.h"
#include "store/base/sink.h"
#include "store/base/text.h"
#include "store/fmt/value.h"
#include "store/hash/hash.h"
#include "store/meta/collect.h"
#include "store/meta/dvcfile.h"
#include "store/meta/stage_spec.h"
#include "store/repo/record.h"
#include "store/repo/repo.h"
#include "store/repo/status.h"
#include "train/run/run_impl.h"

#include <stdlib.h>
#include <string.h>

#define CHECKPOINT_EVERY_NS 60000000000LL

void run_result_release(struct run_result *res)
{
	free(res->stage);
	free(res->model);
	free(res->record);
	free(res->resume);
	report_release(&res->report);
	*res = (struct run_result){0};
}

/* ---- what is asked ------------------------------------------------------- */

static int add_inputs(struct run *t, struct err *e)
{
	const struct train_config *c = &t->config;
	int rc = 0;

	t->in.base = t->base;
	for (size_t i = 0; i < c->data.nr && rc == 0; i++)
		rc = inputs_add(&t->in, t->repo, INPUT_TRAIN, c->data.v[i], e);
	for (size_t i = 0; i < c->validation.nr && rc == 0; i++)
		rc = inputs_add(&t->in, t->repo, INPUT_VALID, c->validation.v[i], e);
	if (rc == 0)
		rc = inputs_add(&t->in, t->repo, INPUT_CONFIG, t->name, e);
	return rc < 0 ? err_ctx(e, rc, "%s", c->name) : 0;
}

int run_open(struct run *t, struct repo *r, const struct run_options *o, struct err *e)
{
	const char *file = o->file ? o->file : "train.yaml";
	struct slice dir, name;
	int rc;

	t->repo = r;
	t->o = o;
	if ((rc = repo_rel(r, file, &t->file, e)) < 0)
		return rc;
	dir = path_dir(t->file);
	name = path_base(t->file);
	t->base = slice_is(dir, ".") ? xstrdup("") : xmemdup0(dir.p, dir.n);
	t->name = xmemdup0(name.p, name.n);
	rc = fs_read(repo_rootfd(r), t->file, 0, &t->text, e);
	if (rc == ERR_NOTFOUND)
		return err_set(
			e, rc,
			"'%s' does not exist; 'lode train init DATA --target COLUMN' "
			"writes one",
			file);
	if (rc < 0 || (rc = config_read(&t->config, file, buf_slice(&t->text),
					o->overrides, o->overrides_nr, e)) < 0)
		return rc;
	t->command = run_command_line(&t->config, t->name);
	return add_inputs(t, e);
}

void run_release(struct run *t)
{
	fit_release(&t->fit);
	live_release(&t->live);
	stages_release(&t->stages);
	inputs_release(&t->in);
	config_release(&t->config);
	buf_release(&t->text);
	free(t->file);
	free(t->base);
	free(t->name);
	free(t->command);
	free(t->checkpoint);
	*t = (struct run){0};
}

void run_pin_config(struct run *t)
{
	for (size_t i = 0; i < t->in.nr; i++) {
		struct input *in = &t->in.v[i];
		struct input_file *f = in->files;

		if (in->role != INPUT_CONFIG || in->files_nr != 1)
			continue;
		/* The bytes that were parsed, whatever the file has become since. */
		hash_md5(t->text.p, t->text.n, f->md5);
		hash_sha256(t->text.p, t->text.n, f->sha256);
		f->bytes = t->text.n;
		f->has_digest = true;
	}
}

char *run_command_line(const struct train_config *c, const char *name)
{
	struct buf b = {0};

	buf_adds(&b, "lode train ");
	for (size_t i = 0; i < c->overrides.nr; i++) {
		buf_adds(&b, "-S ");
		text_shell_quote(&b, slice_of(c->overrides.v[i]));
		buf_addc(&b, ' ');
	}
	text_shell_quote(&b, slice_of(name));
	return buf_detach(&b);
}

/* ---- the stage ----------------------------------------------------------- */

static struct value *step_axis(struct arena *a)
{
	struct value *map = value_map(a);

	value_set(a, map, "x", value_cstr(a, "step"));
	return map;
}

int run_make_stage(struct run *t, bool has_live, struct err *e)
{
	const struct train_config *c = &t->config;
	const char *const cmd[] = {t->command};
	const char **deps = xcalloc(t->in.nr + 1, sizeof(*deps));
	char *yaml = path_join(t->base, "dvc.yaml");
	struct stage_spec_out outs[5];
	struct stage_spec spec = {
		.file = yaml,
		.name = c->stage,
		.desc = c->desc,
		.cmd = cmd,
		.cmd_nr = 1,
		.deps = deps,
		.outs = outs,
		.outs_nr = 3,
	};
	int rc;

	for (size_t i = 0; i < t->in.nr; i++)
		if (t->in.v[i].path)
			deps[spec.deps_nr++] = t->in.v[i].text;
	outs[0] = (struct stage_spec_out){.path = c->out};
	outs[1] = (struct stage_spec_out){.path = c->out_record, .no_cache = true};
	outs[2] = (struct stage_spec_out){
		.path = c->out_metrics, .kind = STAGE_SPEC_METRIC, .no_cache = true};
	stages_release(&t->stages);
	t->stages.root = repo_root(t->repo);
	if (has_live) {
		struct arena *a = &t->stages.arena;

		outs[spec.outs_nr++] = (struct stage_spec_out){
			.path = arena_printf(a, "%s/metrics.json", c->live),
			.kind = STAGE_SPEC_METRIC,
			.no_cache = true};
		outs[spec.outs_nr++] = (struct stage_spec_out){
			.path = arena_printf(a, "%s/plots/metrics", c->live),
			.kind = STAGE_SPEC_PLOT,
			.no_cache = true,
			.plot_props = step_axis(a)};
	}
	rc = stage_from_spec(&t->stages, &spec, &t->stage, e);
	free(deps);
	free(yaml);
	return rc;
}

/* ---- before -------------------------------------------------------------- */

/* A stage of ours by this name may be replaced: one that runs this file. */
static bool may_replace(void *ctx, const struct stage *old)
{
	const struct run *t = ctx;
	struct slice cmd = slice_of(old->cmd ? old->cmd[0] : "");
	struct buf tail = {0};
	bool is_ours;

	buf_addc(&tail, ' ');
	text_shell_quote(&tail, slice_of(t->name));
	is_ours = !old->cmd_is_list && slice_starts(cmd, "lode train ") &&
		  slice_ends(cmd, buf_str(&tail));
	buf_release(&tail);
	return is_ours;
}

static bool same_command(const struct run *t, const struct stage *old)
{
	return !old->cmd_is_list && old->cmd && strcmp(old->cmd[0], t->command) == 0;
}

/* Is everything as dvc.lock says, as `dvc status` would ask? */
static int ask_unchanged(struct run *t, const struct stage *old, bool *unchanged,
			 struct err *e)
{
	struct status_result res = {0};
	struct status_stage now = {0};
	int rc;

	*unchanged = false;
	if (!old || !old->in_lock || !same_command(t, old))
		return 0;
	rc = status_of_stage(t->repo, old, STATUS_DEPS | STATUS_OUTS | STATUS_CACHE, &res,
			     &now, e);
	if (rc == 0)
		*unchanged = !status_stage_changed(&now);
	vec_release(&now.deps);
	vec_release(&now.outs);
	status_result_release(&res);
	return rc;
}

static bool all_paths(const struct run *t)
{
	for (size_t i = 0; i < t->in.nr; i++)
		if (!t->in.v[i].path)
			return false;
	return true;
}

static int find_old(const struct run *t, const struct collection *c,
		    const struct stage **out)
{
	*out = stages_find(&c->stages, t->stage->file, t->stage->name);
	return 0;
}

/* A configuration may come with a clone: it says where to write, within limits. */
static int check_outputs(struct run *t, struct err *e)
{
	const struct train_config *c = &t->config;
	const char *const all[] = {c->out, c->out_metrics, c->out_record, c->live};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all) && rc == 0; i++) {
		char *path = all[i] ? run_path(t, all[i]) : NULL;

		if (path && (rc = repo_check_output(t->repo, path, e)) < 0)
			rc = err_ctx(e, rc, "%s", c->name);
		free(path);
	}
	return rc;
}

/*
 * Everything that can be refused is refused before the work: a stage that clashes,
 * an input that is not what it should be.
 */
static int prepare(struct run *t, struct run_result *res, bool *unchanged, struct err *e)
{
	struct collection c = {0};
	const struct stage *old = NULL;
	int rc;

	*unchanged = false;
	t->has_stage = !repo_in_stage(t->repo) && all_paths(t);
	if ((rc = check_outputs(t, e)) < 0 || (rc = run_make_stage(t, false, e)) < 0 ||
	    repo_in_stage(t->repo))
		return rc;
	if (t->has_stage && (rc = repo_record_check(t->repo, &t->stages, t->stage,
						    may_replace, t, e)) < 0)
		return rc;
	if ((rc = repo_collect(t->repo, 0, &c, e)) < 0 ||
	    (rc = find_old(t, &c, &old)) < 0 ||
	    (rc = inputs_pin(&t->in, t->repo, &c, t->has_stage ? old : NULL, e)) < 0)
		goto out;
	rc = t->o->update ? inputs_update(&t->in, t->repo, &res->report, e)
			  : inputs_check(&t->in, t->repo, false, e);
	if (rc == 0 && t->has_stage && !t->o->force)
		rc = ask_unchanged(t, old, unchanged, e);
out:
	collection_release(&c);
	return rc;
}

/* ---- the work ------------------------------------------------------------ */

static int on_round(void *ctx, const struct train_round *r)
{
	struct run *t = ctx;
	int64_t now_ns = clock_mono_ns();
	int rc = live_add(&t->live, r, &t->failed);

	if (rc == 0 && (interrupt_pending() || now_ns >= t->next_checkpoint_ns)) {
		rc = run_checkpoint_save(t, r, &t->failed);
		t->next_checkpoint_ns = now_ns + CHECKPOINT_EVERY_NS;
	}
	t->failed_code = rc;
	return rc;
}

static int read_inputs(struct run *t, const struct fit_options *o, struct err *e)
{
	int rc;

	if ((rc = inputs_open(&t->in, t->repo, e)) < 0)
		return rc;
	run_pin_config(t);
	rc = fit_read(&t->fit, &t->in, &t->config, o, e);
	inputs_close(&t->in);
	return rc == 0 ? inputs_settle(&t->in, e) : rc;
}

static int work(struct run *t, struct err *e)
{
	struct fit_options o = {
		.threads = t->o->threads,
		.simd = t->o->simd,
		.sink = repo_sink(t->repo),
		.on_round = on_round,
		.ctx = t,
	};
	struct buf core = {0};
	char *live = NULL;
	int rc;

	if ((rc = read_inputs(t, &o, e)) < 0 || (rc = run_checkpoint_name(t, e)) < 0)
		return rc;
	if (t->config.live)
		live = run_path(t, t->config.live);
	live_begin(&t->live, repo_rootfd(t->repo), live);
	if (t->o->resume && (rc = run_checkpoint_load(t, &core, e)) < 0)
		goto out;
	t->resumed = core.n > 0;
	if (t->o->resume && !t->resumed)
		sink_note(repo_sink(t->repo), "There is nothing to go on from: no "
					      "checkpoint of this configuration and this "
					      "data. Starting at the first round.");
	o.resume = buf_slice(&core);
	t->next_checkpoint_ns = clock_mono_ns() + CHECKPOINT_EVERY_NS;
	rc = fit_train(&t->fit, &t->config, &o, e);
	if (rc == 0 && t->failed_code < 0) {
		*e = t->failed;
		rc = t->failed_code;
	}
	t->has_live = live_has_rows(&t->live) && t->live.dir;
out:
	buf_release(&core);
	free(live);
	return rc;
}

static void pin_deps(struct run *t)
{
	for (size_t i = 0; i < t->stage->deps_nr; i++) {
		struct dep *d = &t->stage->deps[i];

		for (size_t k = 0; k < t->in.nr; k++) {
			const struct input *in = &t->in.v[k];

			if (!in->path || strcmp(in->path, d->at.path) != 0)
				continue;
			pinned_set(&t->stages, &d->at, &in->got, (int64_t)in->bytes,
				   in->is_dir ? (int64_t)in->files_nr : -1, in->is_exec);
			break;
		}
	}
}

/* A clone can verify only what git brings: the record, and what led to it. */
static void track(struct run *t, struct run_result *res)
{
	report_track(&res->report, t->file);
	for (size_t i = 0; i < t->stage->outs_nr; i++)
		if (!t->stage->outs[i].cache)
			report_track(&res->report, t->stage->outs[i].at.path);
}

static int record(struct run *t, struct run_result *res, struct err *e)
{
	int rc;

	if (!t->has_stage)
		return 0;
	if ((rc = run_make_stage(t, t->has_live, e)) < 0)
		return rc;
	pin_deps(t);
	track(t, res);
	res->stage = xstrdup(t->config.stage);
	return repo_record(t->repo, &t->stages, t->stage, &res->report, e);
}

static void tell(struct run *t, struct run_result *res)
{
	const struct fit *f = &t->fit;

	res->resumed = t->resumed;
	res->early = f->result.early;
	res->float32_exact = f->result.float32_exact;
	res->rounds = f->result.rounds;
	res->best_round = f->result.best_round;
	res->asked_rounds =
		t->config.params.type == MODEL_GBT ? t->config.params.trees : 0;
	res->rows = f->frame.train.rows;
	res->validation_rows = f->frame.has_valid ? f->frame.valid.rows : 0;
	res->columns = f->frame.train.cols_nr;
	res->read_s = f->read_s;
	res->train_s = f->train_s;
}

static int finish(struct run *t, struct run_result *res, struct err *e)
{
	char *again;
	int rc;

	tell(t, res);
	if (t->fit.result.stopped) {
		/* A model that people can use, and nothing that says it is the result. */
		res->state = RUN_STOPPED;
		/* As it was typed: seen from where the person stands. */
		again = run_command_line(&t->config, t->o->file ? t->o->file : t->name);
		res->resume = xasprintf("%s --resume", again);
		free(again);
		if ((rc = run_write_model(t, res, e)) == 0)
			rc = live_flush(&t->live, FS_SYNC_NONE, e);
		return rc;
	}
	if (!res->float32_exact && t->config.params.type == MODEL_GBT)
		report_warn(
			&res->report,
			"some margins are too large for exact sums in binary32: "
			"'model.leaf_grid_bits' %d or less would keep exported models "
			"exact",
			t->fit.model.grid_bits - 1);
	if ((rc = fit_measure(&t->fit, &t->config, e)) < 0 ||
	    (rc = run_write_outputs(t, res, e)) < 0 || (rc = record(t, res, e)) < 0)
		return rc;
	run_checkpoint_drop(t);
	return 0;
}

int run_train(struct repo *r, const struct run_options *o, struct run_result *res,
	      struct err *e)
{
	int64_t begun_ns = clock_mono_ns();
	struct run t = {0};
	bool unchanged;
	int fd = -1, rc;

	if ((rc = run_open(&t, r, o, e)) < 0 ||
	    (rc = prepare(&t, res, &unchanged, e)) < 0)
		goto out;
	if (t.has_stage)
		res->stage = xstrdup(t.config.stage);
	if (unchanged) {
		res->state = RUN_UNCHANGED;
		res->model = run_path(&t, t.config.out);
		res->record = run_path(&t, t.config.out_record);
		goto out;
	}
	free(res->stage);
	res->stage = NULL;
	if ((rc = run_stage_files(r, &fd, e)) < 0 || (rc = work(&t, e)) < 0 ||
	    (rc = finish(&t, res, e)) < 0)
		goto out;
	res->total_s = (double)(clock_mono_ns() - begun_ns) / 1e9;
	run_log(&t, res);
out:
	run_unstage_files(fd);
	run_release(&t);
	return rc;
}
