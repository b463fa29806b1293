#include "train/run/inputs.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/hash/hash.h"
#include "store/index/index.h"
#include "store/meta/collect.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"
#include "store/repo/add.h"
#include "store/repo/repo.h"
#include "store/repo/report.h"
#include "store/vcs/vcs.h"
#include "train/run/config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static const char *const role_names[] = {"train", "validation", "config", "dep"};

const char *input_role_name(enum input_role role)
{
	return role_names[role];
}

bool input_role_parse(const char *name, enum input_role *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(role_names); i++) {
		if (strcmp(role_names[i], name) == 0) {
			*out = (enum input_role)i;
			return true;
		}
	}
	return false;
}

void inputs_release(struct inputs *in)
{
	inputs_close(in);
	vec_release(in);
	arena_release(&in->arena);
	*in = (struct inputs){0};
}

int inputs_add(struct inputs *in, const struct repo *r, enum input_role role,
	       const char *text, struct err *e)
{
	struct input made = {.role = role, .text = arena_strdup(&in->arena, text)};
	char *joined, *normal;

	if (config_is_digest(text)) {
		if (!oid_parse(slice_of(text + 4), OID_MD5, &made.want))
			return err_set(e, ERR_INVALID,
				       "'%s' is no digest: 32 lower-case digits, perhaps "
				       "with '.dir'",
				       text);
		made.pin = PIN_DIGEST;
		made.by = made.text;
		made.is_dir = made.want.is_dir;
		vec_push(in, made);
		return 0;
	}
	if (path_is_abs(text) && path_within(text, repo_root(r))) {
		joined = path_relative(repo_root(r), text);
	} else {
		joined = path_join(in->base, text);
	}
	normal = path_normal(joined);
	free(joined);
	if (path_is_abs(normal) || path_within(normal, "..") ||
	    strcmp(normal, ".") == 0) {
		free(normal);
		return err_set(e, ERR_INVALID,
			       "'%s' is outside of the repository, or all of it", text);
	}
	made.path = arena_strdup(&in->arena, normal);
	free(normal);
	vec_push(in, made);
	return 0;
}

/* ---- pins ---------------------------------------------------------------- */

static int pin_by_git(struct input *in, struct repo *r, struct err *e)
{
	struct vcs *vcs;
	int rc;

	if (repo_no_scm(r))
		return 0;
	if ((rc = repo_vcs(r, &vcs, e)) < 0 || !vcs)
		return rc;
	return vcs_tracks(vcs, in->path, &in->by_git, e);
}

static bool pin_by_lock(struct input *in, const struct stage *stage)
{
	for (size_t i = 0; stage && i < stage->deps_nr; i++) {
		const struct dep *d = &stage->deps[i];

		if (d->at.path && strcmp(d->at.path, in->path) == 0 &&
		    oid_known(&d->at.oid)) {
			in->want = d->at.oid;
			in->pin = PIN_LOCKED;
			return true;
		}
	}
	return false;
}

static void pin_by_out(struct inputs *all, struct input *in, const struct out *o)
{
	struct buf name = {0};

	stage_addressing(o->stage, "", &name);
	in->by = arena_strdup(&all->arena, buf_str(&name));
	in->keeper = in->by;
	buf_release(&name);
	/* A part of a directory is looked up in its manifest when it is compared. */
	if (strcmp(o->at.path, in->path) == 0) {
		in->want = o->at.oid;
		in->pin = oid_known(&in->want) ? PIN_TRACKED : PIN_NONE;
	}
}

/* What a directory output says of the part of it that is the input. */
static int pin_by_part(struct input *in, struct repo *r, const struct out *o,
		       struct err *e)
{
	const char *inside = in->path + strlen(o->at.path) + 1;
	const struct manifest_entry *ent;
	struct manifest m = {0}, part = {0};
	int rc;

	if (!out_has_hash(o))
		return 0;
	if ((rc = repo_manifest(r, o, &m, e)) < 0)
		return rc;
	if ((ent = manifest_find(&m, slice_of(inside))) != NULL) {
		in->want = ent->oid;
		in->pin = PIN_TRACKED;
	}
	for (size_t i = 0; !ent && i < m.nr; i++) {
		if (path_within(m.v[i].path, inside))
			manifest_add(&part, m.v[i].path + strlen(inside) + 1, &m.v[i].oid,
				     m.v[i].size);
	}
	if (part.nr > 0) {
		manifest_sort(&part);
		rc = manifest_oid(&part, OID_MD5, &in->want, e);
		in->pin = PIN_TRACKED;
	}
	manifest_release(&part);
	manifest_release(&m);
	return rc;
}

