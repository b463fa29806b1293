#include "train/run/verify.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/hash/hash.h"
#include "store/meta/collect.h"
#include "store/odb/odb.h"
#include "store/repo/record.h"
#include "store/repo/repo.h"
#include "train/run/config.h"
#include "train/run/fit.h"
#include "train/run/run_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void verify_result_release(struct verify_result *res)
{
	arena_release(&res->arena);
	*res = (struct verify_result){0};
}

/* ---- finding the record -------------------------------------------------- */

static int record_of_config(struct repo *r, const char *what, const char *rel,
			    char **record, struct err *e)
{
	struct train_config c = {0};
	struct buf text = {0};
	struct slice dir = path_dir(rel);
	char *base = slice_is(dir, ".") ? xstrdup("") : xmemdup0(dir.p, dir.n);
	char *joined;
	int rc;

	if ((rc = fs_read(repo_rootfd(r), rel, 0, &text, e)) == 0 &&
	    (rc = config_read(&c, what, buf_slice(&text), NULL, 0, e)) == 0) {
		joined = path_join(base, c.out_record);
		*record = path_normal(joined);
		free(joined);
	}
	config_release(&c);
	buf_release(&text);
	free(base);
	return rc;
}

static int record_of_stage(struct repo *r, const char *what, char **record, struct err *e)
{
	struct repo_request q = {.texts = &what, .nr = 1, .target_flags = TARGET_STAGES};
	struct collection c = {0};
	struct targets t = {0};
	const struct stage *st;
	int rc;

	if ((rc = repo_collect_targets(r, &q, &c, &t, e)) < 0)
		goto out;
	st = t.nr > 0 ? t.v[0].stage : NULL;
	for (size_t i = 0; st && i < st->outs_nr && !*record; i++) {
		const struct out *o = &st->outs[i];

		if (o->at.path && !o->cache &&
		    slice_ends(slice_of(o->at.path), ".run.json"))
			*record = xstrdup(o->at.path);
	}
	if (!*record)
		rc = err_set(e, ERR_NOTFOUND,
			     "the stage '%s' has no run record (*.run.json)", what);
out:
	targets_release(&t);
	collection_release(&c);
	return rc;
}

int verify_find(struct repo *r, const char *what, char **record, struct err *e)
{
	char *rel = NULL;
	int rc;

	*record = NULL;
	if (!what)
		what = "train.yaml";
	if (repo_rel(r, what, &rel, NULL) < 0 || !S_ISREG(fs_kind(repo_rootfd(r), rel))) {
		rc = record_of_stage(r, what, record, e);
	} else if (slice_ends(slice_of(rel), ".yaml") ||
		   slice_ends(slice_of(rel), ".yml")) {
		rc = record_of_config(r, what, rel, record, e);
	} else {
		*record = xstrdup(rel);
		rc = 0;
	}
	free(rel);
	assert(rc < 0 || *record);
	return rc;
}

/* The directory that the record's paths are relative to. */
static char *base_of(const char *record, const char *own)
{
	char *normal = path_normal(own);
	size_t n = strlen(record), m = strlen(normal);
	char *base = xstrdup("");

	if (m < n && record[n - m - 1] == '/' && strcmp(record + n - m, normal) == 0) {
		free(base);
		base = xmemdup0(record, n - m - 1);
	} else if (strcmp(record, normal) != 0) {
		/* Moved away from its stage: then its own directory it is. */
		struct slice dir = path_dir(record);

		if (!slice_is(dir, ".")) {
			free(base);
			base = xmemdup0(dir.p, dir.n);
		}
	}
	free(normal);
	return base;
}

/* ---- inputs -------------------------------------------------------------- */

static int add_inputs(struct inputs *in, struct repo *r, const struct run_record *rec,
		      struct err *e)
{
	for (size_t i = 0; i < rec->in_nr; i++) {
		const struct record_input *want = &rec->in[i];
		struct input *one;
		int rc = inputs_add(in, r, want->role, want->path, e);

		if (rc < 0)
			return rc;
		one = &in->v[in->nr - 1];
		one->pin = PIN_RECORD;
		one->want = want->md5;
		one->want_sha256 = true;
		one->is_dir = want->md5.is_dir;
		memcpy(one->sha256, want->sha256, sizeof(one->sha256));
	}
	return 0;
}

