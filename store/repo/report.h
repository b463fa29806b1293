/*
 * What a verb did, item by item: the shape that --json prints
 * (docs/format/json.md). Items are what changed or failed. Texts are copied into
 * the report's arena and die with it. Not thread-safe.
 */
#ifndef STORE_REPO_REPORT_H
#define STORE_REPO_REPORT_H

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/err.h"
#include "store/base/vec.h"
#include "store/odb/oid.h"

#include <stdint.h>

struct report_item {
	const char *path;     /* relative to the root; directories as the verb says */
	const char *old_path; /* of a rename, else NULL */
	struct oid oid;	      /* OID_NONE: none to tell */
	const char *state;    /* "added", "modified", "deleted", "failed" ... */
	const char *error;    /* one line, or NULL */
	int code;	      /* of the error */
	int64_t bytes;	      /* -1: unknown */
};

struct report_failure {
	int code;
	const char *message; /* one line */
	const char *path;    /* or NULL */
};

struct report_count {
	const char *name; /* "files", "added", "objects" ... */
	uint64_t n;
};

struct report {
	struct arena arena;
	VEC_OF(struct report_item) items;
	VEC_OF(struct report_failure) errors;
	VEC_OF(struct report_count) counts; /* in the order of first mention */
	uint64_t bytes;			    /* moved, added, freed: as the verb says */
	struct strvec warnings;		    /* sentences for stderr */
	struct strvec notes;		    /* sentences for stdout that are no result */
	struct strvec to_track; /* files that git should track, from the root; sorted */
	bool staged;		/* they were put into git's index (core.autostage) */
};

void report_release(struct report *r); /* accepts NULL and empty */

/* oid may be NULL. The item is good until the next one is added. */
struct report_item *report_add(struct report *r, const char *path, const struct oid *oid,
			       const char *state, int64_t bytes);
/* An item of state "failed" and an error, both telling e's story. */
void report_fail(struct report *r, const char *path, const struct oid *oid,
		 const struct err *e);
void report_counted(struct report *r, const char *name, uint64_t n); /* adds n */
uint64_t report_count_of(const struct report *r, const char *name);  /* 0 if never */
void report_warn(struct report *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
void report_note(struct report *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
void report_track(struct report *r, const char *path); /* once each */
void report_sort(struct report *r);		       /* items by path, to_track too */

#endif
