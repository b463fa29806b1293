/*
 * .dvc files: docs/format/dvcfile.md. Loading is strict as DVC's is; failures
 * are ERR_CORRUPT and name file, key path, line and column. Paths that leave the
 * repository, or name .git or .dvc, are ERR_INVALID.
 *
 * To change a file: clone its stage (stages_clone), change the clone's fields,
 * save. An existing file keeps its comments, its order and every untouched
 * line. Thread-safe on different stages.
 */
#ifndef STORE_META_DVCFILE_H
#define STORE_META_DVCFILE_H

#include "store/base/compiler.h"
#include "store/base/fs.h"
#include "store/base/slice.h"
#include "store/meta/stage.h"

bool dvcfile_is_name(const char *path);	    /* ends in ".dvc" */
bool dvcfile_is_metadata(const char *path); /* that, or dvc.yaml: cannot be an output */

/* Nothing but white space and comments: valid, tracks nothing, and what a
 * reader sees while dvc rewrites the file. */
bool dvcfile_is_blank(struct slice text);

/* Parse text as file (relative to the root) into one more stage of s. *out may be NULL. */
int dvcfile_parse(struct stages *s, const char *file, struct slice text,
		  struct stage **out, struct err *e) MUST_CHECK;

/* The bytes of a new file. */
int dvcfile_format(const struct stage *st, struct buf *out, struct err *e) MUST_CHECK;
/* The bytes of old after the change to st. */
int dvcfile_edit(const struct stage *st, struct slice old, struct buf *out,
		 struct err *e) MUST_CHECK;
/*
 * Write st->file below rootfd: edited where it exists and parses, else new.
 * An import's st->md5 is computed and set first. Nothing is written when the
 * bytes are the same. *changed may be NULL.
 */
int dvcfile_save(struct stages *s, struct stage *st, int rootfd, enum fs_sync sync,
		 bool *changed, struct err *e) MUST_CHECK;

/* The stage checksum of an import (32 digits and NUL). */
int dvcfile_stage_md5(const struct stage *st, char out[33], struct err *e) MUST_CHECK;

/* ---- building and changing stages ---------------------------------------- */

/* A deep copy in to's arena, appended to to. */
struct stage *stages_clone(struct stages *to, const struct stage *st);
/* A stage for `add path`: file is path + ".dvc", one cached out. */
struct stage *stages_new_data(struct stages *to, const char *path);

/* One more out (zero hash) at the end; path relative to the root. */
struct out *stage_add_out(struct stages *s, struct stage *st, const char *path);

/*
 * What was found on disk becomes the out's (or dep's) hash. bytes and files_nr
 * -1: unknown, no such key is written. oid of algo OID_MD5 makes it a 3.x entry
 * (hash: md5), OID_LEGACY keeps a legacy one. Clears files: and cloud:.
 */
void pinned_set(struct stages *s, struct pinned *p, const struct oid *oid, int64_t bytes,
		int64_t files_nr, bool is_exec);
void pinned_clear(struct pinned *p); /* no hash */
/* files: and cloud: instead of a digest, as a version-aware push leaves them. */
void pinned_set_files(struct stages *s, struct pinned *p, const struct out_file *v,
		      size_t nr);

#endif