static void input_differs(struct verify_result *res, const struct inputs *in,
			  const struct err *why)
{
	char text[sizeof(why->text)];

	err_format(why, text, sizeof(text));
	res->state = VERIFY_INPUT;
	res->detail = arena_strdup(&res->arena, text);
	for (size_t i = 0; i < in->nr && !res->input; i++) {
		const struct input *one = &in->v[i];

		/* settle stops at the first: the one whose digest is another */
		if (oid_known(&one->got) && !oid_eq(&one->got, &one->want))
			res->input = arena_strdup(&res->arena, one->text);
	}
	if (!res->input && in->nr > 0)
		res->input = arena_strdup(&res->arena, in->v[0].text);
}

/* ---- models -------------------------------------------------------------- */

/* The recorded model's bytes, from the workspace (path NULL: not from there), the
 * cache or the remote. */
static int recorded_model(struct repo *r, const struct run_record *rec, const char *path,
			  struct buf *out, struct err *e)
{
	const struct record_output *o = &rec->outputs[0];
	struct repo_want want = {.oid = {.algo = OID_MD5},
				 .bytes = (int64_t)o->bytes,
				 .path = path ? path : o->path};
	struct odb *odb;
	uint8_t sha[32];
	int rc;

	if (path && fs_read(repo_rootfd(r), path, 0, out, NULL) == 0) {
		hash_sha256(out->p, out->n, sha);
		if (memcmp(sha, o->sha256, sizeof(sha)) == 0)
			return 0;
	}
	buf_reset(out);
	memcpy(want.oid.b, o->md5, sizeof(want.oid.b));
	if ((rc = repo_odb(r, &odb, e)) < 0)
		return rc;
	if (!odb_has(odb, &want.oid) && (rc = repo_fetch(r, &want, 1, e)) < 0)
		return rc;
	return odb_read(odb, &want.oid, out, e);
}

static void say_difference(struct verify_result *res, const char *what, struct slice a,
			   struct slice b)
{
	struct model was = {0}, now = {0};
	struct buf text = {0};
	struct err e = {0};

	if (model_read(&was, a, what, &e) < 0) {
		buf_addf(&text, "%s cannot be read: %s", what, e.text);
	} else if (model_read(&now, b, "the model trained now", &e) < 0) {
		buf_adds(&text, e.text);
	} else {
		buf_addf(&text, "%s and the one trained now: ", what);
		size_t n = text.n;

		model_difference(&text, &was, &now);
		if (text.n == n)
			buf_adds(&text, "the same trees in documents that differ");
	}
	res->state = VERIFY_MODEL;
	res->detail = arena_strdup(&res->arena, buf_str(&text));
	buf_release(&text);
	model_release(&was);
	model_release(&now);
}

static void compare(struct repo *r, const struct run_record *rec, const char *base,
		    struct slice now, struct verify_result *res)
{
	char *joined = path_join(base, rec->outputs[0].path), *path = path_normal(joined);
	bool is_ours = repo_check_output(r, path, NULL) == 0;
	struct buf was = {0};
	struct err e = {0};
	uint8_t sha[32];

	res->output = arena_strdup(&res->arena, path);
	hash_sha256(now.p, now.n, sha);
	hex_encode(sha, 32, res->sha256);
	hex_encode(rec->outputs[0].sha256, 32, res->want_sha256);
	if (memcmp(sha, rec->outputs[0].sha256, sizeof(sha)) == 0) {
		/* The result is right; is what lies there the result? */
		if (is_ours && fs_read(repo_rootfd(r), path, 0, &was, NULL) == 0 &&
		    !slice_eq(buf_slice(&was), now))
			say_difference(res, "the model in the workspace", buf_slice(&was),
				       now);
	} else if (recorded_model(r, rec, is_ours ? path : NULL, &was, &e) == 0) {
		say_difference(res, "the recorded model", buf_slice(&was), now);
	} else {
		res->state = VERIFY_MODEL;
		res->detail =
			arena_printf(&res->arena,
				     "the digest is another, and the recorded model is "
				     "nowhere to compare with: %s",
				     e.text);
	}
	buf_release(&was);
	free(joined);
	free(path);
}

/* ---- training again ------------------------------------------------------ */

static int read_config(struct repo *r, const struct run_record *rec, const char *base,
		       struct train_config *c, struct err *e)
{
	char *path = path_join(base, rec->file);
	struct buf text = {0};
	size_t nr = 0;
	int rc = fs_read(repo_rootfd(r), path, 0, &text, e);