/*
 * What tracks it says what it should hold; where nothing says so, our own lock entry
 * does. What a stage makes anew (an output without a digest) has no pin.
 */
static int pin_one(struct inputs *all, struct input *in, struct repo *r,
		   const struct collection *c, const struct stage *stage, struct err *e)
{
	const struct out *o = stages_out_covering(&c->stages, in->path);
	int rc;

	if (o && out_is_cached(o)) {
		pin_by_out(all, in, o);
		return strcmp(o->at.path, in->path) == 0 ? 0 : pin_by_part(in, r, o, e);
	}
	if (fs_kind(repo_rootfd(r), in->path) == 0)
		return err_set(e, ERR_NOTFOUND, "'%s' does not exist", in->text);
	if ((rc = pin_by_git(in, r, e)) < 0)
		return rc;
	if (in->role == INPUT_CONFIG)
		return 0;
	if (pin_by_lock(in, stage)) {
		in->by = "dvc.lock";
		return 0;
	}
	if (in->by_git || o)
		return 0;
	return err_set(
		e, ERR_INVALID,
		"'%s' is tracked neither by lode nor by git; 'lode add %s' tracks it",
		in->text, in->text);
}

int inputs_pin(struct inputs *in, struct repo *r, const struct collection *c,
	       const struct stage *stage, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < in->nr && rc == 0; i++)
		if (in->v[i].path)
			rc = pin_one(in, &in->v[i], r, c, stage, e);
	return rc;
}

/* ---- comparing ----------------------------------------------------------- */

static int look(struct input *in, struct repo *r, bool hash, struct index_view *view,
		struct err *e)
{
	struct index *ix;
	struct odb *odb;
	int rc;

	if ((rc = repo_index(r, &ix, e)) < 0 || (rc = repo_odb(r, &odb, e)) < 0)
		return rc;
	/* A digest of 2.x is of the text without CR: what is parsed cannot give it. */
	if (in->want.algo == OID_LEGACY)
		return index_look(ix, odb, in->path, OID_LEGACY, INDEX_HASH, view, e);
	return index_look(ix, odb, in->path, OID_MD5, hash ? INDEX_HASH : 0, view, e);
}

static int differs(const struct input *in, const struct oid *got, const char *what,
		   struct err *e)
{
	char want[OID_TEXT_MAX], have[OID_TEXT_MAX] = "nothing";
	struct buf hint = {0};
	int rc;

	if (oid_known(got))
		oid_text(got, have);
	if (in->pin == PIN_TRACKED || in->pin == PIN_LOCKED)
		buf_addf(&hint, "; --update takes it as it is%s%s%s",
			 in->keeper ? ", and so does 'lode commit " : "",
			 in->keeper ? in->keeper : "", in->keeper ? "'" : "");
	rc = err_set(e, ERR_CONFLICT,
		     "'%s' is not what %s says: %s%s %s, and should be %s%s", in->text,
		     in->by ? in->by : "the record", what,
		     oid_known(got) ? " with MD5" : ":", have, oid_text(&in->want, want),
		     buf_str(&hint));
	buf_release(&hint);
	return rc;
}

/* Git's own opinion: a file it tracks that was changed since is not what it has. */
static int check_git(const struct input *in, struct repo *r, struct err *e)
{
	unsigned flags = 0;
	struct vcs *vcs;
	int rc;

	if (!in->by_git || in->pin != PIN_NONE || in->role == INPUT_CONFIG)
		return 0;
	if ((rc = repo_vcs(r, &vcs, e)) < 0 || !vcs)
		return rc;
	if (vcs_status_of(vcs, in->path, &flags, NULL) < 0 || !(flags & VCS_CHANGED))
		return 0; /* a directory has no status of its own */
	return err_set(e, ERR_CONFLICT,
		       "'%s' is not what git tracks: it was changed in the workspace; "
		       "--update takes it as it is, and so does 'git add %s'",
		       in->text, in->text);
}

