#include "train/run/command.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/interrupt.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/base/text.h"
#include "store/meta/collect.h"
#include "store/meta/dvcfile.h"
#include "store/meta/stage_spec.h"
#include "store/odb/odb.h"
#include "store/repo/record.h"
#include "store/repo/repo.h"
#include "store/repo/report.h"
#include "store/repo/status.h"
#include "train/run/inputs.h"
#include "train/run/record.h"
#include "train/run/run_impl.h"
#include "train/run/spawn.h"
#include "train/run/verify.h"

#include <stdlib.h>
#include <string.h>

struct job {
	struct repo *repo;
	const struct command_options *o;
	const char *base; /* where it runs, from the root */
	char *name, *record, *line;
	struct inputs in, out;
	struct stages stages;
	struct stage *stage;
};

static void job_release(struct job *j)
{
	inputs_release(&j->in);
	inputs_release(&j->out);
	stages_release(&j->stages);
	free(j->name);
	free(j->record);
	free(j->line);
}

/* "out/model.pkl" gives "model". */
static char *name_of(const struct command_options *o)
{
	const char *first = o->outs_nr > 0	      ? o->outs[0]
			    : o->outs_no_cache_nr > 0 ? o->outs_no_cache[0]
						      : "command";
	struct slice base = path_base(first);
	char *name = xmemdup0(base.p, base.n), *dot;

	if ((dot = strchr(name + (name[0] == '.'), '.')) != NULL)
		*dot = '\0';
	for (char *p = name; *p; p++) {
		char one[2] = {*p, '\0'};

		if (!stage_name_is_valid(one))
			*p = '-';
	}
	return name;
}

static void add_words(struct buf *b, const char *opt, const char *const *v, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		buf_addf(b, " %s ", opt);
		text_shell_quote(b, slice_of(v[i]));
	}
}

/* What a stage runs is this very command: the record is one of its outputs. */
static char *command_line(const struct job *j)
{
	const struct command_options *o = j->o;
	struct buf b = {0};

	buf_adds(&b, "lode train -n ");
	text_shell_quote(&b, slice_of(j->name));
	add_words(&b, "-d", o->deps, o->deps_nr);
	add_words(&b, "-o", o->outs, o->outs_nr);
	add_words(&b, "-O", o->outs_no_cache, o->outs_no_cache_nr);
	buf_adds(&b, " --");
	for (size_t i = 0; i < o->argc; i++) {
		buf_addc(&b, ' ');
		text_shell_quote(&b, slice_of(o->argv[i]));
	}
	return buf_detach(&b);
}

static int make_stage(struct job *j, struct err *e)
{
	const struct command_options *o = j->o;
	size_t nr = o->outs_nr + o->outs_no_cache_nr;
	struct stage_spec_out *outs = xcalloc(nr + 1, sizeof(*outs));
	char *yaml = path_join(j->base, "dvc.yaml");
	const char *const cmd[] = {j->line};
	struct stage_spec spec = {
		.file = yaml,
		.name = j->name,
		.cmd = cmd,
		.cmd_nr = 1,
		.deps = o->deps,
		.deps_nr = o->deps_nr,
		.outs = outs,
		.outs_nr = nr + 1,
	};
	int rc;

	for (size_t i = 0; i < o->outs_nr; i++)
		outs[i].path = o->outs[i];
	for (size_t i = o->outs_nr; i < nr; i++) {
		outs[i].path = o->outs_no_cache[i - o->outs_nr];
		outs[i].no_cache = true;
	}
	outs[nr].path = j->record;
	outs[nr].no_cache = true;
	j->stages.root = repo_root(j->repo);
	rc = stage_from_spec(&j->stages, &spec, &j->stage, e);
	free(outs);
	free(yaml);
	return rc;
}

