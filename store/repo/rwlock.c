/*
 * .dvc/tmp/rwlock: who reads and writes which path while dvc runs a stage command
 * and has let go of the repository lock. We only look, and sweep out the dead.
 */
#include "store/base/alloc.h"
#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/lock.h"
#include "store/base/path.h"
#include "store/base/sink.h"
#include "store/fmt/json.h"
#include "store/fmt/jsonw.h"
#include "store/fmt/value.h"
#include "store/repo/repo_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME  REPO_TMP "/rwlock"
#define GUARD_NAME REPO_TMP "/rwlock.lock"

enum {
	RWLOCK_MAX = 64 << 20
};

struct scan {
	struct repo *repo;
	struct arena *arena;
	const char *abs; /* the path we want */
	struct buf blockers;
	bool swept;
};

static int bad_format(struct err *e)
{
	return err_set(e, ERR_CORRUPT, "RWLock-file '" FILE_NAME "' format error.");
}

/* A process of another user answers EPERM: it lives. */
static bool lives(int64_t pid)
{
	return pid > 0 && pid <= INT32_MAX &&
	       (kill((pid_t)pid, 0) == 0 || errno != ESRCH);
}

/* One entry: keep it (true) or sweep it. Blockers are noted. */
static int judge(struct scan *s, const struct value *info, const char *path, bool overlap,
		 bool *keep, struct err *e)
{
	const char *cmd = value_text(value_get(info, "cmd"), NULL);
	int64_t pid;

	if (!cmd || !value_as_i64(value_get(info, "pid"), &pid))
		return bad_format(e);
	*keep = true;
	if (!overlap || pid == (int64_t)getpid())
		return 0;
	if (lives(pid)) {
		buf_addf(&s->blockers, "  (PID %lld): %s\n", (long long)pid, cmd);
		return 0;
	}
	{
		char *text =
			xasprintf("Process '%s' with (Pid %lld), in RWLock-file '%s' "
				  "had been killed. Auto removed it from the lock file.",
				  cmd, (long long)pid, path);

		sink_note(s->repo->sink, text);
		free(text);
	}
	*keep = false;
	s->swept = true;
	return 0;
}

static bool overlaps(const char *a, const char *b)
{
	return path_within(a, b) || path_within(b, a);
}

/* "write": {path: info} or "read": {path: [info, ...]}; what stays is copied. */
static int scan_mode(struct scan *s, const struct value *mode, bool is_read,
		     bool is_asked, struct value **left, struct err *e)
{
	struct value *out = value_map(s->arena);
	int rc;

	if (mode && !value_is(mode, VALUE_MAP))
		return bad_format(e);
	for (size_t i = 0; mode && i < mode->nr; i++) {
		const struct value *infos = mode->pairs[i].value;
		const char *path = value_text(mode->pairs[i].key, NULL);
		struct value *list = value_list(s->arena);
		bool overlap;

		if (!path ||
		    (is_read ? !value_is_seq(infos) : !value_is(infos, VALUE_MAP)))
			return bad_format(e);
		overlap = is_asked && overlaps(s->abs, path);
		for (size_t k = 0; k < (is_read ? infos->nr : 1); k++) {
			const struct value *info = is_read ? infos->items[k] : infos;
			bool keep = false;

			if ((rc = judge(s, info, path, overlap, &keep, e)) < 0)
				return rc;
			if (keep && is_read)
				value_add(s->arena, list, value_copy(s->arena, info));
			else if (keep)
				value_set(s->arena, out, path,
					  value_copy(s->arena, info));
		}
		if (is_read && list->nr > 0)
			value_set(s->arena, out, path, list);
	}
	*left = out;
	return 0;
}

static int check(struct scan *s, struct slice text, bool write, struct buf *swept,
		 struct err *e)
{
	struct value *root = NULL, *w = NULL, *rd = NULL, *out;
	struct jsonw jw;
	int rc;

	if (json_read(text, FILE_NAME, s->arena, &root, NULL) < 0)
		return err_set(e, ERR_CORRUPT,
			       "Unable to read RWLock-file '" FILE_NAME
			       "'. JSON structure is corrupted");
	if (!value_is(root, VALUE_MAP))
		return bad_format(e);
	for (size_t i = 0; i < root->nr; i++) {
		const char *key = value_text(root->pairs[i].key, "");

		if (strcmp(key, "read") != 0 && strcmp(key, "write") != 0)
			return bad_format(e);
	}
	if ((rc = scan_mode(s, value_get(root, "write"), false, true, &w, e)) < 0 ||
	    (rc = scan_mode(s, value_get(root, "read"), true, write, &rd, e)) < 0)
		return rc;
	out = value_map(s->arena);
	value_set(s->arena, out, "write", w);
	value_set(s->arena, out, "read", rd);
	jsonw_init(&jw, swept, 0);
	jsonw_value(&jw, out);
	if (s->blockers.n == 0)
		return 0;
	return err_set(
		e, ERR_LOCKED,
		"'%s' is busy, it is being blocked by:\n%s\nIf there are no "
		"processes with such PIDs, you can manually remove '%s/tmp/rwlock' "
		"and try again.",
		s->abs, buf_str(&s->blockers), s->repo->dvc_dir);
}

int repo_rwlock_check(struct repo *r, const char *path, bool write, struct err *e)
{
	struct arena arena = {0};
	struct buf text = {0}, swept = {0};
	struct lock guard = {0};
	struct scan s = {.repo = r, .arena = &arena};
	char *abs;
	int rc;

	/* The parent has its own entry for what we are about to touch. */
	if (r->in_stage || !fs_exists(r->rootfd, FILE_NAME))
		return 0;
	abs = path[0] ? path_join(r->root, path) : xstrdup(r->root);
	s.abs = abs;
	if ((rc = lock_take(&guard, r->rootfd, GUARD_NAME, false, r->lock_wait_ms,
			    r->sink, e)) < 0)
		goto out;
	rc = fs_read(r->rootfd, FILE_NAME, RWLOCK_MAX, &text, e);
	if (rc == ERR_NOTFOUND) {
		rc = 0;
		goto out;
	}
	if (rc < 0)
		goto out;
	rc = check(&s, buf_slice(&text), write, &swept, e);
	if (s.swept && (rc == 0 || rc == ERR_LOCKED)) {
		int r2 = fs_write(r->rootfd, FILE_NAME, buf_slice(&swept), 0666,
				  FS_SYNC_NONE, rc == 0 ? e : NULL);

		if (rc == 0)
			rc = r2;
	}
out:
	lock_drop(&guard);
	buf_release(&s.blockers);
	buf_release(&swept);
	buf_release(&text);
	arena_release(&arena);
	free(abs);
	return rc;
}