static int check_one(struct input *in, struct repo *r, bool hash, struct err *e)
{
	struct index_view view = {0};
	int rc;

	if (!in->path || in->role == INPUT_CONFIG)
		return 0;
	if ((rc = look(in, r, hash, &view, e)) < 0)
		return rc;
	in->is_dir = view.kind == INDEX_DIR;
	if (view.kind == INDEX_NONE && in->keeper)
		rc = err_set(e, ERR_NOTFOUND,
			     "'%s' is not there; 'lode pull %s' brings it", in->text,
			     in->keeper);
	else if (view.kind == INDEX_NONE)
		rc = err_set(e, ERR_NOTFOUND, "'%s' does not exist", in->text);
	else if (in->pin != PIN_NONE && view.complete && !oid_eq(&view.oid, &in->want))
		rc = differs(in, &view.oid, "the workspace has it", e);
	else
		rc = check_git(in, r, e);
	index_view_release(&view);
	return rc;
}

int inputs_check(struct inputs *in, struct repo *r, bool hash, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < in->nr && rc == 0; i++)
		rc = check_one(&in->v[i], r, hash, e);
	return rc;
}

int inputs_update(struct inputs *in, struct repo *r, struct report *rep, struct err *e)
{
	for (size_t i = 0; i < in->nr; i++) {
		struct input *one = &in->v[i];
		struct commit_options o = {.force = true, .targets_nr = 1};
		char *shown;
		int rc;

		if (!one->path)
			continue;
		rc = check_one(one, r, true, e);
		if (rc != 0 && rc != ERR_CONFLICT)
			return rc;
		if (rc == ERR_CONFLICT && one->keeper) {
			shown = repo_show(r, one->keeper);
			o.targets = (const char *const *)&shown;
			rc = repo_commit(r, &o, rep, e);
			free(shown);
			if (rc < 0)
				return rc;
		}
		/* What will be read is right by definition now. */
		one->pin = PIN_NONE;
		one->by_git = false;
		one->want = (struct oid){0};
	}
	return 0;
}

/* ---- reading ------------------------------------------------------------- */

static struct input_file *new_files(struct inputs *all, struct input *in, size_t nr)
{
	in->files = arena_alloc(&all->arena, (nr + 1) * sizeof(*in->files));
	in->files_nr = 0;
	return in->files;
}

static void push_file(struct inputs *all, struct input *in, const char *member, int fd)
{
	struct input_file *f = &in->files[in->files_nr++];

	*f = (struct input_file){.fd = fd, .path = in->text};
	if (member) {
		f->member = arena_strdup(&all->arena, member);
		f->path = arena_printf(&all->arena, "%s/%s", in->text, member);
	}
}

static int open_object(struct inputs *all, struct input *in, struct odb *odb,
		       const struct oid *oid, const char *member, struct err *e)
{
	struct filestat st;
	int fd = -1, rc = odb_open_object(odb, oid, &fd, &st, e);

	if (rc < 0)
		return err_ctx(e, rc, "'%s%s%s'", in->text, member ? "/" : "",
			       member ? member : "");
	push_file(all, in, member, fd);
	return 0;
}

/* All that are not here at once: a remote is slow to answer, not to send. */
static int fetch_members(struct repo *r, const struct input *in, struct odb *odb,
			 const struct manifest *m, struct err *e)
{
	struct repo_want *v = xcalloc(m->nr + 1, sizeof(*v));
	size_t nr = 0;
	int rc;

	for (size_t i = 0; i < m->nr; i++) {
		if (!odb_has(odb, &m->v[i].oid))
			v[nr++] = (struct repo_want){
				.oid = m->v[i].oid,
				.bytes = m->v[i].size,
				.path = in->path ? in->path : in->text,
			};
	}
	rc = repo_fetch(r, v, nr, e);
	free(v);
	return rc;
}

/* From the cache: a digest, or a pinned path that is not checked out. */
static int open_cached(struct inputs *all, struct input *in, struct repo *r,
		       struct err *e)
{
	struct repo_want want = {.oid = in->want, .bytes = -1, .path = in->path};
	struct manifest m = {0};
	struct odb *odb;
	int rc;

