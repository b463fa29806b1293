/* What hangs on a repository, made when it is first asked for. */
#include "store/repo/repo.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/log.h"
#include "store/base/path.h"
#include "store/base/pool.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "store/index/ignore.h"
#include "store/index/index.h"
#include "store/meta/collect.h"
#include "store/meta/config.h"
#include "store/meta/tree.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"
#include "store/repo/repo_internal.h"
#include "store/vcs/gitignore.h"
#include "store/vcs/vcs.h"

#include <stdlib.h>
#include <string.h>

void repo_free(struct repo *r)
{
	if (!r)
		return;
	tree_free(r->tree);
	index_free(r->index);
	gitignore_free(r->gitignore);
	vcs_free(r->vcs);
	ignore_free(r->ignore);
	odb_free(r->odb);
	pool_free(r->pool);
	config_free(r->config);
	lock_drop(&r->cache_lock);
	if (r->lock_depth > 0) {
		r->lock_depth = 1;
		repo_unlock(r);
	}
	if (r->open)
		(void)sys_close(r->rootfd); /* a directory: nothing was written */
	free(r->state_dir);
	free(r->cwd);
	free(r->dvc_dir);
	free(r->root);
	free(r);
}

int repo_config(struct repo *r, struct config **out, struct err *e)
{
	struct strvec warnings = {0};
	struct config *c = NULL;
	int rc;

	if (r->config) {
		*out = r->config;
		return 0;
	}
	if ((rc = config_load(&c, r->dvc_dir, e)) < 0 ||
	    (!r->lenient && (rc = config_validate(c, &warnings, e)) < 0))
		goto out;
	for (size_t i = 0; i < warnings.nr; i++)
		sink_note(r->sink, warnings.v[i]);
	*out = r->config = c;
	c = NULL;
out:
	config_free(c);
	strvec_release(&warnings);
	return rc;
}

void repo_config_changed(struct repo *r)
{
	config_free(r->config);
	r->config = NULL;
	r->trust_known = false;
}

int repo_sync(struct repo *r, enum fs_sync *out, struct err *e)
{
	struct config *c;
	const char *text;
	int rc;

	if ((rc = repo_config(r, &c, e)) < 0)
		return rc;
	text = config_str(c, "lode", "sync", "batch");
	if (strcmp(text, "batch") == 0)
		*out = FS_SYNC_BATCH;
	else if (strcmp(text, "object") == 0)
		*out = FS_SYNC_OBJECT;
	else if (strcmp(text, "none") == 0)
		*out = FS_SYNC_NONE;
	else
		return err_set(e, ERR_CONFIG,
			       "lode.sync is '%s': none of batch, object, none", text);
	return 0;
}

static int parse_links(struct config *c, struct odb_options *o, struct err *e)
{
	static const struct {
		const char *name;
		enum odb_link link;
	} known[] = {
		{"reflink", ODB_REFLINK},
		{"hardlink", ODB_HARDLINK},
		{"symlink", ODB_SYMLINK},
		{"copy", ODB_COPY},
	};
	struct strvec names = {0};
	int rc = 0;

	config_list(c, "cache", "type", &names);
	for (size_t i = 0; i < names.nr && rc == 0; i++) {
		size_t k = 0;

		while (k < ARRAY_SIZE(known) && strcmp(known[k].name, names.v[i]) != 0)
			k++;
		if (k == ARRAY_SIZE(known))
			rc = err_set(e, ERR_CONFIG, "Unsupported cache type(s): %s",
				     names.v[i]);
		else if (o->links_nr < ARRAY_SIZE(o->links))
			o->links[o->links_nr++] = known[k].link;
	}
	strvec_release(&names);
	return rc;
}

int repo_first_link(struct repo *r, enum odb_link *out, struct err *e)
{
	struct odb_options o = {0};
	struct config *c;
	int rc;

	if ((rc = repo_config(r, &c, e)) < 0 || (rc = parse_links(c, &o, e)) < 0)
		return rc;
	*out = o.links_nr > 0 ? o.links[0] : ODB_REFLINK;
	return 0;
}

/* cache.dir, or the remote that the old cache.local names, or the default. */
static int cache_dir(struct repo *r, struct config *c, char **out, struct err *e)
{
	const char *local = config_str(c, "cache", "local", NULL);
	struct config_remote remote = {0};
	int rc;

	if (!local) {
		*out = config_path(c, "cache", "dir");
		if (!*out)
			*out = path_join(r->dvc_dir, "cache");
		return 0;
	}
	if ((rc = config_remote_open(c, local, &remote, e)) < 0)
		return rc;
	if (!path_is_abs(remote.url))
		rc = err_set(e, ERR_CONFIG, "cache.local: '%s' is no directory",
			     remote.url);
	else
		*out = xstrdup(remote.url);
	config_remote_release(&remote);
	return rc;
}

