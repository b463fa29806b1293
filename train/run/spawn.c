#include "train/run/spawn.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/path.h"

extern char **environ;

/* Our environment with two variables more; a shallow copy but for those. */
static char **environment(const struct spawn *s, char *own[2])
{
	size_t nr = 0, n = 0;
	char **env;

	while (environ[nr])
		nr++;
	env = xcalloc(nr + 3, sizeof(*env));
	for (size_t i = 0; i < nr; i++) {
		if (strncmp(environ[i], "DVC_ROOT=", 9) != 0 &&
		    strncmp(environ[i], "DVC_STAGE=", 10) != 0)
			env[n++] = environ[i];
	}
	own[0] = xasprintf("DVC_ROOT=%s", s->root);
	own[1] = xasprintf("DVC_STAGE=%s", s->stage);
	env[n++] = own[0];
	env[n] = own[1];
	return env;
}

static char **words(const struct spawn *s)
{
	static const char *const shell[] = {"/bin/sh", "-c"};
	char **v = xcalloc(s->argc + 3, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; s->argc == 1 && i < 2; i++)
		v[n++] = xstrdup(shell[i]);
	for (size_t i = 0; i < s->argc; i++)
		v[n++] = xstrdup(s->argv[i]);
	return v;
}

static int wait_for(pid_t pid, const char *name, int *status, struct err *e)
{
	int st = 0;
	pid_t got;

	/* Not a bounded wait: how long a training takes is the user's affair. */
	do {
		got = waitpid(pid, &st, 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_sys(e, "waitpid", name);
	*status = WIFSIGNALED(st) ? -WTERMSIG(st) : WEXITSTATUS(st);
	return 0;
}

int spawn_run(const struct spawn *s, int *status, struct err *e)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, defaults;
	char *dir = path_join(s->root, s->dir), *own[2];
	char **env = environment(s, own), **argv = words(s);
	pid_t pid;
	int rc;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_addchdir_np(&files, dir);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	errno = posix_spawnp(&pid, argv[0], &files, &attr, argv, env);
	rc = errno != 0 ? err_sys(e, "run", s->argv[0])
			: wait_for(pid, s->argv[0], status, e);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	for (char **p = argv; *p; p++)
		free(*p);
	free(argv);
	free(own[0]);
	free(own[1]);
	free(env);
	free(dir);
	return rc;
}
