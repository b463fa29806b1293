/*
 * YAML as DVC reads and writes it (ruamel.yaml 0.19.1, YAML 1.2 typing):
 * docs/format/yaml.md.
 *
 * Every error is ERR_CORRUPT "NAME:LINE:COLUMN: what" (NAME may be NULL), unless
 * said otherwise. No state is shared: safe in any thread.
 */
#ifndef STORE_FMT_YAML_H
#define STORE_FMT_YAML_H

#include "store/base/compiler.h"
#include "store/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;
struct err;
struct value;

enum {
	YAML_DEPTH_MAX = 100, /* nesting */
	YAML_NODES_MAX = 4000000,
	YAML_EXPAND_MAX = 1000000, /* of them by aliases and merge keys */
};

/* ---- reading ------------------------------------------------------------- */

/*
 * One document into a tree in a. An empty one gives a VALUE_NULL. Aliases and
 * merge keys are expanded, within YAML_NODES_MAX. Spans point into text. A BOM
 * and CRLF are accepted. Duplicate keys, a second document, bad UTF-8, unknown
 * tags are errors.
 */
int yaml_read(struct slice text, const char *name, struct arena *a, struct value **root,
	      struct err *e) MUST_CHECK;

/* What a plain scalar means: a VALUE_STR, or what its spelling resolves to. */
struct value *yaml_plain(struct arena *a, struct slice text);

/* ---- writing ------------------------------------------------------------- */

/*
 * An incremental writer. Begin a container or give a scalar where a value is
 * due; inside a map, yamlw_key comes before each. Nothing can fail but what the
 * buffer's ceiling tells.
 *
 *	yamlw_init(&w, &out);
 *	yamlw_map(&w);
 *	yamlw_key(&w, "outs"); yamlw_list(&w);
 *	yamlw_map(&w); yamlw_key(&w, "path"); yamlw_str(&w, path); yamlw_end(&w);
 *	yamlw_end(&w); yamlw_end(&w);
 */
struct yamlw {
	struct buf *out;
	struct yamlw_frame {
		unsigned column;      /* of its keys or dashes */
		bool is_map, is_open; /* open: something was written in it */
		bool in_line;	      /* the first item follows "- " on the same line */
		bool in_list;
	} frame[260];
	unsigned depth;
	unsigned base;	 /* column of the outermost container */
	unsigned column; /* where the next byte goes, in characters */
	bool after_key, after_dash, explicit_key;
};

void yamlw_init(struct yamlw *w, struct buf *out);
void yamlw_map(struct yamlw *w);
void yamlw_list(struct yamlw *w);
void yamlw_end(struct yamlw *w); /* of the innermost container */
void yamlw_key(struct yamlw *w, const char *key);
void yamlw_key_slice(struct yamlw *w, struct slice key);
void yamlw_key_value(struct yamlw *w, const struct value *key);
void yamlw_str(struct yamlw *w, struct slice s);
void yamlw_cstr(struct yamlw *w, const char *s);
void yamlw_int(struct yamlw *w, int64_t i);
void yamlw_float(struct yamlw *w, double f);
void yamlw_bool(struct yamlw *w, bool b);
void yamlw_null(struct yamlw *w);
void yamlw_value(struct yamlw *w, const struct value *v); /* a whole tree */

/* A whole document: yamlw_value with its final newline. */
void yaml_write(const struct value *v, struct buf *out);

/* ---- editing in place ---------------------------------------------------- */

/*
 * Turn the document old into one that reads as want, touching as few bytes as it
 * can: keys that stay keep their place, changed scalars are replaced, new keys
 * follow the last one, items are inserted and deleted where lists differ, flow
 * containers are edited in flow. Comments and untouched lines keep their bytes.
 * A node of want with .rewrite set is written afresh whole. Line ends become LF.
 *
 * A change inside what an alias or a merge key brings in is written out at its
 * place. The result is parsed again and compared (value_same up to the order of
 * keys that exist already) before *out receives it; a document that cannot be
 * edited so is ERR_UNSUPPORTED, and *out is untouched. An empty old document
 * becomes yaml_write(want).
 */
int yaml_update(struct slice old, const char *name, const struct value *want,
		struct buf *out, struct err *e) MUST_CHECK;

#endif
