/* The tables that train.yaml is read and written by. */
#ifndef TRAIN_RUN_CONFIG_IMPL_H
#define TRAIN_RUN_CONFIG_IMPL_H

#include "store/base/compiler.h"
#include "train/run/config.h"

struct jsonw;
struct value;

enum config_kind {
	CONFIG_STR = 1,
	CONFIG_STRS,  /* struct config_strings; one alone may stand as text */
	CONFIG_BOOL,  /* bool */
	CONFIG_UINT,  /* unsigned */
	CONFIG_U64,   /* uint64_t */
	CONFIG_REAL,  /* double */
	CONFIG_OTHER, /* by functions of its own */
};

enum config_flags {
	CONFIG_ABOVE_MIN = 1u << 0, /* the lower bound itself is outside */
	CONFIG_BELOW_MAX = 1u << 1, /* the upper bound itself is outside */
	CONFIG_GBT = 1u << 2,	    /* a parameter of trees only */
	CONFIG_LINEAR = 1u << 3,    /* of linear models only */
	CONFIG_PATHS = 1u << 4,	    /* does not reach a model's bytes */
	CONFIG_ALIAS = 1u << 5,	    /* another way to say something: not written */
};

struct config_reader {
	struct train_config *c;
	struct arena *a;
};

struct config_key {
	const char *name;
	enum config_kind kind;
	size_t at; /* in struct train_config */
	double min, max;
	unsigned flags;
	int (*read)(struct config_reader *r, const struct config_key *k,
		    const struct value *v, struct err *e);
	void (*write)(const struct train_config *c, struct jsonw *j);
	const struct config_key *keys; /* of a map; ended by an empty row */
};

/* Sorted by name, as canonical JSON is. */
extern const struct config_key config_root[];
extern const struct config_key config_model[];

/* config_value.c: one value into its place. path is the key's, for messages. */
int config_take(struct config_reader *r, const struct config_key *k, const char *path,
		const struct value *v, struct err *e) MUST_CHECK;
/* "train.yaml:7: model.trees: ..." */
int config_fail(const struct config_reader *r, const struct value *v, struct err *e,
		const char *fmt, ...) PRINTF_LIKE(4, 5);
int config_take_strings(struct config_reader *r, const char *path, const struct value *v,
			struct config_strings *out, struct err *e) MUST_CHECK;
/* A map against a table; prefix "" or "model.". */
int config_take_map(struct config_reader *r, const struct config_key *keys,
		    const char *prefix, const struct value *v, struct err *e) MUST_CHECK;
const char *config_kind_text(const struct value *v); /* "a list", "text" ... */

#endif