static int plan(struct job *j, struct err *e)
{
	const struct command_options *o = j->o;
	int rc = 0;

	if (o->outs_nr + o->outs_no_cache_nr == 0)
		return err_set(e, ERR_INVALID, "no output: name one with -o or -O");
	j->name = o->name ? xstrdup(o->name) : name_of(o);
	j->record = xasprintf("%s.run.json", j->name);
	j->line = command_line(j);
	j->in.base = j->out.base = j->base;
	for (size_t i = 0; i < o->deps_nr && rc == 0; i++)
		rc = inputs_add(&j->in, j->repo, INPUT_DEP, o->deps[i], e);
	for (size_t i = 0; i < o->outs_nr && rc == 0; i++)
		rc = inputs_add(&j->out, j->repo, INPUT_DEP, o->outs[i], e);
	for (size_t i = 0; i < o->outs_no_cache_nr && rc == 0; i++)
		rc = inputs_add(&j->out, j->repo, INPUT_DEP, o->outs_no_cache[i], e);
	for (size_t i = 0; i < j->in.nr && rc == 0; i++)
		if (!j->in.v[i].path)
			rc = err_set(e, ERR_INVALID, "-d %s: a command reads paths",
				     j->in.v[i].text);
	for (size_t i = 0; i < j->out.nr && rc == 0; i++)
		if (!j->out.v[i].path)
			rc = err_set(e, ERR_INVALID, "-o %s: a command writes paths",
				     j->out.v[i].text);
	return rc == 0 ? make_stage(j, e) : rc;
}

/* ---- before -------------------------------------------------------------- */

static bool may_replace(void *ctx, const struct stage *old)
{
	const struct job *j = ctx;
	bool is_ours = old->cmd && strncmp(old->cmd[0], "lode train -n ", 14) == 0;

	/* Its name was given on the command line: that is asking for it. */
	return is_ours || (j->o->name && j->o->force);
}

/*
 * What the stage made the last time goes, as `dvc repro` has it: a command that
 * writes into a file of the cache through its link would damage the object. Only
 * what the cache has is removed.
 */
static int clear_old(struct job *j, const struct stage *old, struct err *e)
{
	struct odb *odb;
	int rc;

	if ((rc = repo_odb(j->repo, &odb, e)) < 0)
		return rc;
	for (size_t i = 0; old && i < old->outs_nr; i++) {
		const struct out *o = &old->outs[i];
		struct status_result res = {0};
		struct status_stage now = {0};
		bool is_saved;

		if (!o->at.path || !o->cache || !oid_known(&o->at.oid) ||
		    !odb_has(odb, &o->at.oid))
			continue;
		rc = status_of_stage(j->repo, old, STATUS_OUTS | STATUS_CACHE, &res, &now,
				     e);
		is_saved = rc == 0;
		for (size_t k = 0; k < now.outs.nr; k++)
			is_saved &= strcmp(now.outs.v[k].path, o->at.text) != 0;
		vec_release(&now.deps);
		vec_release(&now.outs);
		status_result_release(&res);
		if (rc < 0 || (is_saved && (rc = fs_remove_tree(repo_rootfd(j->repo),
								o->at.path, e)) < 0))
			return rc;
	}
	return 0;
}

static int is_unchanged(struct job *j, const struct stage *old, bool *out, struct err *e)
{
	struct status_result res = {0};
	struct status_stage now = {0};
	int rc;

	*out = false;
	if (!old || !old->in_lock || j->o->force || !old->cmd || old->cmd_is_list ||
	    strcmp(old->cmd[0], j->line) != 0)
		return 0;
	rc = status_of_stage(j->repo, old, STATUS_DEPS | STATUS_OUTS | STATUS_CACHE, &res,
			     &now, e);
	if (rc == 0)
		*out = !status_stage_changed(&now);
	vec_release(&now.deps);
	vec_release(&now.outs);
	status_result_release(&res);
	return rc;
}

static int before(struct job *j, struct report *rep, bool *unchanged, struct err *e)
{
	struct collection c = {0};
	const struct stage *old;
	int rc;

	if (repo_in_stage(j->repo))
		return 0;
	if ((rc = repo_record_check(j->repo, &j->stages, j->stage, may_replace, j, e)) <
		    0 ||
	    (rc = repo_collect(j->repo, 0, &c, e)) < 0)
		goto out;
	old = stages_find(&c.stages, j->stage->file, j->stage->name);
	if ((rc = inputs_pin(&j->in, j->repo, &c, old, e)) < 0 ||
	    (rc = j->o->update ? inputs_update(&j->in, j->repo, rep, e)
			       : inputs_check(&j->in, j->repo, false, e)) < 0 ||
	    (rc = is_unchanged(j, old, unchanged, e)) < 0 || *unchanged)
		goto out;
	rc = clear_old(j, old, e);
out:
	collection_release(&c);
	return rc;
}

/* ---- hashing ------------------------------------------------------------- */

static int digest(struct inputs *in, struct repo *r, struct err *e)
{
	int rc;

	if ((rc = inputs_open(in, r, e)) == 0)
		rc = inputs_hash(in, e);
	inputs_close(in);
	return rc == 0 ? inputs_settle(in, e) : rc;
}

