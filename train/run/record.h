/*
 * The run record: which bytes a result came from (docs/format/run-record.md). It
 * holds no time and no place, so that the same run leaves the same bytes.
 */
#ifndef TRAIN_RUN_RECORD_H
#define TRAIN_RUN_RECORD_H

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/slice.h"
#include "train/run/inputs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct value;

enum record_kind {
	RECORD_TRAIN,
	RECORD_COMMAND,
};

struct record_output {
	const char *path; /* as in the configuration: relative to the record's stage */
	bool is_dir;
	uint8_t md5[16], sha256[32];
	uint64_t bytes;
};

struct record_metric {
	const char *side; /* "train", "validation" */
	const char *name;
	double value;
	double low, high; /* 95 % interval, or NaN */
	uint64_t n;
};

struct run_record {
	struct arena arena;
	enum record_kind kind;
	unsigned core;
	const char *command;	       /* as in dvc.yaml */
	const char *path;	       /* of the record itself, from its stage's place */
	const char *const *argv;       /* RECORD_COMMAND: what it runs; NULL-terminated */
	const char *file;	       /* the configuration, RECORD_TRAIN */
	const char *const *overrides;  /* NULL-terminated, or NULL */
	const char *config;	       /* canonical JSON */
	const struct inputs *inputs;   /* written; borrowed */
	struct record_output *outputs; /* the model first */
	size_t outputs_nr;
	uint64_t rows, columns, validation_rows, table_hash;
	unsigned rounds, best_round;
	uint64_t trees;
	bool stopped_early, float32_exact;
	struct record_metric *metrics;
	size_t metrics_nr;
	/* Read back: */
	struct record_input {
		enum input_role role;
		const char *path;
		struct oid md5;
		uint8_t sha256[32];
		uint64_t bytes;
	} * in;
	size_t in_nr;
};

void record_release(struct run_record *r); /* accepts empty */
void record_write(const struct run_record *r, struct buf *out);
/* ERR_CORRUPT names the key that is missing or wrong; ERR_UNSUPPORTED: a later
 * version. */
int record_read(struct run_record *out, struct slice text, const char *name,
		struct err *e) MUST_CHECK;

/* metrics.json: {"train": {"auc": ...}, "validation": ..., "rounds": n}. */
void record_write_metrics(const struct run_record *r, struct buf *out);

#endif
