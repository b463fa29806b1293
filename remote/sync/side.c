#include "remote/sync/side.h"

#include "remote/sync/exists.h"
#include "remote/sync/versioned.h"
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/log.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/hash/hash.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"
#include "store/repo/repo.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A manifest of ten million entries has about this size. */
#define MANIFEST_LIMIT ((size_t)1 << 30)

static bool says(const struct side *s, const char *key, const char *word)
{
	union {
		const struct config_remote *c;
		void *v;
	} section = {.c = &s->section};
	const char *value = config_remote_get(section.v, key);

	return value && strcasecmp(value, word) == 0;
}

/* Where the last word is said: only a bucket has versions. */
static int set_versioned(struct side *s, struct err *e)
{
	const char *scheme = config_url_scheme(s->section.url);

	if (says(s, "worktree", "true") && says(s, "version_aware", "false"))
		return err_set(e, ERR_CONFIG,
			       "remote '%s': 'worktree' does not go with 'version_aware' "
			       "being false",
			       s->section.name);
	s->is_versioned = says(s, "worktree", "true") || says(s, "version_aware", "true");
	if (!s->is_versioned || (scheme && strcmp(scheme, "s3") == 0))
		return 0;
	return err_set(e, ERR_UNSUPPORTED,
		       "remote '%s' is version-aware, which is offered for S3 only",
		       s->section.name);
}

int side_open(struct side *s, struct repo *repo, const char *name,
	      const struct sync_options *o, struct sync_result *res, struct err *e)
{
	int r = side_open_any(s, repo, name, o, res, e);

	if (r == 0 && s->is_versioned)
		r = err_set(e, ERR_UNSUPPORTED,
			    "remote '%s' is version-aware, and this is not offered for "
			    "such a remote",
			    s->section.name);
	return r;
}

int side_open_any(struct side *s, struct repo *repo, const char *name,
		  const struct sync_options *o, struct sync_result *res, struct err *e)
{
	struct config *config = NULL;
	const char *state_dir, *scheme;
	int r;

	*s = (struct side){.repo = repo, .o = o, .res = res};
	if ((r = repo_config_for_remote(repo, &config, e)) < 0 ||
	    (r = repo_odb(repo, &s->odb, e)) < 0)
		return r;
	r = config_remote_open(config, name && name[0] ? name : NULL, &s->section, e);
	if (r < 0)
		return r;
	if ((r = set_versioned(s, e)) < 0)
		return r;
	scheme = config_url_scheme(s->section.url);
	s->journal_on = !s->is_versioned && (!scheme || strcmp(scheme, "local") != 0);
	if (s->journal_on) {
		if ((r = repo_state_dir(repo, &state_dir, e)) < 0)
			return r;
		journal_open(&s->journal, state_dir, s->section.url);
		if (o->refresh)
			journal_drop_all(&s->journal);
	}
	return 0;
}

int side_remote(struct side *s, struct err *e)
{
	struct remote_options ro = {
		.name = s->section.name,
		.url = s->section.url,
		.get = config_remote_get,
		.get_ctx = &s->section,
		.trusted = config_remote_trusted,
		.jobs = s->o->jobs,
		.connections_max = s->o->connections_max,
		.limit_up = s->o->limit_up,
		.limit_down = s->o->limit_down,
		.sink = s->o->sink,
	};

	const char *own_state;
	char *state_dir, *learned;
	int r;

	if (s->r)
		return 0;
	if ((r = repo_state_dir(s->repo, &own_state, e)) < 0)
		return r;
	/* Beside the cache: what it speaks of lies there, and others may share it. */
	state_dir = path_join(odb_dir(s->odb), "lode/transfers");
	learned = learned_file(own_state, s->section.url);
	ro.state_dir = state_dir;
	ro.learned_file = learned;
	r = remote_open(&s->r, &ro, e);
	free(learned);
	free(state_dir);
	return r;
}

void side_close(struct side *s)
{
	if (s->r) {
		s->res->requests += remote_requests(s->r);
		remote_close(s->r);
	}
	if (s->journal_on)
		journal_save(&s->journal);
	journal_release(&s->journal);
	config_remote_release(&s->section);
	*s = (struct side){0};
}

/* The bytes of a manifest from the remote, checked against its name. */
static int fetch_manifest(struct side *s, const struct oid *oid, struct buf *bytes,
			  struct err *e)
{
	char key[OID_PATH_MAX];
	int r;

