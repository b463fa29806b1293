#include "remote/sync/origin.h"

#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/interrupt.h"
#include "store/base/parse.h"
#include "store/base/path.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "store/fmt/value.h"
#include "store/meta/stage.h"
#include "store/repo/repo.h"
#include "store/repo/source.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *get(void *ctx, const char *key)
{
	struct origin *g = ctx;
	const struct value *v;

	if (g->section.name)
		return strcmp(key, "url") == 0 ? g->url
					       : config_remote_get(&g->section, key);
	v = g->fs_config ? value_get(g->fs_config, key) : NULL;
	if (value_is(v, VALUE_BOOL))
		return v->b ? "true" : "false";
	return value_text(v, NULL);
}

static bool trusted(void *ctx, const char *key)
{
	struct origin *g = ctx;

	return g->section.name && config_remote_trusted(&g->section, key);
}

/* "%41" -> "A", as a key is sent encoded once more; NULL for what is no name. */
static char *decoded(const char *s)
{
	char *out = xmalloc(strlen(s) + 1);
	size_t n = 0;

	for (; *s; s++) {
		int hi = *s == '%' ? parse_hex_digit(s[1]) : -1;
		int lo = hi >= 0 ? parse_hex_digit(s[2]) : -1;

		out[n] = *s;
		if (lo >= 0) {
			out[n] = (char)(hi << 4 | lo);
			s += 2;
		}
		if (out[n] == '/' || out[n] == '\0') {
			free(out);
			return NULL;
		}
		n++;
	}
	out[n] = '\0';
	return out;
}

static int refuse(const char *url, struct err *e)
{
	return err_set(e, ERR_INVALID, "'%s' names no file or directory", url);
}

/* The root is the directory for a file, the bucket for S3. */
static int split(struct origin *g, const char *url, struct err *e)
{
	const char *host = strstr(url, "://") + 3, *slash;
	bool is_web = strncasecmp(url, "http", 4) == 0;
	size_t n = strlen(url);

	while (n > 0 && url[n - 1] == '/')
		n--;
	if (strncasecmp(url, "s3://", 5) == 0) {
		slash = strchr(host, '/');
	} else {
		slash = NULL;
		for (const char *p = host; p < url + n; p++)
			if (*p == '/')
				slash = p;
	}
	if (!slash || slash + 1 >= url + n)
		return refuse(url, e);
	if (is_web && strpbrk(host, "?#"))
		return err_set(e, ERR_UNSUPPORTED,
			       "'%s': a URL with '?' or '#' is not offered", url);
	g->url = xmemdup0(url, (size_t)(slash - url));
	g->key = xmemdup0(slash + 1, (size_t)(url + n - slash - 1));
	if (is_web) {
		char *key = decoded(g->key);

		free(g->key);
		g->key = key;
		if (!key)
			return refuse(url, e);
	}
	return 0;
}

/* remote://NAME/path: below that remote's URL. */
static int below_remote(struct origin *g, struct repo *repo, const char *url,
			struct err *e)
{
	const char *rest = url + strlen("remote://");
	size_t n = strcspn(rest, "/"), end;
	char *name = xmemdup0(rest, n);
	struct config *config;
	int r;

	rest += n;
	while (*rest == '/')
		rest++;
	for (end = strlen(rest); end > 0 && rest[end - 1] == '/'; end--)
		;
	if ((r = repo_config_for_remote(repo, &config, e)) == 0)
		r = config_remote_open(config, name, &g->section, e);
	if (r == 0 && end == 0)
		r = refuse(url, e);
	if (r == 0) {
		g->url = xstrdup(g->section.url);
		g->key = xmemdup0(rest, end);
	}
	free(name);
	return r;
}

int origin_open(struct origin *g, struct repo *repo, const char *url,
		const struct value *fs_config, const struct sync_options *o,
		struct err *e)
{
	struct remote_options ro = {.get = get, .trusted = trusted};
	int r;

	*g = (struct origin){.fs_config = fs_config};
	r = strncasecmp(url, "remote://", 9) == 0 ? below_remote(g, repo, url, e)
						  : split(g, url, e);
	if (r < 0)
		return r;
	ro.name = g->section.name;
	ro.url = g->url;
	ro.get_ctx = g;
	ro.jobs = o->jobs;
	ro.connections_max = o->connections_max;
	ro.limit_up = o->limit_up;
	ro.limit_down = o->limit_down;
	ro.sink = o->sink;
	return remote_open(&g->r, &ro, e);
}

void origin_close(struct origin *g)
{
	remote_close(g->r);
	config_remote_release(&g->section);
	free(g->url);
	free(g->key);
	*g = (struct origin){0};
}

void origin_files_release(struct origin_files *f)
{
	for (size_t i = 0; i < f->v.nr; i++) {
		free(f->v.v[i].key);
		free(f->v.v[i].version);
		free(f->v.v[i].path);
	}
	vec_release(&f->v);
}

