/*
 * One generic tree for what YAML, JSON, TOML and Python parameter files hold.
 *
 * Nodes and their texts live in the arena they were made with; nothing is freed
 * singly. A finished tree may be read from several threads. Maps keep their
 * order and find a key in constant time; keys are values too, because YAML has
 * integer and null keys. Equality and keys follow Python: 1 == 1.0 == true.
 */
#ifndef STORE_FMT_VALUE_H
#define STORE_FMT_VALUE_H

#include "store/base/compiler.h"
#include "store/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;

enum value_kind {
	VALUE_NULL = 0,
	VALUE_BOOL,
	VALUE_INT,
	VALUE_FLOAT,
	VALUE_STR,
	VALUE_DATE,  /* a date or time: text only. DVC chokes on it in a parameter */
	VALUE_BYTES, /* Python only */
	VALUE_LIST,
	VALUE_TUPLE, /* Python only; laid out as a list */
	VALUE_SET,   /* Python only; laid out as a list */
	VALUE_MAP,
};

/* How YAML spelt a node. A node built by hand has VALUE_STYLE_ANY. */
enum value_style {
	VALUE_STYLE_ANY = 0,
	VALUE_STYLE_PLAIN,
	VALUE_STYLE_SINGLE,
	VALUE_STYLE_DOUBLE,
	VALUE_STYLE_LITERAL, /* | */
	VALUE_STYLE_FOLDED,  /* > */
	VALUE_STYLE_BLOCK,
	VALUE_STYLE_FLOW,
};

/* Where a node stands in its source. line and column count from 1, 0: nowhere. */
struct value_span {
	size_t begin, end; /* byte offsets; tags and anchors are outside */
	unsigned line, column;
};

struct value;

struct value_pair {
	struct value *key, *value;
};

struct value {
	enum value_kind kind;
	enum value_style style;
	bool is_big;	/* an int beyond int64_t: only text has it; f is near it */
	bool is_alias;	/* came by an alias or a merge key: not at this place */
	bool has_props; /* carries an anchor or a tag */
	bool has_merge; /* a map with a merge key "<<" */
	bool rewrite;	/* yaml_update writes this node anew, even if equal */
	bool b;
	int64_t i;
	double f; /* of ints too */
	struct slice
		text;	/* STR, BYTES: content. INT, FLOAT, DATE: spelling. NUL behind */
	size_t nr, cap; /* of items or pairs */
	struct value **items;
	struct value_pair *pairs;
	uint32_t *table; /* 1 + index into pairs; NULL while the map is small */
	size_t table_n;
	struct value_span span;
};

/* ---- building; texts are copied ------------------------------------------ */

struct value *value_null(struct arena *a);
struct value *value_bool(struct arena *a, bool b);
struct value *value_int(struct arena *a, int64_t i);
struct value *value_float(struct arena *a, double f); /* Python's spelling */
struct value *value_str(struct arena *a, struct slice s);
struct value *value_cstr(struct arena *a, const char *s); /* NULL gives null */
struct value *value_list(struct arena *a);
struct value *value_map(struct arena *a);
/* An integer of any size from its decimal digits (with an optional sign). */
struct value *value_int_text(struct arena *a, struct slice digits);

/* The same from digits of base 2, 8 or 16; the text is decimal. */
struct value *value_int_base(struct arena *a, struct slice digits, unsigned base,
			     bool neg);

void value_add(struct arena *a, struct value *list, struct value *item);
/* Replace the value of key in place, or append. */
void value_set(struct arena *a, struct value *map, const char *key, struct value *v);
void value_set_pair(struct arena *a, struct value *map, struct value *key,
		    struct value *v);
bool value_del(struct arena *a, struct value *map, const char *key); /* was there? */

/* A deep copy, texts too; spans and styles go along. */
struct value *value_copy(struct arena *a, const struct value *v);

/* ---- asking; every function takes NULL as "absent" ------------------------ */

const struct value *value_get(const struct value *map, const char *key);
const struct value *value_get_slice(const struct value *map, struct slice key);
/* The pair whose key equals key in Python's sense, or NULL. */
const struct value_pair *value_find(const struct value *map, const struct value *key);
const struct value *value_at(const struct value *list, size_t index);

bool value_is(const struct value *v, enum value_kind kind); /* false for NULL */
bool value_is_seq(const struct value *v);		    /* list or tuple */
/* The text of a string, NUL-terminated; def for anything else. */
const char *value_text(const struct value *v, const char *def);
bool value_as_i64(const struct value *v, int64_t *out); /* ints that fit */
bool value_truthy(const struct value *v);		/* Python's bool(v) */

/* Python's ==: 1 == 1.0 == true, order of keys no matter, a list is no tuple. */
bool value_equal(const struct value *a, const struct value *b);
/* Equal, of the same kinds throughout, keys in the same order. */
bool value_same(const struct value *a, const struct value *b);

/* A scalar's text as Python's str() gives it ("True", "None", "1e-05"). */
void value_str_python(const struct value *v, struct buf *out);

const char *value_kind_name(enum value_kind kind); /* "map", "list", "string" ... */

#endif