/* The same bytes as before the command, or its result is of nobody knows what. */
static int still_the_same(const struct inputs *in, struct repo *r, const char *base,
			  struct err *e)
{
	struct inputs now = {.base = base};
	int rc = 0;

	for (size_t i = 0; i < in->nr && rc == 0; i++)
		rc = inputs_add(&now, r, INPUT_DEP, in->v[i].text, e);
	if (rc == 0)
		rc = digest(&now, r, e);
	for (size_t i = 0; i < in->nr && rc == 0; i++)
		if (memcmp(now.v[i].sha256, in->v[i].sha256, 32) != 0)
			rc = err_set(
				e, ERR_CONFLICT,
				"'%s' changed while the command ran: nothing is recorded",
				in->v[i].text);
	inputs_release(&now);
	return rc;
}

static int run_words(struct repo *r, const char *base, const char *name,
		     const char *const *argv, size_t argc, struct err *e)
{
	struct spawn s = {.argv = argv,
			  .argc = argc,
			  .root = repo_root(r),
			  .dir = base,
			  .stage = name};
	int status = 0, rc;

	if ((rc = spawn_run(&s, &status, e)) < 0)
		return rc;
	if (status < 0)
		return err_set(e, ERR_INVALID, "failed to run: %s, killed by signal %d",
			       argv[0], -status);
	if (status != 0)
		return err_set(e, ERR_INVALID, "failed to run: %s, exited with %d",
			       argv[0], status);
	return interrupt_check(e);
}

/* ---- after --------------------------------------------------------------- */

static void fill_outputs(struct run_record *rec, const struct inputs *out)
{
	rec->outputs = arena_alloc(&rec->arena, (out->nr + 1) * sizeof(*rec->outputs));
	rec->outputs_nr = out->nr;
	for (size_t i = 0; i < out->nr; i++) {
		struct record_output *o = &rec->outputs[i];

		o->path = out->v[i].text;
		o->is_dir = out->v[i].is_dir;
		o->bytes = out->v[i].bytes;
		memcpy(o->md5, out->v[i].got.b, sizeof(o->md5));
		memcpy(o->sha256, out->v[i].sha256, sizeof(o->sha256));
	}
}

static int write_record(struct job *j, struct err *e)
{
	const char **argv = xcalloc(j->o->argc + 1, sizeof(*argv));
	struct run_record rec = {.kind = RECORD_COMMAND,
				 .command = j->line,
				 .path = j->record,
				 .argv = argv,
				 .inputs = &j->in};
	char *path = path_join(j->base, j->record);
	struct buf text = {0};
	enum fs_sync sync;
	int fd = -1, rc;

	for (size_t i = 0; i < j->o->argc; i++)
		argv[i] = j->o->argv[i];
	fill_outputs(&rec, &j->out);
	record_write(&rec, &text);
	if ((rc = repo_sync(j->repo, &sync, e)) == 0 &&
	    (rc = run_stage_files(j->repo, &fd, e)) == 0)
		rc = fs_write(repo_rootfd(j->repo), path, buf_slice(&text), 0666, sync,
			      e);
	run_unstage_files(fd);
	record_release(&rec);
	buf_release(&text);
	free(path);
	free(argv);
	return rc;
}

static int after(struct job *j, struct report *rep, struct err *e)
{
	int rc;

	for (size_t i = 0; i < j->out.nr; i++)
		if (fs_kind(repo_rootfd(j->repo), j->out.v[i].path) == 0)
			return err_set(e, ERR_INVALID, "output '%s' does not exist",
				       j->out.v[i].text);
	if ((rc = still_the_same(&j->in, j->repo, j->base, e)) < 0 ||
	    (rc = digest(&j->out, j->repo, e)) < 0 || (rc = write_record(j, e)) < 0 ||
	    repo_in_stage(j->repo))
		return rc;
	for (size_t i = 0; i < j->stage->deps_nr; i++) {
		const struct input *in = &j->in.v[i];

		pinned_set(&j->stages, &j->stage->deps[i].at, &in->got,
			   (int64_t)in->bytes, in->is_dir ? (int64_t)in->files_nr : -1,
			   in->is_exec);
	}
	for (size_t i = 0; i < j->stage->outs_nr; i++)
		if (!j->stage->outs[i].cache)
			report_track(rep, j->stage->outs[i].at.path);
	return repo_record(j->repo, &j->stages, j->stage, rep, e);
}

