/* What status, commit and data status ask of one output or dependency. */
#ifndef STORE_REPO_STATUS_INTERNAL_H
#define STORE_REPO_STATUS_INTERNAL_H

#include "store/base/compiler.h"
#include "store/odb/oid.h"
#include "store/repo/status.h"

struct index_view;
struct out;
struct stage;

void status_stage_release(struct status_stage *st);

/* The output as it is now, with its files; what was unknown is hashed and
 * remembered. */
int status_look(struct repo *r, const char *path, enum oid_algo algo,
		struct index_view *view, struct err *e) MUST_CHECK;

/* "modified", "deleted", "not in cache", or NULL for as recorded. keep, unless it is
 * NULL, receives what was seen, the caller's to release. */
int status_of_out(struct repo *r, const struct out *o, bool ask_cache, const char **state,
		  struct index_view *keep, struct err *e) MUST_CHECK;
/* status_of_stage() that keeps what it saw: views has a zeroed place for each out,
 * the caller's to release, on failure too. */
int status_of_stage_keep(struct repo *r, const struct stage *st, unsigned parts,
			 struct index_view *views, struct status_result *res,
			 struct status_stage *out, struct err *e) MUST_CHECK;

int status_params(struct repo *r, const struct dep *d, const char *shown,
		  struct status_result *res, struct status_stage *to,
		  struct err *e) MUST_CHECK;
int status_dataset(struct repo *r, const struct dep *d, const char **state,
		   struct status_result *res, struct err *e) MUST_CHECK;

#endif
