/* How one scalar is spelt, after ruamel.yaml's emitter. For yaml_*.c only. */
#ifndef STORE_FMT_YAML_SCALAR_H
#define STORE_FMT_YAML_SCALAR_H

#include "store/base/slice.h"

#include <stdbool.h>

struct buf;
struct value;

enum {
	YAML_WIDTH = 80
}; /* ruamel's best_width */

struct yaml_place {
	unsigned column; /* where the text begins, in characters */
	unsigned indent; /* of continuation lines */
	bool is_key;	 /* a simple key: one line */
	bool is_flow;	 /* inside brackets: one line too */
};

/* A string. It always reads back as s: where ruamel's form would not, another is
 * taken. Bytes that are no UTF-8 become U+FFFD. */
void yaml_scalar_str(struct buf *out, struct slice s, const struct yaml_place *at);

/* Any scalar but a string; "null" only where is_key or is_flow. */
void yaml_scalar_other(struct buf *out, const struct value *v, bool write_null);

/* May a string be a simple key ("key: value"), or does it need "? key"? */
bool yaml_scalar_simple_key(struct slice s);

/* A whole tree in flow style on one line. */
void yaml_flow_write(struct buf *out, const struct value *v);

#endif
