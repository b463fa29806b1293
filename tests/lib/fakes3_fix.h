/* A fakes3 with an S3 remote opened on it, and one-line jobs, for unit tests. */
#ifndef TESTS_LIB_FAKES3_FIX_H
#define TESTS_LIB_FAKES3_FIX_H

#include "remote/remote.h"
#include "store/base/err.h"
#include "store/base/sink.h"
#include "tests/lib/fakes3.h"

#include <stdio.h>

enum {
	FIX_SETTINGS_MAX = 16
};

struct fix {
	struct fakes3 *s3;
	struct remote *r;
	struct {
		const char *key, *value;
	} set[FIX_SETTINGS_MAX];
	size_t set_nr;
	char url[64], endpoint[64];
	const char *state_dir; /* for resuming, before fix_open; or NULL */
	const char *untrusted; /* a key whose value came with the repository */
	struct sink sink;
	char notes[4096];
	struct err err; /* of the last job */
	uint8_t digest[16];
	uint64_t bytes;
	int64_t modified_ns;
};

void fix_start(struct fix *x); /* server and a clean environment */
void fix_set(struct fix *x, const char *key, const char *value); /* before fix_open */
int fix_open(struct fix *x, struct err *e);			 /* prefix "pre/fix" */
void fix_close(struct fix *x);					 /* the remote only */
void fix_stop(struct fix *x); /* both; checks that no file is left open */

/* Deterministic bytes, malloc'ed. */
char *fix_bytes(size_t n, unsigned seed);

/* One job each; the code, with the error in x->err. */
int fix_put(struct fix *x, const char *key, const void *p, size_t n);
int fix_put_bytes(struct fix *x, const char *key, const void *p, size_t n);
/* Into a temporary file; *out malloc'ed if 0. want_md5 may be NULL. */
int fix_get(struct fix *x, const char *key, const uint8_t *want_md5, char **out,
	    size_t *n);
int fix_head(struct fix *x, const char *key);

/* The same as an assertion: put, then get, compared. */
void fix_round_trip(struct fix *x, const char *key, size_t n);

#endif
