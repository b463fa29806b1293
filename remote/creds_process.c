/*
 * Keys that a program of the user's prints (credential_process). It is run
 * without a shell, gets a bounded time and room for its answer, and what it
 * prints is in no message: only what it says on its standard error is.
 */
#include "remote/creds_int.h"

#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/sys.h"
#include "store/base/text.h"
#include "store/fmt/value.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum {
	LIMIT_MS = 60000,
	TICK_MS = 100,
	OUTPUT_MAX = 64 << 10,
	STDERR_MAX = 2048,
	STDERR_SHOWN = 300,
};

struct child {
	pid_t pid;
	int out, err;	      /* -1: closed */
	struct buf text, say; /* what it printed, what it said */
	int64_t until_ns;
	const struct creds_ctx *c;
	const char *profile;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		sys_close(*fd);
	*fd = -1;
}

/*
 * The child has our terminal, since it may ask there; but not while a transfer is
 * under way, when nobody would see the question. Signals are as in a new program.
 */
static int spawn(struct child *k, char **argv, struct err *e)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int out[2] = {-1, -1}, say[2] = {-1, -1}, r = 0;
	sigset_t none, defaults;

	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(say, O_CLOEXEC) < 0) {
		r = err_sys(e, "pipe", argv[0]);
		close_fd(&out[0]);
		close_fd(&out[1]);
		return r;
	}
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_adddup2(&files, out[1], 1);
	posix_spawn_file_actions_adddup2(&files, say[1], 2);
	if (!k->c->may_ask)
		posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	errno = posix_spawnp(&k->pid, argv[0], &files, &attr, argv, environ);
	if (errno != 0) {
		r = err_set(e, ERR_AUTH, "profile '%s': credential_process '%s': %s",
			    k->profile, argv[0], strerror(errno));
		k->pid = 0;
	}
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	close_fd(&out[1]);
	close_fd(&say[1]);
	k->out = out[0];
	k->err = say[0];
	return r;
}

static bool is_canceled(const struct child *k)
{
	return interrupt_pending() || (k->c->cancel && atomic_load(k->c->cancel));
}

static int patience(const struct child *k, struct err *e)
{
	if (is_canceled(k))
		return err_set(e, ERR_CANCELED, "interrupted");
	if (clock_mono_ns() >= k->until_ns)
		return err_set(e, ERR_AUTH,
			       "profile '%s': credential_process did not end within %d s",
			       k->profile, LIMIT_MS / 1000);
	return 0;
}

/* What is there now; closes the descriptor at the end. */
static int drain(int *fd, struct buf *into, size_t max, bool keep_rest)
{
	char block[4096];
	ssize_t n = sys_read_some(*fd, block, sizeof(block));

	if (n <= 0) {
		close_fd(fd);
	} else if (into->n + (size_t)n <= max) {
		buf_add(into, block, (size_t)n);
	} else if (!keep_rest) {
		secure_wipe(block, sizeof(block));
		return -1;
	} else {
		buf_add(into, block, max - into->n);
	}
	secure_wipe(block, sizeof(block));
	return 0;
}

static int listen_to(struct child *k, struct err *e)
{
	int r = 0;

	while (r == 0 && (k->out >= 0 || k->err >= 0)) {
		struct pollfd p[2] = {{.fd = k->out, .events = POLLIN},
				      {.fd = k->err, .events = POLLIN}};

		if ((r = patience(k, e)) < 0)
			break;
		if (poll(p, 2, TICK_MS) <= 0)
			continue;
		if (p[0].revents && drain(&k->out, &k->text, OUTPUT_MAX, false) < 0)
			r = err_set(e, ERR_AUTH,
				    "profile '%s': credential_process printed more than "
				    "%d bytes",
				    k->profile, OUTPUT_MAX);
		if (p[1].revents)
			IGNORE_RESULT(drain(&k->err, &k->say, STDERR_MAX, true) < 0);
	}
	return r;
}

static int reap(struct child *k, int *status, struct err *e)
{
	int r = 0;

	for (int ms = 1;; ms = MIN_OF(ms * 2, 50)) {
		pid_t pid = waitpid(k->pid, status, WNOHANG);

		if (pid == k->pid || (pid < 0 && errno == ECHILD)) {
			k->pid = 0;
			return 0;
		}
		if ((r = patience(k, e)) < 0)
			return r;
		IGNORE_RESULT(poll(NULL, 0, ms) < 0);
	}
}

/* A first line of what it said, fit for a terminal. */
static void add_said(const struct child *k, struct err *e)
{
	struct slice rest = slice_trim(buf_slice(&k->say)), line = {0};
	struct buf text = {0};

	if (rest.n > 0)
		line = slice_cut(&rest, '\n');
	if (line.n > STDERR_SHOWN)
		line.n = STDERR_SHOWN;
	text_escape(&text, line);
	if (text.n > 0 && e)
		err_ctx(e, e->code, "credential_process says '%s'", buf_str(&text));
	buf_release(&text);
}

static int take(const struct child *k, struct creds_keys *out, struct err *e)
{
	static const struct creds_names names = {
		.access = "AccessKeyId",
		.secret = "SecretAccessKey",
		.token = "SessionToken",
		.expires = "Expiration",
	};
	char *what =
		xasprintf("the answer of profile '%s's credential_process", k->profile);
	struct creds_json j = {0};
	int64_t version = 0;
	int r = creds_json_read(&j, buf_slice(&k->text), what, e);

	if (r == 0 &&
	    (!value_as_i64(value_get(j.root, "Version"), &version) || version != 1))
		r = err_set(e, ERR_CORRUPT, "%s is not of Version 1", what);
	if (r == 0)
		r = creds_json_keys(j.root, &names, what, out, e);
	if (r == 1) {
		free(out->source);
		out->source = xasprintf("credential_process of profile '%s'", k->profile);
	}
	creds_json_release(&j);
	free(what);
	return r < 0 ? ERR_AUTH : r;
}

int creds_from_process(struct creds_ctx *c, const char *profile, const char *command,
		       struct creds_keys *out, struct err *e)
{
	struct child k = {.c = c, .profile = profile, .out = -1, .err = -1};
	char **argv = NULL;
	int status = 0, r;
	size_t nr;

	if ((r = creds_words(command, &argv, &nr, e)) < 0 ||
	    (nr == 0 && (r = err_set(e, ERR_CONFIG, "it is empty")) < 0)) {
		creds_words_free(argv);
		return err_ctx(e, r, "profile '%s': credential_process", profile);
	}
	k.until_ns = clock_mono_ns() + (int64_t)LIMIT_MS * 1000000;
	r = spawn(&k, argv, e);
	if (r == 0)
		r = listen_to(&k, e);
	if (r == 0)
		r = reap(&k, &status, e);
	if (k.pid > 0) {
		/* It is ours, not yet waited for: the number cannot be another's. */
		kill(k.pid, SIGKILL);
		IGNORE_RESULT(waitpid(k.pid, &status, 0) < 0);
	}
	if (r == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
		r = err_set(e, ERR_AUTH,
			    "profile '%s': credential_process '%s' ended with %s %d",
			    profile, argv[0], WIFEXITED(status) ? "status" : "signal",
			    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	} else if (r == 0) {
		r = take(&k, out, e);
	}
	if (r < 0 && r != ERR_CANCELED)
		add_said(&k, e);
	close_fd(&k.out);
	close_fd(&k.err);
	if (k.text.p)
		secure_wipe(k.text.p, k.text.cap);
	buf_release(&k.text);
	buf_release(&k.say);
	creds_words_free(argv);
	return r;
}
