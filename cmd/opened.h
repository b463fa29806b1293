/*
 * A file that a command reads, however it was named: a path, tracked by lode or not;
 * a tracked path that is not checked out, or "md5:" and a digest, from the cache
 * (fetched when it is missing there); "-", standard input.
 */
#ifndef CMD_OPENED_H
#define CMD_OPENED_H

#include "store/base/compiler.h"
#include "store/base/tmpfile.h"
#include "train/run/inputs.h"

#include <stdbool.h>

struct buf;
struct ctx;
struct err;

struct opened {
	const char *path; /* for messages */
	int fd;
	bool is_own; /* fd is to be closed */
	bool live;   /* fd is valid */
	struct inputs in;
	char *base;
	struct tmpfile spool; /* a pipe's bytes */
	int dirfd;	      /* of spool; has_dir: is open */
	bool has_dir;
};

/* The command needs NEED_MAYBE or NEED_REPO. text outlives *out. */
int opened_open(struct ctx *ctx, const char *text, struct opened *out,
		struct err *e) MUST_CHECK;
void opened_release(struct opened *o); /* accepts empty */

/* All bytes; more than limit is ERR_INVALID. */
int opened_read(const struct opened *o, size_t limit, struct buf *out,
		struct err *e) MUST_CHECK;

/* What --format takes, ended by NULL; and what a word of it means (NULL: by name). */
extern const char *const opened_formats[];
enum data_format opened_format(const char *name);

/* Open, read and understand a model; its name in messages is text. */
struct model;
int opened_model(struct ctx *ctx, const char *text, struct model *out,
		 struct err *e) MUST_CHECK;

#endif