void origin_files_add(struct origin_files *f, const char *key, const char *version,
		      const char *path, uint64_t bytes)
{
	struct origin_file one = {.key = xstrdup(key),
				  .version = version ? xstrdup(version) : NULL,
				  .path = xstrdup(path),
				  .bytes = bytes};

	vec_push(&f->v, one);
}

struct finding {
	struct origin_files *out;
	const char *prefix, *name;
};

static int keep_page(struct remote_job *job, const struct remote_entry *v, size_t nr)
{
	struct finding *f = job->ctx;
	size_t n = strlen(f->prefix);

	for (size_t i = 0; i < nr; i++) {
		char *path;

		/* "dir/" itself is what consoles put for an empty directory. */
		if (strncmp(v[i].key, f->prefix, n) != 0 || !v[i].key[n] ||
		    slice_ends(slice_of(v[i].key), "/"))
			continue;
		path = path_join(f->name, v[i].key + n);
		origin_files_add(f->out, v[i].key, NULL, path, v[i].bytes);
		free(path);
	}
	return 0;
}

int origin_find(struct origin *g, const char *name, struct origin_files *out,
		struct err *e)
{
	struct remote_job head = {.op = REMOTE_HEAD, .key = g->key};
	char *prefix = xasprintf("%s/", g->key);
	struct finding f = {.out = out, .prefix = prefix, .name = name};
	struct remote_job list = {
		.op = REMOTE_LIST, .key = prefix, .on_page = keep_page, .ctx = &f};
	struct err first = {0};
	int r = remote_do(g->r, &head, &first);

	if (r == 0) {
		origin_files_add(out, g->key, NULL, name, head.bytes);
	} else if (remote_traits(g->r)->can_list) {
		/* Of a directory HEAD says that it is none, or no file. */
		r = remote_do(g->r, &list, e);
		if (r == 0 && out->v.nr == 0) {
			r = first.code;
			if (e)
				*e = first;
		}
	} else if (e) {
		*e = first;
	}
	if (r == ERR_NOTFOUND)
		r = err_set(e, ERR_NOTFOUND, "'%s/%s' does not exist", remote_url(g->r),
			    g->key);
	free(prefix);
	return r;
}

struct fetching {
	struct remote_job job;
	int fd;
};

/* Open path below dir for writing, its directories made; never through a link. */
static int make_file(const char *dir, const char *path, int *fd, struct err *e)
{
	struct slice parent = path_dir(path);
	char *full = path_join(dir, path), *up;
	int r = path_check_tracked(path, e);

	if (r == 0 && parent.n > 0) {
		char *rel = xmemdup0(parent.p, parent.n);

		up = path_join(dir, rel);
		r = fs_mkdirs(AT_FDCWD, up, 0, e);
		free(up);
		free(rel);
	}
	if (r == 0) {
		*fd = sys_openat(AT_FDCWD, full, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
				 0666);
		r = *fd < 0 ? err_sys(e, "create", full) : 0;
	}
	free(full);
	return r;
}

static int reap(struct origin *g, size_t until, int r, struct sink *sink, struct err *e)
{
	while (remote_in_flight(g->r) > until) {
		struct remote_job *job = remote_next(g->r);
		struct fetching *f;

		if (!job)
			break;
		f = job->ctx;
		if (job->code < 0 && r == 0) {
			r = job->code;
			if (e)
				*e = job->err;
		}
		sink_add(sink, 1, 0);
		sys_close(f->fd);
		free(f);
	}
	return r;
}

int origin_get(struct origin *g, const struct origin_files *f, const char *dir,
	       struct sink *sink, struct err *e)
{
	size_t limit = MAX_OF((size_t)remote_traits(g->r)->jobs, (size_t)1);
	uint64_t bytes = 0;
	int r = 0;

	for (size_t i = 0; i < f->v.nr; i++)
		bytes += f->v.v[i].bytes;
	sink_begin(sink, "downloading", f->v.nr, bytes);
	for (size_t i = 0; i < f->v.nr && r == 0; i++) {
		const struct origin_file *file = &f->v.v[i];
		struct fetching *one;

		if ((r = interrupt_check(e)) < 0 ||
		    (r = reap(g, limit - 1, r, sink, e)) < 0)
			break;
		one = xcalloc(1, sizeof(*one));
		if ((r = make_file(dir, file->path, &one->fd, e)) < 0) {
			free(one);
			break;
		}
		one->job = (struct remote_job){.op = REMOTE_GET,
					       .key = file->key,
					       .version = file->version,
					       .fd = one->fd,
					       .sink = sink,
					       .ctx = one};
		remote_submit(g->r, &one->job);
	}
	r = reap(g, 0, r, sink, e);
	sink_end(sink);
	return r;
}

#define SCRATCH	  "origin-"
#define SCRATCH_S ((time_t)24 * 3600)

