/* A git repository with a DVC one in it, in a directory of its own. */
#ifndef TESTS_UNIT_REPO_FIXTURE_H
#define TESTS_UNIT_REPO_FIXTURE_H

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/odb/odb.h"
#include "store/repo/add.h"
#include "store/repo/change.h"
#include "store/repo/checkout.h"
#include "store/repo/diff.h"
#include "store/repo/fsck.h"
#include "store/repo/gc.h"
#include "store/repo/repo.h"
#include "store/repo/report.h"
#include "store/repo/status.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char *dir;
	int fd;
	struct repo *repo;
};

UNUSED static void sh(const struct fixture *f, const char *fmt, ...) PRINTF_LIKE(2, 3);
UNUSED static void sh(const struct fixture *f, const char *fmt, ...)
{
	struct buf cmd = {0};
	va_list ap;
	int rc;

	buf_addf(&cmd,
		 "cd '%s' && export HOME='%s/home' GIT_CONFIG_NOSYSTEM=1 "
		 "GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t "
		 "GIT_COMMITTER_EMAIL=t@t && ",
		 f->dir, f->dir);
	va_start(ap, fmt);
	buf_vaddf(&cmd, fmt, ap);
	va_end(ap);
	rc = system(buf_str(&cmd));
	if (rc != 0)
		fail_msg("%s: status %d", buf_str(&cmd), rc);
	buf_release(&cmd);
}

/* The story as a person reads it; a static buffer. */
UNUSED static const char *story(const struct err *e)
{
	static char text[sizeof(e->text)];

	err_format(e, text, sizeof(text));
	return text;
}

UNUSED static void must(int rc, const struct err *e)
{
	if (rc < 0)
		fail_msg("%d: %s", rc, e->text);
}

UNUSED static void reopen(struct fixture *f)
{
	struct repo_options o = {.dir = f->dir, .lock_wait_ms = LOCK_WAIT_NOT, .jobs = 2};
	struct err e = {0};

	repo_free(f->repo);
	f->repo = NULL;
	must(repo_open(&f->repo, &o, &e), &e);
}

UNUSED static void put(const struct fixture *f, const char *path, const char *text)
{
	struct slice dir = path_dir(path);
	char *parent = xmemdup0(dir.p, dir.n);
	struct err e = {0};

	must(fs_mkdirs(f->fd, parent, 0, &e), &e);
	must(fs_write(f->fd, path, slice_of(text), 0644, FS_SYNC_NONE, &e), &e);
	free(parent);
}

/* The file's text; a static buffer. "" when there is none. */
UNUSED static const char *text_of(const struct fixture *f, const char *path)
{
	static struct buf text;

	buf_reset(&text);
	if (fs_read(f->fd, path, 0, &text, NULL) < 0)
		return "";
	return buf_str(&text);
}

UNUSED static bool there(const struct fixture *f, const char *path)
{
	return fs_kind(f->fd, path) != 0;
}

UNUSED static int setup_repo(void **state, bool no_scm)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct repo_init_options o = {.no_scm = no_scm};
	struct report rep = {0};
	struct err e = {0};

	f->dir = xstrdup("/tmp/lode-repo-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->fd >= 0);
	mkdirat(f->fd, "home", 0777);
	if (!no_scm)
		sh(f, "git init -q . && printf 'home\\n' > .git/info/exclude");
	o.dir = f->dir;
	must(repo_init(&o, &rep, &e), &e);
	report_release(&rep);
	reopen(f);
	*state = f;
	return 0;
}

UNUSED static int setup(void **state)
{
	return setup_repo(state, true);
}

UNUSED static int setup_git(void **state)
{
	return setup_repo(state, false);
}

UNUSED static int teardown(void **state)
{
	struct fixture *f = *state;

	sys_fail_nth(0, 0);
	repo_free(f->repo);
	close(f->fd);
	sh(f, "chmod -R u+w . && cd / && rm -rf '%s'", f->dir);
	free(f->dir);
	free(f);
	return 0;
}

UNUSED static void config(struct fixture *f, const char *text)
{
	put(f, ".dvc/config", text);
	reopen(f);
}

UNUSED static int add_one(struct fixture *f, const char *path, struct err *e)
{
	struct add_options o = {.targets = &path, .targets_nr = 1};
	struct report rep = {0};
	int rc = repo_add(f->repo, &o, &rep, e);

	report_release(&rep);
	return rc;
}

UNUSED static void add(struct fixture *f, const char *path)
{
	struct err e = {0};

	must(add_one(f, path, &e), &e);
}

/* checkout of everything; the result is the caller's to release. */
UNUSED static int checkout(struct fixture *f, bool force, struct checkout_result *res,
			   struct err *e)
{
	struct checkout_options o = {.force = force};

	return repo_checkout(f->repo, &o, res, e);
}

/* The state of a path in status, "" for clean. */
UNUSED static const char *state_of(struct fixture *f, const char *path)
{
	static char state[64];
	struct status_options o = {0};
	struct status_result res = {0};
	struct err e = {0};

	must(repo_status(f->repo, &o, &res, &e), &e);
	state[0] = '\0';
	for (size_t i = 0; i < res.stages.nr; i++) {
		for (size_t k = 0; k < res.stages.v[i].outs.nr; k++) {
			const struct status_change *c = &res.stages.v[i].outs.v[k];

			if (strcmp(c->path, path) == 0)
				snprintf(state, sizeof(state), "%s", c->state);
		}
	}
	status_result_release(&res);
	return state;
}

UNUSED static void fsck_is_clean(struct fixture *f)
{
	struct fsck_options o = {0};
	struct fsck_result res = {0};
	struct err e = {0};
	int rc = repo_fsck(f->repo, &o, &res, &e);

	for (size_t i = 0; i < res.report.items.nr; i++)
		print_error("fsck: %s %s %s\n", res.report.items.v[i].path,
			    res.report.items.v[i].state,
			    res.report.items.v[i].error ? res.report.items.v[i].error
							: "");
	must(rc, &e);
	fsck_result_release(&res);
}

#endif