	if (!want.path)
		want.path = in->text;
	if ((rc = repo_odb(r, &odb, e)) < 0)
		return rc;
	if (!odb_has(odb, &in->want) && (rc = repo_fetch(r, &want, 1, e)) < 0)
		return rc;
	if (!in->want.is_dir) {
		new_files(all, in, 1);
		return open_object(all, in, odb, &in->want, NULL, e);
	}
	if ((rc = odb_read_manifest(odb, &in->want, &m, e)) < 0)
		return rc;
	in->is_dir = true;
	new_files(all, in, m.nr);
	manifest_sort(&m);
	rc = fetch_members(r, in, odb, &m, e);
	for (size_t i = 0; i < m.nr && rc == 0; i++)
		rc = open_object(all, in, odb, &m.v[i].oid, m.v[i].path, e);
	manifest_release(&m);
	return rc;
}

static int open_path(struct inputs *all, struct input *in, int dirfd, const char *path,
		     const char *member, struct err *e)
{
	struct stat st;
	int fd = sys_openat(dirfd, path, O_RDONLY, 0);

	if (fd < 0)
		return err_sys(e, "open", path);
	if (sys_fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void)sys_close(fd); /* read-only */
		return err_set(e, ERR_INVALID, "'%s' is no file", path);
	}
	if (!member)
		in->is_exec = (st.st_mode & 0111) != 0;
	push_file(all, in, member, fd);
	return 0;
}

static int open_dir(struct inputs *all, struct input *in, struct repo *r, struct err *e)
{
	struct index_view view = {0};
	struct index *ix;
	struct odb *odb;
	int rc;

	if ((rc = repo_index(r, &ix, e)) < 0 || (rc = repo_odb(r, &odb, e)) < 0 ||
	    (rc = index_look(ix, odb, in->path, OID_MD5, INDEX_FILES, &view, e)) < 0)
		goto out;
	if (view.nr == 0) {
		rc = err_set(e, ERR_INVALID, "'%s' is an empty directory", in->text);
		goto out;
	}
	new_files(all, in, view.nr);
	for (size_t i = 0; i < view.nr && rc == 0; i++) {
		char *path = path_join(in->path, view.files[i].path);

		rc = open_path(all, in, repo_rootfd(r), path, view.files[i].path, e);
		free(path);
	}
out:
	index_view_release(&view);
	return rc;
}

int inputs_open(struct inputs *in, struct repo *r, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < in->nr && rc == 0; i++) {
		struct input *one = &in->v[i];
		struct stat st;

		if (!one->path || (sys_fstatat(repo_rootfd(r), one->path, &st, 0) < 0 &&
				   oid_known(&one->want))) {
			rc = open_cached(in, one, r, e);
			continue;
		}
		if (sys_fstatat(repo_rootfd(r), one->path, &st, 0) < 0)
			return err_sys(e, "stat", one->path);
		one->is_dir = S_ISDIR(st.st_mode);
		if (one->is_dir) {
			rc = open_dir(in, one, r, e);
		} else {
			new_files(in, one, 1);
			rc = open_path(in, one, repo_rootfd(r), one->path, NULL, e);
		}
	}
	return rc;
}

void inputs_close(struct inputs *in)
{
	for (size_t i = 0; i < in->nr; i++) {
		for (size_t k = 0; k < in->v[i].files_nr; k++) {
			struct input_file *f = &in->v[i].files[k];

			if (f->fd >= 0)
				(void)sys_close(f->fd); /* read-only */
			f->fd = -1;
		}
	}
}

static int hash_file(struct input_file *f, struct err *e)
{
	enum {
		BLOCK = 1 << 20
	};
	struct hash md5 = {0}, sha = {0};
	char *block = xmalloc(BLOCK);
	int64_t at = 0;
	ssize_t n;
	int rc = 0;

	hash_begin_md5(&md5);
	hash_begin_sha256(&sha);
	while ((n = sys_pread(f->fd, block, BLOCK, at)) > 0) {
		hash_update(&md5, block, (size_t)n);
		hash_update(&sha, block, (size_t)n);
		at += n;
	}
	if (n < 0)
		rc = err_sys(e, "read", f->path);
	hash_end(&md5, f->md5);
	hash_end(&sha, f->sha256);
	f->bytes = (uint64_t)at;
	f->has_digest = rc == 0;
	hash_release(&md5);
	hash_release(&sha);
	free(block);
	return rc;
}

