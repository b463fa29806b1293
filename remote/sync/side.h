/*
 * One remote while a command works on it: opened when the first question is
 * asked, so that a command that knows all it needs sends and loads nothing.
 * Private to remote/sync.
 */
#ifndef REMOTE_SYNC_SIDE_H
#define REMOTE_SYNC_SIDE_H

#include "remote/remote.h"
#include "remote/sync/journal.h"
#include "remote/sync/plan.h"
#include "remote/sync/sync.h"
#include "store/base/compiler.h"
#include "store/meta/config.h"

struct odb;

struct side {
	struct repo *repo;
	struct odb *odb;
	const struct sync_options *o;
	struct sync_result *res;
	struct config_remote section; /* as configured */
	struct journal journal;
	bool journal_on;   /* not for a local directory: asking is one stat */
	bool is_versioned; /* files lie under their workspace paths: versioned.h */
	struct remote *r;  /* NULL until side_remote() */
	uint64_t requests; /* of remotes already closed */
};

/* name "" is ERR_CONFIG with the text for "no remote". Version-aware and worktree
 * remotes are ERR_UNSUPPORTED: what is theirs lies by name, not by digest. */
int side_open(struct side *s, struct repo *repo, const char *name,
	      const struct sync_options *o, struct sync_result *res,
	      struct err *e) MUST_CHECK;
/* The same for who can deal with those. */
int side_open_any(struct side *s, struct repo *repo, const char *name,
		  const struct sync_options *o, struct sync_result *res,
		  struct err *e) MUST_CHECK;
int side_remote(struct side *s, struct err *e) MUST_CHECK;
/* Where `remote test` keeps what it found of a URL. malloc'ed. */
char *learned_file(const char *state_dir, const char *url);
void side_close(struct side *s); /* saves the journal; accepts {0} */

/* Our state directory, where temporaries of a check may lie; the caller closes. */
int side_state_dir(struct side *s, int *dirfd, struct err *e) MUST_CHECK;

/*
 * The manifest of a root: from the cache, else from the remote (then *bytes has
 * it, and it is not in the cache yet). ERR_NOTFOUND: neither has it; ERR_CORRUPT:
 * what is there is wrong.
 */
int side_manifest(struct side *s, const struct oid *oid, struct manifest *m,
		  struct buf *bytes, struct err *e) MUST_CHECK;
/* The same, but only what the remote has counts. */
int side_remote_manifest(struct side *s, const struct oid *oid, struct manifest *m,
			 struct buf *bytes, struct err *e) MUST_CHECK;

/* Existence on the remote of the objects whose on_remote is unknown; of a
 * version-aware one, of their versions. */
int side_ask(struct side *s, struct plan *p, bool only_wanted, struct err *e) MUST_CHECK;

/* An item of the result; bytes -1 is unknown. Texts are copied. */
struct report_item *side_note(struct side *s, const char *path, const struct oid *oid,
			      const char *state, int64_t bytes);
/* An item that went wrong, counted as missing (ERR_MISSING) or failed. */
void side_fail(struct side *s, const char *path, const struct oid *oid, const char *state,
	       int code, const char *error);
void side_fail_err(struct side *s, const char *path, const struct oid *oid,
		   const struct err *e);
#define SIDE_NOWHERE	 "neither the cache nor the remote has it"
#define SIDE_NO_MANIFEST "neither the cache nor the remote has its manifest"

/* The end of a command: what the counts say. */
int side_verdict(struct sync_result *res, const char *verb, struct err *e) MUST_CHECK;

#endif
