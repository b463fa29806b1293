#include "cmd/opened.h"

#include "cmd/cmd.h"
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/env.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/sys.h"
#include "store/meta/collect.h"
#include "store/repo/repo.h"
#include "train/core/model.h"
#include "train/run/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODEL_BYTES_MAX ((size_t)4 << 30)

/* A pipe cannot be read twice, nor from its middle: its bytes go to a file without
 * a name that lasts. */
static int spool(struct opened *o, struct err *e)
{
	const char *dir = env_get("TMPDIR");
	char block[65536];
	ssize_t n;
	int r;

	if (!dir || !*dir)
		dir = "/tmp";
	o->dirfd = sys_openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
	if (o->dirfd < 0)
		return err_sys(e, "open", dir);
	o->has_dir = true;
	if ((r = tmpfile_open(&o->spool, o->dirfd, 0600, e)) < 0)
		return r;
	while ((n = sys_read_some(STDIN_FILENO, block, sizeof(block))) > 0) {
		if ((r = interrupt_check(e)) < 0)
			return r;
		if (sys_write(o->spool.fd, block, (size_t)n) < 0)
			return err_sys(e, "write", dir);
	}
	if (n < 0)
		return err_sys(e, "read", "standard input");
	o->fd = o->spool.fd;
	o->live = true;
	return 0;
}

static int open_stdin(struct opened *o, struct err *e)
{
	struct stat st;

	o->path = "standard input";
	if (sys_fstat(STDIN_FILENO, &st) < 0)
		return err_sys(e, "stat", o->path);
	if (!S_ISREG(st.st_mode))
		return spool(o, e);
	o->fd = STDIN_FILENO;
	o->live = true;
	return 0;
}

/* What tracks the path knows its digest, and the cache or a remote its bytes. */
static int open_tracked(struct ctx *ctx, struct opened *o, const char *text,
			struct err *e)
{
	struct collection c = {0};
	const struct input *in;
	int r;

	o->base = xstrdup(repo_cwd(ctx->repo));
	o->in.base = o->base;
	if ((r = inputs_add(&o->in, ctx->repo, INPUT_DEP, text, e)) < 0 ||
	    (r = repo_collect(ctx->repo, 0, &c, e)) < 0 ||
	    (r = inputs_pin(&o->in, ctx->repo, &c, NULL, e)) < 0 ||
	    (r = inputs_open(&o->in, ctx->repo, e)) < 0)
		goto out;
	in = &o->in.v[0];
	if (in->is_dir || in->files_nr != 1) {
		r = err_set(e, ERR_INVALID, "'%s' is a directory; name a file in it",
			    text);
		goto out;
	}
	o->fd = in->files[0].fd;
	o->path = in->files[0].path;
	o->live = true;
out:
	collection_release(&c);
	return r;
}

static int open_path(struct opened *o, const char *text, bool *absent, struct err *e)
{
	struct stat st;
	int fd = sys_openat(AT_FDCWD, text, O_RDONLY, 0);

	*absent = fd < 0 && (errno == ENOENT || errno == ENOTDIR);
	if (fd < 0)
		return err_sys(e, "open", text);
	o->fd = fd;
	o->is_own = o->live = true;
	if (sys_fstat(fd, &st) < 0)
		return err_sys(e, "stat", text);
	if (S_ISDIR(st.st_mode))
		return err_set(e, ERR_INVALID, "'%s' is a directory; name a file in it",
			       text);
	return 0;
}

int opened_open(struct ctx *ctx, const char *text, struct opened *out, struct err *e)
{
	struct opened o = {.path = text, .dirfd = -1, .fd = -1};
	struct err later = {0};
	bool absent = false;
	int r;

	if (strcmp(text, "-") == 0) {
		r = open_stdin(&o, e);
	} else if (config_is_digest(text)) {
		r = ctx->repo ? open_tracked(ctx, &o, text, e)
			      : err_set(e, ERR_NOREPO,
					"'%s': a digest means something in a repository",
					text);
	} else if ((r = open_path(&o, text, &absent, e)) < 0 && absent && ctx->repo) {
		/* That it is not there says more than that nothing tracks it. */
		int tracked = open_tracked(ctx, &o, text, &later);

		if (tracked == 0 || (tracked != ERR_INVALID && tracked != ERR_NOTFOUND)) {
			r = tracked;
			if (r < 0 && e)
				*e = later;
		}
	}
	if (r < 0)
		opened_release(&o);
	else
		*out = o;
	return r;
}

void opened_release(struct opened *o)
{
	if (o->is_own)
		(void)sys_close(o->fd); /* read-only */
	inputs_release(&o->in);
	free(o->base);
	tmpfile_release(&o->spool);
	if (o->has_dir)
		(void)sys_close(o->dirfd); /* read-only */
	*o = (struct opened){0};
}

int opened_read(const struct opened *o, size_t limit, struct buf *out, struct err *e)
{
	int64_t at = 0;
	ssize_t n;

	do {
		buf_reserve(out, 65536);
		n = sys_pread(o->fd, out->p + out->n, 65536, at);
		if (n < 0)
			return err_sys(e, "read", o->path);
		out->n += (size_t)n;
		at += n;
		if (out->n > limit)
			return err_set(e, ERR_INVALID, "'%s': larger than %zu bytes",
				       o->path, limit);
	} while (n > 0);
	return 0;
}

int opened_model(struct ctx *ctx, const char *text, struct model *out, struct err *e)
{
	struct opened o = {0};
	struct buf b = {0};
	int r;

	if ((r = opened_open(ctx, text, &o, e)) < 0)
		return r;
	if ((r = opened_read(&o, MODEL_BYTES_MAX, &b, e)) == 0)
		r = model_read(out, buf_slice(&b), o.path, e);
	buf_release(&b);
	opened_release(&o);
	return r;
}

const char *const opened_formats[] = {"csv", "tsv", "svm", "npy", "npz", "parquet", NULL};

enum data_format opened_format(const char *name)
{
	static const enum data_format formats[] = {DATA_CSV, DATA_TSV, DATA_SVM,
						   DATA_NPY, DATA_NPZ, DATA_PARQUET};

	for (size_t i = 0; name && opened_formats[i]; i++)
		if (strcmp(name, opened_formats[i]) == 0)
			return formats[i];
	return DATA_BY_NAME;
}