	if ((r = side_remote(s, e)) < 0)
		return r;
	for (int tries = 0; tries < 2; tries++) {
		struct remote_job job = {
			.op = REMOTE_GET_BYTES,
			.key = oid_path(oid, key),
			.out = bytes,
			.limit = MANIFEST_LIMIT,
		};
		uint8_t digest[HASH_MD5_N];

		buf_reset(bytes);
		if ((r = remote_do(s->r, &job, e)) < 0)
			return r;
		hash_md5(bytes->p ? bytes->p : "", bytes->n, digest);
		if (memcmp(digest, oid->b, sizeof(digest)) == 0)
			return 0;
		log_debug("sync", "%s arrived with another digest", key);
	}
	return err_set(e, ERR_CORRUPT,
		       "'%s' is damaged on the remote: its bytes have another digest",
		       key);
}

int side_state_dir(struct side *s, int *dirfd, struct err *e)
{
	const char *dir;
	int r = repo_state_dir(s->repo, &dir, e);

	if (r < 0)
		return r;
	*dirfd = sys_openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
	return *dirfd < 0 ? err_sys(e, "open", dir) : 0;
}

int side_remote_manifest(struct side *s, const struct oid *oid, struct manifest *m,
			 struct buf *bytes, struct err *e)
{
	int r = fetch_manifest(s, oid, bytes, e);

	return r < 0 ? r : manifest_parse(buf_slice(bytes), oid->algo, m, e);
}

int side_manifest(struct side *s, const struct oid *oid, struct manifest *m,
		  struct buf *bytes, struct err *e)
{
	int r = odb_read_manifest(s->odb, oid, m, e);

	if (r != ERR_NOTFOUND && r != ERR_CORRUPT)
		return r;
	return side_remote_manifest(s, oid, m, bytes, e);
}

int side_ask(struct side *s, struct plan *p, bool only_wanted, struct err *e)
{
	struct exists_item *items;
	size_t *at, nr = 0;
	int r;

	if (s->is_versioned)
		return versioned_ask(s, p, only_wanted, e);
	items = xcalloc(p->objects.nr, sizeof(*items));
	at = xcalloc(p->objects.nr, sizeof(*at));
	for (size_t i = 0; i < p->objects.nr; i++) {
		const struct plan_object *object = &p->objects.v[i];

		if (object->on_remote != EXISTS_UNKNOWN ||
		    (only_wanted && !object->wanted))
			continue;
		items[nr].oid = object->x.oid;
		at[nr++] = i;
	}
	r = nr > 0 ? side_remote(s, e) : 0;
	if (r == 0)
		r = exists_query(s->r, items, nr, s->o->sink, e);
	for (size_t i = 0; i < nr; i++) {
		struct plan_object *object = &p->objects.v[at[i]];

		object->on_remote = items[i].state;
		if (items[i].state == EXISTS_YES)
			object->x.bytes = items[i].bytes;
		if (items[i].code < 0)
			object->x.code = items[i].code;
	}
	free(at);
	free(items);
	return r;
}

struct report_item *side_note(struct side *s, const char *path, const struct oid *oid,
			      const char *state, int64_t bytes)
{
	return report_add(&s->res->report, path, oid, state, bytes);
}

void side_fail(struct side *s, const char *path, const struct oid *oid, const char *state,
	       int code, const char *error)
{
	struct report *rep = &s->res->report;
	struct report_item *item = report_add(rep, path, oid, state, -1);
	char hex[OID_TEXT_MAX];
	struct report_failure failure = {.code = code, .path = item->path};

	item->code = code;
	item->error = arena_strdup(&rep->arena, error);
	failure.message =
		oid ? arena_printf(&rep->arena, "%s (%s)", error, oid_text(oid, hex))
		    : item->error;
	vec_push(&rep->errors, failure);
	if (code == ERR_MISSING)
		s->res->missing++;
	else
		s->res->failed++;
}

void side_fail_err(struct side *s, const char *path, const struct oid *oid,
		   const struct err *e)
{
	char text[2048];

	err_format(e, text, sizeof(text));
	side_fail(s, path, oid, "failed", e->code, text);
}

int side_verdict(struct sync_result *res, const char *verb, struct err *e)
{
	if (res->failed > 0)
		return err_set(e, ERR_PARTIAL, "%llu object%s failed to %s",
			       (unsigned long long)res->failed,
			       res->failed == 1 ? "" : "s", verb);
	if (res->missing > 0)
		return err_set(e, ERR_MISSING,
			       "%llu object%s missing both here and on the remote",
			       (unsigned long long)res->missing,
			       res->missing == 1 ? " is" : "s are");
	return 0;
}
