/*
 * Workspace files of one output into the cache: what add, commit and move share.
 * Works on a view of the output (index_look with INDEX_FILES) and leaves it
 * complete, as the workspace is afterwards.
 */
#ifndef STORE_REPO_INGEST_H
#define STORE_REPO_INGEST_H

#include "store/base/compiler.h"
#include "store/odb/oid.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct index_view;
struct manifest;
struct repo;
struct report;

struct ingest {
	const char *path;   /* the output, from the root */
	const char *inside; /* only this file or directory below it; NULL: all */
	enum oid_algo algo;
	bool hash_only; /* digests, no objects */
	bool no_relink;
	/* out */
	uint64_t files, objects; /* looked at; read and hashed */
	uint64_t bytes;		 /* of those that were read */
};

/* Files that fail are told in rep; the first one's code is returned. */
int ingest_files(struct repo *r, struct ingest *in, struct index_view *view,
		 struct report *rep, struct err *e) MUST_CHECK;

/* After the digests are there: fill view->oid, bytes, files_nr, complete; for a
 * directory the manifest is put into the cache unless hash_only. */
int ingest_whole(struct repo *r, const struct ingest *in, struct index_view *view,
		 struct err *e) MUST_CHECK;

#endif