int run_command(struct repo *r, const struct command_options *o, struct report *rep,
		char **stage, bool *unchanged, struct err *e)
{
	struct job j = {.repo = r, .o = o, .base = repo_cwd(r)};
	int rc;

	*unchanged = false;
	if ((rc = plan(&j, e)) < 0 || (rc = before(&j, rep, unchanged, e)) < 0)
		goto out;
	if (!*unchanged &&
	    ((rc = digest(&j.in, r, e)) < 0 ||
	     (rc = run_words(r, j.base, j.name, o->argv, o->argc, e)) < 0 ||
	     (rc = after(&j, rep, e)) < 0))
		goto out;
	if (!repo_in_stage(r))
		*stage = xstrdup(j.name);
out:
	job_release(&j);
	return rc;
}

/* ---- verify -------------------------------------------------------------- */

/* What is there now goes aside for the time of the run, and comes back. */
static int move_aside(struct repo *r, const struct inputs *out, bool back, struct err *e)
{
	int fd = repo_rootfd(r);

	for (size_t i = 0; i < out->nr; i++) {
		const char *path = out->v[i].path;
		char *aside = xasprintf("%s.lode-verify", path);
		int rc = 0;

		if (back && fs_kind(fd, aside) != 0)
			rc = fs_remove_tree(fd, path, e);
		if (rc == 0 && fs_kind(fd, back ? aside : path) != 0 &&
		    sys_renameat(fd, back ? aside : path, fd, back ? path : aside) < 0)
			rc = err_sys(e, "rename", path);
		free(aside);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void compare_outputs(const struct run_record *rec, const struct inputs *out,
			    struct verify_result *res)
{
	for (size_t i = 0; i < rec->outputs_nr && res->state == VERIFY_MATCH; i++) {
		if (memcmp(rec->outputs[i].sha256, out->v[i].sha256, 32) == 0)
			continue;
		res->state = VERIFY_MODEL;
		res->output = arena_strdup(&res->arena, rec->outputs[i].path);
		res->detail = arena_printf(&res->arena,
					   "the command made %llu other bytes than the "
					   "%llu recorded",
					   (unsigned long long)out->v[i].bytes,
					   (unsigned long long)rec->outputs[i].bytes);
	}
}

static int run_aside(struct repo *r, const struct run_record *rec, const char *base,
		     struct verify_result *res, struct err *e)
{
	struct inputs out = {.base = base};
	struct err later = {0};
	size_t argc = 0;
	int rc = 0, r2;

	while (rec->argv[argc])
		argc++;
	for (size_t i = 0; i < rec->outputs_nr && rc == 0; i++)
		rc = inputs_add(&out, r, INPUT_DEP, rec->outputs[i].path, e);
	if (rc == 0 && (rc = move_aside(r, &out, false, e)) == 0 &&
	    (rc = run_words(r, base, "verify", rec->argv, argc, e)) == 0 &&
	    (rc = digest(&out, r, e)) == 0)
		compare_outputs(rec, &out, res);
	r2 = move_aside(r, &out, true, rc == 0 ? e : &later);
	inputs_release(&out);
	return rc < 0 ? rc : r2;
}

int verify_command(struct repo *r, const struct verify_options *o,
		   const struct run_record *rec, const char *base, struct inputs *in,
		   struct verify_result *res, struct err *e)
{
	int rc;

	if (!o->run) {
		struct buf b = {0};

		for (size_t i = 0; rec->argv[i]; i++) {
			if (i > 0)
				buf_addc(&b, ' ');
			/* A single word is a shell's line as it stands. */
			if (i == 0 && !rec->argv[1])
				buf_adds(&b, rec->argv[0]);
			else
				text_shell_quote(&b, slice_of(rec->argv[i]));
		}
		res->state = VERIFY_NOT_RUN;
		res->command = arena_strdup(&res->arena, buf_str(&b));
		buf_release(&b);
		return 0;
	}
	rc = digest(in, r, e);
	if (rc == ERR_CONFLICT) {
		char text[sizeof(e->text)];

		err_format(e, text, sizeof(text));
		res->state = VERIFY_INPUT;
		res->detail = arena_strdup(&res->arena, text);
		for (size_t i = 0; i < in->nr && !res->input; i++)
			if (oid_known(&in->v[i].got) &&
			    !oid_eq(&in->v[i].got, &in->v[i].want))
				res->input = arena_strdup(&res->arena, in->v[i].text);
		if (!res->input)
			res->input = res->record;
		return rc;
	}
	return rc < 0 ? rc : run_aside(r, rec, base, res, e);
}