/* What a killed run left a day ago or longer: nobody works there any more. */
static void remove_stale(const char *state)
{
	struct fs_dir *d = NULL;
	struct fs_dirent ent;
	struct stat st;

	if (fs_dir_open(&d, AT_FDCWD, state, NULL) < 0)
		return;
	while (fs_dir_next(d, &ent, NULL) == 1)
		if (strncmp(ent.name, SCRATCH, strlen(SCRATCH)) == 0 &&
		    sys_fstatat(fs_dir_fd(d), ent.name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    clock_wall_ns() / 1000000000 - st.st_mtim.tv_sec > SCRATCH_S)
			IGNORE_RESULT(fs_remove_tree(fs_dir_fd(d), ent.name, NULL) < 0);
	fs_dir_close(d);
}

int origin_scratch(struct repo *repo, char **dir, struct err *e)
{
	const char *state;
	char *path;
	int r = repo_state_dir(repo, &state, e);

	if (r < 0)
		return r;
	remove_stale(state);
	path = path_join(state, SCRATCH "XXXXXX");
	if (!mkdtemp(path)) {
		r = err_sys(e, "mkdtemp", path);
		free(path);
		return r;
	}
	*dir = path;
	return 0;
}

/* ---- imports --------------------------------------------------------------- */

bool origin_is_versioned(const struct plan_root *root)
{
	const struct stage *st = root->out->stage;
	const struct pinned *dep;

	if (st->kind != STAGE_IMPORT_URL || st->deps_nr != 1 || !st->deps[0].at.abs ||
	    !strstr(st->deps[0].at.abs, "://"))
		return false;
	dep = &st->deps[0].at;
	if (dep->has_files) {
		for (size_t i = 0; i < dep->files_nr; i++)
			if (!dep->files[i].version_id)
				return false;
		return dep->files_nr > 0;
	}
	return dep->version_id != NULL;
}

static int fetch_into(struct origin *g, const struct pinned *dep, const char *dir,
		      struct sink *sink, struct err *e)
{
	struct origin_files f = {0};
	int r;

	for (size_t i = 0; i < dep->files_nr; i++) {
		char *key = path_join(g->key, dep->files[i].path);
		char *path = path_join("data", dep->files[i].path);

		origin_files_add(&f, key, dep->files[i].version_id, path,
				 dep->files[i].size > 0 ? (uint64_t)dep->files[i].size
							: 0);
		free(path);
		free(key);
	}
	if (!dep->has_files)
		origin_files_add(&f, g->key, dep->version_id, "data",
				 dep->size > 0 ? (uint64_t)dep->size : 0);
	r = origin_get(g, &f, dir, sink, e);
	origin_files_release(&f);
	return r;
}

int origin_fetch_import(struct side *s, const struct plan_root *root, struct err *e)
{
	const struct pinned *dep = &root->out->stage->deps[0].at;
	char *dir = NULL, *data = NULL;
	struct origin g = {0};
	struct source found = {0};
	struct err why = {0};
	int r = origin_open(&g, s->repo, dep->abs, dep->fs_config, s->o, &why);

	if (r == 0)
		r = origin_scratch(s->repo, &dir, &why);
	if (r == 0)
		r = fetch_into(&g, dep, dir, s->o->sink, &why);
	if (r == 0) {
		data = path_join(dir, "data");
		r = source_scan(s->repo, data, true, &found, &why);
	}
	if (r == 0 && !oid_eq(&found.oid, &root->oid))
		r = err_set(&why, ERR_CORRUPT,
			    "the version of '%s' on record has other bytes", dep->abs);
	if (r == 0) {
		s->res->moved += found.files_nr + found.is_dir;
		s->res->moved_bytes += found.bytes;
		side_note(s, root->name, &root->oid, "fetched", (int64_t)found.bytes);
	} else if (r == ERR_CANCELED) {
		if (e)
			*e = why;
	} else {
		side_fail_err(s, root->name, &root->oid, &why);
		r = 0;
	}
	if (dir)
		IGNORE_RESULT(fs_remove_tree(AT_FDCWD, dir, NULL) < 0);
	origin_close(&g);
	free(data);
	free(dir);
	return r;
}

/* ---- add -o ---------------------------------------------------------------- */

int sync_download(struct repo *repo, const char *url, const struct sync_options *o,
		  char **dir, char **data, struct err *e)
{
	struct origin_files files = {0};
	struct origin g = {0};
	int r;

	*dir = *data = NULL;
	if ((r = origin_open(&g, repo, url, NULL, o, e)) == 0 &&
	    (r = origin_find(&g, "data", &files, e)) == 0 &&
	    (r = origin_scratch(repo, dir, e)) == 0 &&
	    (r = origin_get(&g, &files, *dir, o->sink, e)) == 0)
		*data = path_join(*dir, "data");
	if (r < 0)
		sync_download_end(dir, data);
	origin_files_release(&files);
	origin_close(&g);
	return r;
}

void sync_download_end(char **dir, char **data)
{
	if (*dir)
		IGNORE_RESULT(fs_remove_tree(AT_FDCWD, *dir, NULL) < 0);
	free(*dir);
	free(*data);
	*dir = *data = NULL;
}
