#include "cmd/cmd.h"
#include "cmd/json.h"
#include "cmd/opened.h"
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/repo/report.h"
#include "train/core/model.h"
#include "train/run/predict.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct predict_args {
	bool margin, proba, shap, no_header;
	const char *out, *format;
	int64_t threads;
	const char *model, *data;
};

static const struct opt predict_opts[] = {
	OPT_BOOL(0, "margin", struct predict_args, margin,
		 "write margins, the sums before the link function"),
	OPT_BOOL(0, "proba", struct predict_args, proba,
		 "write each class's probability, and the class last"),
	OPT_BOOL(0, "shap", struct predict_args, shap,
		 "write what each feature adds to the margin"),
	{OPT_FIELD(OPT_KIND_STR, 'o', "out", struct predict_args, out),
	 .value_name = "FILE", .help = "write to FILE instead of standard output",
	 .flags = OPT_PATH},
	{OPT_FIELD(OPT_KIND_STR, 0, "format", struct predict_args, format),
	 .value_name = "FORMAT", .choices = opened_formats,
	 .help = "take DATA as this, whatever its name"},
	OPT_BOOL(0, "no-header", struct predict_args, no_header,
		 "DATA has no header; its columns are f0, f1, ..."),
	OPT_INT(0, "threads", struct predict_args, threads, "N",
		"use N threads; the result does not depend on it"),
	OPT_END,
};

static const struct operand predict_operands[] = {
	OPERAND(OPERAND_ONE, "model", struct predict_args, model, "a model's JSON file"),
	OPERAND(OPERAND_ONE, "data", struct predict_args, data,
		"the table, or - for standard input"),
	OPERANDS_END,
};

/* Where rows go: standard output, a file that gets its name when it is whole, or
 * what is no file at all (a device, a pipe). */
struct target {
	struct ctx *ctx;
	struct tmpfile tmp;
	const char *path; /* NULL: standard output */
	int dirfd, fd;
	bool has_dir, has_fd;
	uint64_t bytes;
	bool is_broken; /* standard output is closed; main tells how that ends */
};

static int target_write(void *ctx, const char *p, size_t n, struct err *e)
{
	struct target *t = ctx;
	int fd = t->has_fd ? t->fd : t->tmp.fd;

	t->bytes += n;
	if (t->path) {
		if (sys_write(fd, p, n) < 0)
			return err_sys(e, "write", t->path);
		return 0;
	}
	print_bytes(&t->ctx->print, (struct slice){p, n});
	t->is_broken = t->ctx->print.is_broken;
	return t->is_broken ? err_set(e, ERR_IO, "standard output is closed") : 0;
}

static bool same_file(const struct stat *a, const char *path)
{
	struct stat b;

	return sys_fstatat(AT_FDCWD, path, &b, 0) == 0 && a->st_dev == b.st_dev &&
	       a->st_ino == b.st_ino;
}

static int target_open(struct target *t, const struct predict_args *args, struct err *e)
{
	struct slice dir;
	struct stat st;
	char *name;
	int r;

	if (!args->out || strcmp(args->out, "-") == 0)
		return 0;
	t->path = args->out;
	if (sys_fstatat(AT_FDCWD, t->path, &st, 0) == 0) {
		if (S_ISDIR(st.st_mode))
			return err_set(e, ERR_INVALID, "'%s' is a directory", t->path);
		if (!S_ISREG(st.st_mode)) {
			t->fd = sys_openat(AT_FDCWD, t->path, O_WRONLY, 0);
			t->has_fd = t->fd >= 0;
			return t->has_fd ? 0 : err_sys(e, "open", t->path);
		}
		if (same_file(&st, args->data) || same_file(&st, args->model))
			return err_set(e, ERR_INVALID,
				       "'%s' is read: write to another file", t->path);
	}
	dir = path_dir(t->path);
	name = xmemdup0(dir.p, dir.n);
	t->dirfd = sys_openat(AT_FDCWD, name, O_RDONLY | O_DIRECTORY, 0);
	if (t->dirfd < 0) {
		r = err_sys(e, "open", name);
	} else {
		t->has_dir = true;
		r = tmpfile_open(&t->tmp, t->dirfd, 0666, e);
	}
	free(name);
	return r;
}

static int target_finish(struct target *t, struct err *e)
{
	struct slice base;
	char *name;
	int r;

	if (!t->has_dir)
		return 0;
	base = path_base(t->path);
	name = xmemdup0(base.p, base.n);
	if ((r = tmpfile_sync(&t->tmp, e)) == 0 &&
	    (r = tmpfile_replace(&t->tmp, t->dirfd, name, e)) == 0)
		r = fs_sync_dir(t->dirfd, ".", e);
	free(name);
	return r;
}

static void target_release(struct target *t)
{
	tmpfile_release(&t->tmp);
	if (t->has_fd)
		(void)sys_close(t->fd); /* what was written there is gone on */
	if (t->has_dir)
		(void)sys_close(t->dirfd); /* read-only */
}

static int check(struct ctx *ctx, const struct predict_args *args, struct err *e)
{
	if (args->threads < 0 || args->threads > 1024)
		return err_set(e, ERR_INVALID, "--threads: %lld is not in 0..1024",
			       (long long)args->threads);
	if (ctx->global.json && (!args->out || strcmp(args->out, "-") == 0))
		return err_set(e, ERR_INVALID,
			       "--json needs --out: the rows and the document would both "
			       "go to standard output");
	return 0;
}

static int predict_rows(struct ctx *ctx, const struct predict_args *args,
			struct data_file *file, struct target *t, struct err *e)
{
	struct predict_options o = {.margin = args->margin,
				    .proba = args->proba,
				    .shap = args->shap,
				    .no_header = args->no_header,
				    .threads = (unsigned)args->threads,
				    .sink = &ctx->ui.sink,
				    .write = target_write,
				    .ctx = t};
	struct model m = {0};
	int r;

	if ((r = opened_model(ctx, args->model, &m, e)) < 0)
		return r;
	if ((r = predict_file(file, &m, &o, e)) == 0)
		r = target_finish(t, e);
	model_release(&m);
	return r;
}

static int predict_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct predict_args *args = arg;
	struct target t = {.ctx = ctx};
	struct report rep = {0};
	struct opened data = {0};
	struct data_file file;
	int r;

	if ((r = check(ctx, args, e)) < 0 ||
	    (r = opened_open(ctx, args->data, &data, e)) < 0)
		return r;
	file = (struct data_file){
		.path = data.path, .fd = data.fd, .format = opened_format(args->format)};
	if ((r = target_open(&t, args, e)) == 0)
		r = predict_rows(ctx, args, &file, &t, e);
	target_release(&t);
	opened_release(&data);
	if (t.is_broken)
		return 0;
	if (r == 0 && t.path) {
		report_counted(&rep, "rows", file.rows);
		report_add(&rep, t.path, NULL, "written", (int64_t)t.bytes);
		rep.bytes = t.bytes;
	}
	if (ctx->global.json)
		r = cmd_finish(ctx, &rep, r, e);
	report_release(&rep);
	return r;
}

const struct cmd cmd_predict = {
	.name = "predict",
	.brief = "Write a model's predictions beside the rows of a table",
	.opts = predict_opts,
	.operands = predict_operands,
	.args_size = sizeof(struct predict_args),
	.needs = NEED_MAYBE | NEED_LENIENT,
	.run = predict_run,
};
