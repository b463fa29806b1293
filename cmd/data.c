#include "cmd/cmd.h"
#include "cmd/json.h"
#include "remote/sync/sync.h"
#include "store/base/err.h"
#include "store/repo/diff.h"
#include "store/repo/repo.h"

#include <string.h>

struct data_args {
	struct opt_list targets;
	const char *untracked, *remote;
	bool granular, unchanged, not_in_remote, no_remote_refresh;
};

static const char *const untracked_choices[] = {"all", "no", NULL};

static const struct opt data_opts[] = {
	OPT_BOOL(0, "granular", struct data_args, granular,
		 "show files inside directories too"),
	OPT_BOOL(0, "unchanged", struct data_args, unchanged, "show what did not change"),
	{OPT_FIELD(OPT_KIND_MAYBE, 0, "untracked-files", struct data_args, untracked),
	 .value_name = "no|all", .help = "show untracked files",
	 .choices = untracked_choices},
	OPT_BOOL(0, "not-in-remote", struct data_args, not_in_remote,
		 "show what the remote does not have"),
	OPT_BOOL(0, "no-remote-refresh", struct data_args, no_remote_refresh,
		 "with --not-in-remote: believe what is on record"),
	{OPT_FIELD(OPT_KIND_STR, 'r', "remote", struct data_args, remote),
	 .value_name = "NAME", .help = "the remote of --not-in-remote",
	 .flags = OPT_REMOTE},
	OPT_END,
};

static const struct operand data_operands[] = {
	OPERAND(OPERAND_ANY, "targets", struct data_args, targets,
		"paths from the root to look at; all when none is given"),
	OPERANDS_END,
};

/* ---- text ----------------------------------------------------------------- */

struct section {
	struct ctx *ctx;
	size_t nr; /* sections begun so far */
};

/* A heading with its hints; %s of a hint is the program's name. */
static void begin(struct section *s, const char *title, const char *const *hints)
{
	if (s->nr++ > 0)
		print_text(&s->ctx->print, "\n");
	print_text(&s->ctx->print, "%s:\n", title);
	for (; hints && *hints; hints++) {
		struct slice rest = slice_of(*hints);

		print_text(&s->ctx->print, "  (");
		while (rest.p) {
			struct slice piece = slice_cut(&rest, '@');

			print_text(&s->ctx->print, "%.*s", SLICE_FMT(piece));
			if (rest.p)
				print_text(&s->ctx->print, "%s", s->ctx->prog);
		}
		print_text(&s->ctx->print, ")\n");
	}
}

static void entry(struct section *s, const char *kind, const char *old, const char *name)
{
	struct print *p = &s->ctx->print;

	print_text(p, "        ");
	if (kind)
		print_text(p, "%s: ", kind);
	if (old) {
		print_name(p, old);
		print_text(p, " -> ");
	}
	print_name(p, name);
	print_end(p);
}

static void show_names(struct section *s, const char *title, const char *const *hints,
		       const struct strvec *names)
{
	if (names->nr == 0)
		return;
	begin(s, title, hints);
	for (size_t i = 0; i < names->nr; i++)
		entry(s, NULL, NULL, names->v[i]);
}

struct kind {
	const char *name;
	const struct diff_list *list;
};
enum {
	KINDS = 5
};

static void kinds_of(const struct data_changes *c, struct kind out[KINDS])
{
	out[0] = (struct kind){"modified", &c->modified};
	out[1] = (struct kind){"added", &c->added};
	out[2] = (struct kind){"renamed", &c->renamed};
	out[3] = (struct kind){"deleted", &c->deleted};
	out[4] = (struct kind){"unknown", &c->unknown};
}

static size_t changes_nr(const struct data_changes *c)
{
	return c->modified.nr + c->added.nr + c->deleted.nr + c->renamed.nr +
	       c->unknown.nr;
}

static void show_changes(struct section *s, const char *title, const char *const *hints,
			 const struct data_changes *c)
{
	struct kind kinds[KINDS];

	if (changes_nr(c) == 0)
		return;
	begin(s, title, hints);
	kinds_of(c, kinds);
	for (size_t k = 0; k < KINDS; k++)
		for (size_t i = 0; i < kinds[k].list->nr; i++) {
			const struct diff_entry *x = &kinds[k].list->v[i];

			entry(s, kinds[k].name,
			      kinds[k].list == &c->renamed ? x->old_path : NULL, x->path);
		}
}

static void show_text(struct ctx *ctx, const struct data_status_result *res)
{
	static const char *const fetch[] = {"use \"@ fetch <file>...\" to download files",
					    NULL};
	static const char *const push[] = {"use \"@ push <file>...\" to upload files",
					   NULL};
	static const char *const committed[] = {
		"git commit the corresponding dvc files to update the repo", NULL};
	static const char *const uncommitted[] = {
		"use \"@ commit <file>...\" to track changes",
		"use \"@ checkout <file>...\" to discard changes", NULL};
	static const char *const untracked[] = {"use \"git add <file> ...\" or \"@ add "
						"<file>...\" to commit to git or to dvc",
						NULL};
	struct section s = {.ctx = ctx};

	show_names(&s, "Not in cache", fetch, &res->not_in_cache);
	show_names(&s, "Not in remote", push, &res->not_in_remote);
	show_changes(&s, "DVC committed changes", committed, &res->committed);
	show_changes(&s, "DVC uncommitted changes", uncommitted, &res->uncommitted);
	show_names(&s, "Untracked files", untracked, &res->untracked);
	show_names(&s, "DVC unchanged files", NULL, &res->unchanged);
	if (s.nr == 0)
		print_text(&ctx->print, "No changes%s.\n",
			   res->git_empty ? " in an empty git repo" : "");
	if (res->git_dirty)
		print_text(
			&ctx->print,
			"(there are %schanges not tracked by dvc, use \"git status\" to "
			"see)\n",
			s.nr > 0 ? "other " : "");
}

