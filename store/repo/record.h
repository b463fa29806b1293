/*
 * A stage that was run by us becomes part of the project, as after `dvc repro`: its
 * outputs into the cache, its definition into dvc.yaml, its digests into dvc.lock.
 * In this order, so that a kill leaves no entry of a run that is not whole.
 */
#ifndef STORE_REPO_RECORD_H
#define STORE_REPO_RECORD_H

#include "store/base/compiler.h"

#include <stdbool.h>

struct err;
struct repo;
struct report;
struct stage;
struct stages;

/*
 * May the stage be added to what the project has? The checks of a whole graph, with
 * st in the place of one of the same name; to be asked before hours of work.
 * ERR_INVALID: what clashes; a parametrized stage has this name; may_replace (NULL:
 * yes) does not want the one there to be replaced.
 * Notes of the stage that it replaces (desc, meta, ...) are taken over.
 */
int repo_record_check(struct repo *r, struct stages *s, struct stage *st,
		      bool (*may_replace)(void *ctx, const struct stage *old), void *ctx,
		      struct err *e) MUST_CHECK;

/*
 * May a program write this path (from the root, normal) that a committed file named?
 * ERR_INVALID: outside of the repository, in .git or .dvc, a metadata file, or
 * through a link to a directory.
 */
int repo_check_output(struct repo *r, const char *path, struct err *e) MUST_CHECK;

/*
 * Record it. st has its dependencies' digests already; outputs are in place and are
 * hashed (and cached, unless cache: false) here. Takes the repository's lock and
 * the cache's. Items: dvc.yaml and dvc.lock where they changed. ERR_INVALID inside
 * a stage of `dvc repro`, which does all this itself.
 */
int repo_record(struct repo *r, struct stages *s, struct stage *st, struct report *rep,
		struct err *e) MUST_CHECK;

#endif
