/*
 * A pipeline stage made by a program: what `stage add` is told on its command line,
 * as data. The stage that comes of it is like one that was read: dvcyaml_edit()
 * writes its definition, lockfile_edit() its entry once pinned_set() has given its
 * dependencies and outputs their digests.
 *
 * Failures are ERR_INVALID in DVC's words. Thread-safe on different stages.
 */
#ifndef STORE_META_STAGE_SPEC_H
#define STORE_META_STAGE_SPEC_H

#include "store/base/compiler.h"
#include "store/fmt/value.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct buf;
struct err;
struct stage;
struct stages;

enum stage_spec_kind {
	STAGE_SPEC_OUT = 0,
	STAGE_SPEC_METRIC,
	STAGE_SPEC_PLOT,
};

struct stage_spec_out {
	const char *path; /* as it shall be written: relative to the wdir */
	enum stage_spec_kind kind;
	bool no_cache, persist;
	const struct value *plot_props; /* of a plot: template, x, y ...; or NULL */
};

struct stage_spec_params {
	const char *file; /* "params.yaml", or another */
	const char *const *keys;
	size_t keys_nr; /* 0: the whole file */
};

/* All texts are borrowed for the call. */
struct stage_spec {
	const char *file; /* the dvc.yaml, from the root */
	const char *name;
	const char *desc; /* NULL: none */
	const char *wdir; /* as it shall be written, NULL: the file's directory */
	const char *const *cmd;
	size_t cmd_nr; /* one is written as text, more as a list */
	const char *const *deps;
	size_t deps_nr;
	const struct stage_spec_params *params;
	size_t params_nr;
	const struct stage_spec_out *outs;
	size_t outs_nr;
};

/* May a stage that is added bear this name? Punctuation but '-' and '_' may not. */
bool stage_name_is_valid(const char *name);

/*
 * One more stage in s (s->root set when absolute paths may occur). Refused: a name
 * with punctuation, no command, a path twice, a path that is dependency and output.
 */
int stage_from_spec(struct stages *s, const struct stage_spec *spec, struct stage **out,
		    struct err *e) MUST_CHECK;

/*
 * What a stage that replaces old keeps of it, as `stage add --force` does: desc and
 * meta, and of outputs with the same path desc, type, labels, meta, remote and
 * push. frozen is kept as well. Texts are copied.
 */
void stage_keep_notes(struct stages *s, struct stage *st, const struct stage *old);

/* A command line from words, as `stage add` joins them: two or more words with
 * blanks in one are quoted by '"', an empty one is '""'; one word stays as it is. */
void stage_join_command(const char *const *words, size_t nr, struct buf *out);

#endif
