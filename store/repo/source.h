/* Data that lies outside the repository: a file or a directory, read only. */
#ifndef STORE_REPO_SOURCE_H
#define STORE_REPO_SOURCE_H

#include "store/base/compiler.h"
#include "store/odb/oid.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct repo;

struct source {
	struct oid oid;
	uint64_t bytes, files_nr;
	bool is_dir, is_exec;
};

/* Hash what is at abs; with store, put it into the cache too, its manifest
 * included. Links to files are followed, links to directories skipped. */
int source_scan(struct repo *r, const char *abs, bool store, struct source *out,
		struct err *e) MUST_CHECK;

#endif