	while (rec->overrides[nr])
		nr++;
	if (rc == 0)
		rc = config_read(c, path, buf_slice(&text), rec->overrides, nr, e);
	buf_release(&text);
	free(path);
	return rc;
}

/* The small ones first: a changed configuration need not wait for the data. */
static int check_config(struct inputs *in, struct verify_result *res, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < in->nr && rc == 0; i++) {
		struct input *one = &in->v[i];
		struct inputs only = {.v = one, .nr = 1};

		if (one->role != INPUT_CONFIG)
			continue;
		if ((rc = inputs_hash(&only, e)) == 0 &&
		    (rc = inputs_settle(&only, e)) == ERR_CONFLICT)
			input_differs(res, &only, e);
		/* settle() compares with the record once more at the end. */
	}
	return rc;
}

static int train_again(struct repo *r, const struct verify_options *o,
		       const struct run_record *rec, const char *base, struct inputs *in,
		       struct verify_result *res, struct err *e)
{
	struct fit_options fo = {
		.threads = o->threads,
		.simd = o->simd,
		.sink = repo_sink(r),
		.no_round_metrics = true,
	};
	struct train_config c = {0};
	struct fit fit = {0};
	struct buf json = {0};
	int rc;

	if ((rc = inputs_open(in, r, e)) < 0 || (rc = check_config(in, res, e)) < 0 ||
	    (rc = read_config(r, rec, base, &c, e)) < 0 ||
	    (rc = fit_read(&fit, in, &c, &fo, e)) < 0)
		goto out;
	rc = inputs_settle(in, e);
	if (rc == ERR_CONFLICT)
		input_differs(res, in, e);
	if (rc < 0 || (rc = fit_train(&fit, &c, &fo, e)) < 0)
		goto out;
	if (fit.result.stopped) {
		rc = err_set(e, ERR_CANCELED, "interrupted");
		goto out;
	}
	model_json(&json, &fit.model);
	compare(r, rec, base, buf_slice(&json), res);
out:
	buf_release(&json);
	fit_release(&fit);
	config_release(&c);
	return rc;
}

/* A record comes with a clone. What is read as the configuration is an input, which
 * lies in the repository and has a digest. */
static int check_record(const struct run_record *rec, const char *name, struct err *e)
{
	bool has_file = rec->kind != RECORD_TRAIN;

	for (size_t i = 0; i < rec->in_nr; i++)
		has_file |= rec->in[i].role == INPUT_CONFIG && rec->file &&
			    strcmp(rec->in[i].path, rec->file) == 0;
	if (!has_file)
		return err_set(e, ERR_CORRUPT,
			       "%s: the configuration '%s' is none of the inputs", name,
			       rec->file);
	return 0;
}

static int read_record(struct repo *r, const char *path, struct run_record *rec,
		       struct err *e)
{
	struct buf text = {0};
	int rc = fs_read(repo_rootfd(r), path, 0, &text, e);

	if (rc == 0)
		rc = record_read(rec, buf_slice(&text), path, e);
	if (rc == 0)
		rc = check_record(rec, path, e);
	buf_release(&text);
	return rc;
}

int run_verify(struct repo *r, const struct verify_options *o, struct verify_result *res,
	       struct err *e)
{
	struct run_record rec = {0};
	struct inputs in = {0};
	char *path = NULL, *base = NULL;
	int rc;

	if ((rc = verify_find(r, o->what, &path, e)) < 0 ||
	    (rc = read_record(r, path, &rec, e)) < 0)
		goto out;
	base = base_of(path, rec.path);
	in.base = base;
	res->record = arena_strdup(&res->arena, path);
	res->kind = rec.kind;
	res->command = arena_strdup(&res->arena, rec.command);
	res->core = rec.core;
	res->core_now = TRAIN_CORE;
	if ((rc = add_inputs(&in, r, &rec, e)) == 0)
		rc = rec.kind == RECORD_TRAIN
			     ? train_again(r, o, &rec, base, &in, res, e)
			     : verify_command(r, o, &rec, base, &in, res, e);
	/* That an input differs is a result, not a failure to get one. */
	if (rc == ERR_CONFLICT && res->state == VERIFY_INPUT)
		rc = 0;
out:
	inputs_release(&in);
	record_release(&rec);
	free(path);
	free(base);
	return rc;
}
