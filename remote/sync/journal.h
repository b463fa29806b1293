/*
 * What we know a remote holds, because we saw it confirmed ourselves.
 *
 * An entry is an object id and the wall time of its confirmation. An entry for a
 * manifest says that the manifest and every member it lists were confirmed, so a
 * directory of a million files is one entry. Entries are believed for one hour
 * and never across a clock that stepped back; any sign that one was wrong throws
 * the whole journal away. Losing it costs requests only. Format:
 * docs/format/journal.md. Not thread-safe.
 */
#ifndef REMOTE_SYNC_JOURNAL_H
#define REMOTE_SYNC_JOURNAL_H

#include "store/base/compiler.h"
#include "store/base/map.h"
#include "store/odb/oid.h"

#include <stdbool.h>
#include <stdint.h>

struct err;

#define JOURNAL_FRESH_NS (INT64_C(3600) * 1000000000)

struct journal_entry {
	struct oid oid;
	int64_t confirmed_ns;
};

struct journal {
	char *path; /* absolute */
	struct journal_entry *v;
	size_t nr, cap;
	struct map at; /* oid -> index into v */
	bool changed;
};

/* Read the journal of the remote at url from state_dir (.dvc/tmp/lode). A file
 * that is missing, damaged or from the future is an empty journal. */
void journal_open(struct journal *j, const char *state_dir, const char *url);

/* When oid was confirmed, if that is recent enough; else 0. */
int64_t journal_confirmed(const struct journal *j, const struct oid *oid);
void journal_confirm(struct journal *j, const struct oid *oid, int64_t when_ns);
void journal_drop_all(struct journal *j); /* it was wrong once */

/* Write it back if it changed; failure is logged and costs requests only. */
void journal_save(struct journal *j);
void journal_release(struct journal *j);

#endif