/* -z: one record a line of text, "section NUL kind NUL path NUL", the names of
 * --json, the kind empty where a section has none; a rename with both paths. */
static void record(struct print *p, const char *section, const char *kind,
		   const char *old, const char *name)
{
	const char *const fields[] = {section, kind, old, name};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!fields[i])
			continue;
		print_name(p, fields[i]);
		print_end(p);
	}
}

static void record_names(struct print *p, const char *section, const struct strvec *names)
{
	for (size_t i = 0; i < names->nr; i++)
		record(p, section, "", NULL, names->v[i]);
}

static void record_changes(struct print *p, const char *section,
			   const struct data_changes *c)
{
	struct kind kinds[KINDS];

	kinds_of(c, kinds);
	for (size_t k = 0; k < KINDS; k++)
		for (size_t i = 0; i < kinds[k].list->nr; i++) {
			const struct diff_entry *x = &kinds[k].list->v[i];

			record(p, section, kinds[k].name,
			       kinds[k].list == &c->renamed ? x->old_path : NULL,
			       x->path);
		}
}

static void show_records(struct ctx *ctx, const struct data_status_result *res)
{
	struct print *p = &ctx->print;

	record_names(p, "not_in_cache", &res->not_in_cache);
	record_names(p, "not_in_remote", &res->not_in_remote);
	record_changes(p, "committed", &res->committed);
	record_changes(p, "uncommitted", &res->uncommitted);
	record_names(p, "untracked", &res->untracked);
	record_names(p, "unchanged", &res->unchanged);
}

/* ---- JSON, in DVC's shape -------------------------------------------------- */

static void json_names(struct jsonw *j, const char *key, const struct strvec *names)
{
	if (names->nr == 0)
		return;
	jsonw_key(j, key);
	jsonw_array(j);
	for (size_t i = 0; i < names->nr; i++)
		jsonw_str(j, names->v[i]);
	jsonw_end(j);
}

static void json_kind(struct jsonw *j, const struct kind *kind)
{
	if (kind->list->nr == 0)
		return;
	jsonw_key(j, kind->name);
	jsonw_array(j);
	for (size_t i = 0; i < kind->list->nr; i++) {
		const struct diff_entry *x = &kind->list->v[i];

		if (strcmp(kind->name, "renamed") != 0) {
			jsonw_str(j, x->path);
			continue;
		}
		jsonw_object(j);
		json_key_str(j, "old", x->old_path);
		json_key_str(j, "new", x->path);
		jsonw_end(j);
	}
	jsonw_end(j);
}

static void json_changes(struct jsonw *j, const char *key, const struct data_changes *c)
{
	struct kind kinds[KINDS];

	if (changes_nr(c) == 0)
		return;
	kinds_of(c, kinds);
	jsonw_key(j, key);
	jsonw_object(j);
	for (size_t k = 0; k < KINDS; k++)
		json_kind(j, &kinds[k]);
	jsonw_end(j);
}

static void show_json(struct ctx *ctx, const struct data_status_result *res)
{
	struct json doc;
	struct jsonw *j = json_start(ctx, &doc);

	jsonw_object(j);
	json_names(j, "not_in_cache", &res->not_in_cache);
	json_names(j, "not_in_remote", &res->not_in_remote);
	json_changes(j, "committed", &res->committed);
	json_changes(j, "uncommitted", &res->uncommitted);
	json_names(j, "untracked", &res->untracked);
	json_names(j, "unchanged", &res->unchanged);
	jsonw_end(j);
	json_write(ctx, &doc);
}

static int ask_remote(void *arg, struct repo *r, const struct oid *v, size_t nr,
		      bool *missing, struct err *e)
{
	struct ctx *ctx = ((void **)arg)[0];
	const struct data_args *args = ((void **)arg)[1];

	return sync_lacks(r, args->remote, v, nr, !args->no_remote_refresh, &ctx->ui.sink,
			  missing, e);
}

static int data_status_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct data_args *args = arg;
	void *ask[2] = {ctx, arg};
	struct data_status_options o = {
		.granular = args->granular,
		.unchanged = args->unchanged,
		.untracked = args->untracked && strcmp(args->untracked, "all") == 0,
		.not_in_remote = args->not_in_remote,
		.ask_remote = ask_remote,
		.ask_ctx = ask,
		.targets = args->targets.v,
		.targets_nr = args->targets.nr,
	};
	struct data_status_result res = {0};
	int r = repo_data_status(ctx->repo, &o, &res, e);

	cmd_warnings(ctx, &res.warnings);
	if (r == 0 && ctx->global.json)
		show_json(ctx, &res);
	else if (r == 0 && ctx->print.is_nul)
		show_records(ctx, &res);
	else if (r == 0)
		show_text(ctx, &res);
	data_status_result_release(&res);
	return r;
}

static const struct cmd cmd_data_status = {
	.name = "status",
	.brief = "Compare the last commit, the .dvc files and the workspace",
	.opts = data_opts,
	.operands = data_operands,
	.args_size = sizeof(struct data_args),
	.needs = NEED_REPO,
	.flags = CMD_NUL,
	.run = data_status_run,
};

static const struct cmd *const data_subs[] = {&cmd_data_status, NULL};

const struct cmd cmd_data = {
	.name = "data",
	.brief = "Look at tracked data",
	.subs = data_subs,
};
