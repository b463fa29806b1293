/*
 * dvc.yaml and dvc.lock: docs/format/lockfile.md. A dvc.yaml with its lock
 * becomes resolved stages: vars, foreach and matrix expanded, ${} replaced,
 * hashes filled in from the lock. Both schemas are strict.
 *
 * Failures: ERR_CORRUPT (syntax, schema; names file, key path, line), ERR_INVALID
 * (what cannot be resolved), both in DVC's sense. Work is bounded: see the
 * PIPELINE_ limits; passing one is ERR_INVALID that names it.
 */
#ifndef STORE_META_PIPELINE_H
#define STORE_META_PIPELINE_H

#include "store/base/compiler.h"
#include "store/base/fs.h"
#include "store/base/slice.h"
#include "store/meta/stage.h"

struct strvec;
struct tree;

enum {
	PIPELINE_STAGES_MAX = 100000,	/* that one dvc.yaml may make */
	PIPELINE_TEXT_MAX = 1 << 20,	/* bytes of one interpolated text */
	PIPELINE_TOTAL_MAX = 256 << 20, /* bytes of all texts of one dvc.yaml */
};

/* How map values in cmd expand: config parsing.bool and parsing.list. */
enum pipeline_flags {
	PIPELINE_BOOL_OPTIONAL = 1u << 0, /* parsing.bool = boolean_optional */
	PIPELINE_LIST_APPEND = 1u << 1,	  /* parsing.list = append */
};

/* What else a dvc.yaml says, beside stages. Paths are relative to the root. */
struct pipeline_extra {
	struct strvec *params, *metrics, *plots; /* each may be NULL */
	struct strvec *warnings;		 /* may be NULL */
};

/*
 * Append the stages of file ("dvc.yaml", "sub/dvc.yaml") to s. A missing lock is
 * fine; a git-ignored one is an error. extra may be NULL.
 */
int pipeline_load(struct stages *s, struct tree *t, const char *file, unsigned flags,
		  struct pipeline_extra *extra, struct err *e) MUST_CHECK;

/* The same from texts that were read already; lock.p NULL: there is none. t is asked
 * for the files of vars. */
int pipeline_parse(struct stages *s, struct tree *t, const char *file, struct slice yaml,
		   struct slice lock, unsigned flags, struct pipeline_extra *extra,
		   struct err *e) MUST_CHECK;

/* ---- dvc.lock ------------------------------------------------------------ */

/* One digest that a lock names, by a stage that may be gone from dvc.yaml. */
struct lock_digest {
	const char *file, *stage, *path; /* path as written */
	struct oid oid;
	bool is_dep;
};
struct lock_digests {
	struct arena arena;
	struct lock_digest *v;
	size_t nr, cap;
};
void lock_digests_release(struct lock_digests *d);
/* All that parse of one lock's text, members of files: too. */
int lock_digests_parse(struct lock_digests *d, const char *file, struct slice text,
		       struct err *e) MUST_CHECK;

/*
 * The bytes of old (n 0: a new file) with st's entry replaced by what st says
 * now, other entries untouched. *changed (may be NULL) compares by value as DVC
 * does. A parametrized stage is as good as any here.
 */
int lockfile_edit(const struct stage *st, struct slice old, struct buf *out,
		  bool *changed, struct err *e) MUST_CHECK;
int lockfile_save(const struct stage *st, int rootfd, enum fs_sync sync, bool *changed,
		  struct err *e) MUST_CHECK;
/* Drop an entry; *left is how many remain (0: the caller deletes the file). */
int lockfile_drop(struct slice old, const char *file, const char *name, struct buf *out,
		  size_t *left, struct err *e) MUST_CHECK;
char *lockfile_path(const char *dvcyaml); /* malloc'ed: the sibling dvc.lock */

/* ---- dvc.yaml ------------------------------------------------------------ */

/*
 * The bytes of old (n 0: a new file) with st's definition added or changed in
 * place. ERR_INVALID for a parametrized stage, in DVC's words.
 */
int dvcyaml_edit(const struct stage *st, struct slice old, struct buf *out,
		 struct err *e) MUST_CHECK;
/* Set or remove frozen: alone. */
int dvcyaml_freeze(const struct stage *st, bool frozen, struct slice old, struct buf *out,
		   struct err *e) MUST_CHECK;
int dvcyaml_drop(const struct stage *st, struct slice old, struct buf *out, size_t *left,
		 struct err *e) MUST_CHECK;

#endif