int repo_odb(struct repo *r, struct odb **out, struct err *e)
{
	struct odb_options o = {0};
	struct config *c;
	char *dir = NULL;
	int rc;

	if (r->odb) {
		*out = r->odb;
		return 0;
	}
	if ((rc = repo_config(r, &c, e)) < 0 || (rc = cache_dir(r, c, &dir, e)) < 0 ||
	    (rc = parse_links(c, &o, e)) < 0 || (rc = repo_sync(r, &o.sync, e)) < 0)
		goto out;
	o.dir = dir;
	o.group_shared = strcmp(config_str(c, "cache", "shared", ""), "group") == 0;
	if ((rc = odb_open(&r->odb, &o, e)) == 0) {
		odb_set_sink(r->odb, r->sink);
		*out = r->odb;
	}
out:
	free(dir);
	return rc;
}

int repo_ignore(struct repo *r, struct ignore **out, struct err *e)
{
	int rc = 0;

	if (!r->ignore)
		rc = ignore_open(&r->ignore, r->rootfd, r->root, e);
	if (rc == 0)
		*out = r->ignore;
	return rc;
}

static struct pool *pool_of(void *ctx)
{
	return repo_pool(ctx);
}

int repo_state_dir(struct repo *r, const char **out, struct err *e)
{
	int rc;

	if ((rc = fs_mkdirs(r->rootfd, REPO_STATE, 0, e)) < 0)
		return rc;
	if (!r->state_dir)
		r->state_dir = path_join(r->root, REPO_STATE);
	*out = r->state_dir;
	return 0;
}

int repo_index(struct repo *r, struct index **out, struct err *e)
{
	struct index_options o = {
		.root = r->root,
		.rootfd = r->rootfd,
		.pool = pool_of,
		.pool_ctx = r,
		.sink = r->sink,
	};
	int rc;

	if (r->index) {
		*out = r->index;
		return 0;
	}
	if (!r->state_dir)
		r->state_dir = path_join(r->root, REPO_STATE);
	o.state_dir = r->state_dir;
	if ((rc = repo_ignore(r, &o.ignore, e)) < 0 ||
	    (rc = index_open(&r->index, &o, e)) < 0)
		return rc;
	*out = r->index;
	return 0;
}

bool repo_no_scm(struct repo *r)
{
	struct config *c;
	bool on;

	return repo_config(r, &c, NULL) == 0 &&
	       config_bool(c, "core", "no_scm", false, &on, NULL) == 0 && on;
}

int repo_vcs(struct repo *r, struct vcs **out, struct err *e)
{
	struct config *c;
	bool no_scm;
	int rc;

	if (r->vcs_tried) {
		*out = r->vcs;
		return 0;
	}
	if ((rc = repo_config(r, &c, e)) < 0 ||
	    (rc = config_bool(c, "core", "no_scm", false, &no_scm, e)) < 0)
		return rc;
	if (!no_scm) {
		rc = vcs_open(&r->vcs, r->root, e);
		if (rc == ERR_NOREPO)
			return err_set(e, ERR_INVALID, "%s is not a git repository",
				       r->root);
		if (rc < 0)
			return rc;
	}
	r->vcs_tried = true;
	*out = r->vcs;
	return 0;
}

int repo_gitignore(struct repo *r, struct gitignore **out, struct err *e)
{
	struct vcs *vcs;
	int rc;

	if ((rc = repo_vcs(r, &vcs, e)) < 0)
		return rc;
	if (vcs && !r->gitignore && (rc = gitignore_open(&r->gitignore, vcs, e)) < 0)
		return rc;
	*out = r->gitignore;
	return 0;
}

struct pool *repo_pool(struct repo *r)
{
	int64_t jobs = 0;

	if (r->pool)
		return r->pool;
	if (r->jobs > 0)
		jobs = r->jobs;
	else if (r->config)
		IGNORE_RESULT(config_int(r->config, "core", "checksum_jobs", 0, &jobs,
					 NULL) < 0); /* validated at load */
	r->pool = pool_new(jobs > 0 && jobs < 1024 ? (unsigned)jobs : 0);
	return r->pool;
}

int repo_tree(struct repo *r, struct tree **out, struct err *e)
{
	struct tree_workspace o = {.root = r->root, .rootfd = r->rootfd};
	int rc;

	if (r->tree) {
		*out = r->tree;
		return 0;
	}
	if ((rc = repo_ignore(r, &o.ignore, e)) < 0 ||
	    (rc = repo_vcs(r, &o.vcs, e)) < 0 ||
	    (rc = tree_open_workspace(&r->tree, &o, e)) < 0)
		return rc;
	*out = r->tree;
	return 0;
}

int repo_tree_at(struct repo *r, const char *rev, struct tree **out, struct err *e)
{
	struct vcs *vcs;
	int rc;

	if ((rc = repo_vcs(r, &vcs, e)) < 0)
		return rc;
	if (!vcs)
		return err_set(e, ERR_INVALID,
			       "Only supported for Git repositories. If you're seeing "
			       "this error in a Git repo, try updating the DVC "
			       "configuration with `lode config core.no_scm false`.");
	return tree_open_revision(out, vcs, rev, e);
}