int inputs_hash(struct inputs *in, struct err *e)
{
	for (size_t i = 0; i < in->nr; i++) {
		for (size_t k = 0; k < in->v[i].files_nr; k++) {
			struct input_file *f = &in->v[i].files[k];
			int rc = f->has_digest ? 0 : hash_file(f, e);

			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

/* A directory's SHA-256 is that of "DIGEST  MEMBER\n" for each, as sha256sum
 * prints it. */
static int settle_dir(struct input *in, struct err *e)
{
	struct manifest m = {0};
	struct buf list = {0};
	char hex[65];
	int rc;

	for (size_t i = 0; i < in->files_nr; i++) {
		const struct input_file *f = &in->files[i];
		struct oid oid = {.algo = OID_MD5};

		memcpy(oid.b, f->md5, sizeof(oid.b));
		manifest_add(&m, f->member, &oid, (int64_t)f->bytes);
		buf_addf(&list, "%s  %s\n", hex_encode(f->sha256, 32, hex), f->member);
	}
	manifest_sort(&m);
	rc = manifest_oid(&m, OID_MD5, &in->got, e);
	hash_sha256(list.p, list.n, in->sha256);
	manifest_release(&m);
	buf_release(&list);
	return rc;
}

static int settle_one(struct input *in, struct err *e)
{
	uint8_t promised[32];
	int rc = 0;

	memcpy(promised, in->sha256, sizeof(promised));
	in->bytes = in->rows = 0;
	for (size_t i = 0; i < in->files_nr; i++) {
		in->bytes += in->files[i].bytes;
		in->rows += in->files[i].rows;
	}
	if (in->is_dir) {
		rc = settle_dir(in, e);
	} else {
		in->got = (struct oid){.algo = OID_MD5};
		memcpy(in->got.b, in->files[0].md5, sizeof(in->got.b));
		memcpy(in->sha256, in->files[0].sha256, sizeof(in->sha256));
	}
	if (rc < 0 || in->pin == PIN_NONE)
		return rc;
	if (oid_known(&in->want) && in->want.algo == OID_MD5 &&
	    !oid_eq(&in->got, &in->want))
		return differs(in, &in->got, "it was read", e);
	if (in->want_sha256 && memcmp(promised, in->sha256, sizeof(promised)) != 0) {
		char hex[65];

		return err_set(e, ERR_CONFLICT,
			       "'%s' has the MD5 of the record but another SHA-256: %s",
			       in->text, hex_encode(in->sha256, 32, hex));
	}
	return 0;
}

int inputs_settle(struct inputs *in, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < in->nr && rc == 0; i++)
		rc = settle_one(&in->v[i], e);
	return rc;
}

/* ---- train/data ---------------------------------------------------------- */

static enum data_format format_of(const char *name)
{
	static const struct {
		const char *name;
		enum data_format format;
	} all[] = {{"csv", DATA_CSV}, {"tsv", DATA_TSV}, {"libsvm", DATA_SVM},
		   {"npy", DATA_NPY}, {"npz", DATA_NPZ}, {"parquet", DATA_PARQUET}};

	for (size_t i = 0; name && i < ARRAY_SIZE(all); i++)
		if (strcmp(all[i].name, name) == 0)
			return all[i].format;
	return DATA_BY_NAME;
}

size_t inputs_files(const struct inputs *in, enum input_role role, const char *format,
		    struct data_file *out)
{
	size_t nr = 0;

	for (size_t i = 0; i < in->nr; i++) {
		if (in->v[i].role != role)
			continue;
		for (size_t k = 0; k < in->v[i].files_nr; k++, nr++) {
			const struct input_file *f = &in->v[i].files[k];

			if (out)
				out[nr] = (struct data_file){.path = f->path,
							     .fd = f->fd,
							     .format = format_of(format)};
		}
	}
	return nr;
}

void inputs_take(struct inputs *in, enum input_role role, const struct data_file *v)
{
	for (size_t i = 0; i < in->nr; i++) {
		if (in->v[i].role != role)
			continue;
		for (size_t k = 0; k < in->v[i].files_nr; k++, v++) {
			struct input_file *f = &in->v[i].files[k];

			memcpy(f->md5, v->md5, sizeof(f->md5));
			memcpy(f->sha256, v->sha256, sizeof(f->sha256));
			f->bytes = v->bytes;
			f->rows = v->rows;
			f->has_digest = true;
		}
	}
}