/* ---- stages -------------------------------------------------------------- */

int repo_collect_flags(struct repo *r, unsigned *out, struct err *e)
{
	struct config *c;
	unsigned flags = 0;
	int rc;

	if ((rc = repo_config(r, &c, e)) < 0)
		return rc;
	if (strcmp(config_str(c, "parsing", "bool", ""), "boolean_optional") == 0)
		flags |= COLLECT_BOOL_OPTIONAL;
	if (strcmp(config_str(c, "parsing", "list", ""), "append") == 0)
		flags |= COLLECT_LIST_APPEND;
	if (repo_locked(r))
		flags |= COLLECT_LOCKED;
	*out = flags;
	return 0;
}

static int collect_once(struct repo *r, const struct repo_request *q, struct tree *tree,
			struct collection *c, struct targets *t, struct err *e)
{
	unsigned flags;
	int rc;

	if ((rc = repo_collect_flags(r, &flags, e)) < 0)
		return rc;
	flags |= q->collect_flags;
	if (t) {
		struct target_request req = {
			.texts = q->texts,
			.nr = q->nr,
			.cwd = r->cwd,
			.flags = q->target_flags,
		};

		return collect_targets(tree, &req, flags, c, t, e);
	}
	return collect(tree, flags, c, e);
}

/*
 * dvc truncates metadata files and writes them in place. What looks broken to a
 * reader without the lock may be such a moment: look again when nobody writes.
 */
static int collect_twice(struct repo *r, const struct repo_request *q,
			 struct collection *c, struct targets *t, struct err *e)
{
	struct tree *tree;
	bool suspect;
	int rc;

	if ((rc = repo_tree(r, &tree, e)) < 0)
		return rc;
	rc = collect_once(r, q, tree, c, t, e);
	suspect = c->suspect.nr > 0;
	if (rc == 0)
		return 0;
	if (t)
		targets_release(t);
	collection_release(c);
	if (!suspect || repo_locked(r))
		return rc;
	log_debug("repo", "metadata looks unfinished: reading it again under the lock");
	if ((rc = repo_lock(r, e)) < 0)
		return rc;
	rc = collect_once(r, q, tree, c, t, e);
	if (rc < 0) {
		if (t)
			targets_release(t);
		collection_release(c);
	}
	repo_unlock(r);
	return rc;
}

int repo_collect(struct repo *r, unsigned collect_flags, struct collection *c,
		 struct err *e)
{
	struct repo_request q = {.collect_flags = collect_flags};

	return collect_twice(r, &q, c, NULL, e);
}

int repo_collect_targets(struct repo *r, const struct repo_request *q,
			 struct collection *c, struct targets *t, struct err *e)
{
	return collect_twice(r, q, c, t, e);
}

/* ---- objects ------------------------------------------------------------- */

void repo_set_fetcher(struct repo *r, struct repo_fetcher *f)
{
	r->fetcher = f;
}

int repo_fetch(struct repo *r, const struct repo_want *v, size_t nr, struct err *e)
{
	if (!r->fetcher || nr == 0)
		return 0;
	return r->fetcher->fetch(r->fetcher, r, v, nr, e);
}

static bool manifest_of_files(const struct out *o, struct manifest *m)
{
	for (size_t i = 0; i < o->at.files_nr; i++) {
		const struct out_file *f = &o->at.files[i];

		if (!oid_known(&f->oid))
			return false;
		manifest_add(m, f->path, &f->oid, f->size);
	}
	manifest_sort(m);
	return true;
}

int repo_out_oid(const struct out *o, struct oid *oid, struct err *e)
{
	struct manifest m = {0};
	int rc = 0;

	if (!o->at.has_files)
		*oid = o->at.oid;
	else if (!manifest_of_files(o, &m))
		*oid = (struct oid){0};
	else
		rc = manifest_oid(&m, OID_MD5, oid, e);
	manifest_release(&m);
	return rc;
}

int repo_manifest(struct repo *r, const struct out *o, struct manifest *out,
		  struct err *e)
{
	struct repo_want want = {
		.oid = o->at.oid,
		.bytes = -1,
		.remote = o->remote,
		.path = out_path(o),
		.out = o,
	};
	struct odb *odb;
	int rc;

	if (o->at.has_files) {
		if (manifest_of_files(o, out))
			return 0;
		manifest_release(out);
		return err_set(e, ERR_NOTFOUND, "'%s' lists files without an md5",
			       out_path(o));
	}
	if (!o->at.oid.is_dir)
		return err_set(e, ERR_NOTFOUND, "'%s' has no directory listing",
			       out_path(o));
	if ((rc = repo_odb(r, &odb, e)) < 0)
		return rc;
	rc = odb_read_manifest(odb, &o->at.oid, out, e);
	if ((rc != ERR_NOTFOUND && rc != ERR_CORRUPT) || !r->fetcher)
		return rc;
	if ((rc = repo_fetch(r, &want, 1, e)) < 0)
		return rc;
	return odb_read_manifest(odb, &o->at.oid, out, e);
}
