/*
 * What a remote can do, found out with small objects of our own below
 * URL/lode/probe-.../, which are gone afterwards, after a failure and an interrupt
 * too; what a killed one left is removed by the next. Main thread only.
 */
#ifndef REMOTE_PROBE_H
#define REMOTE_PROBE_H

#include "remote/s3_quirks.h"
#include "store/base/compiler.h"
#include "store/base/vec.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct remote;
struct remote_options;

enum probe_result {
	PROBE_YES = 0,
	PROBE_NO,     /* it does not offer that: a fact, no failure */
	PROBE_FAILED, /* it should, and something went wrong */
	PROBE_SKIPPED,
};

struct probe_check {
	const char *name; /* "put", "range"; literal */
	enum probe_result result;
	char *detail; /* malloc'ed: a reason or a figure; never a secret */
};

struct probe {
	struct {
		struct probe_check *v;
		size_t nr, cap;
	} checks;
	/* S3; malloc'ed, NULL for other kinds. */
	char *endpoint, *region, *provider, *source;
	bool has_clock;
	int64_t ahead_ms; /* the server's clock, seen from ours */
	unsigned samples;
	uint64_t latency_us, latency_worst_us;	   /* of a small GET: median, worst */
	uint64_t upload_bytes_s, download_bytes_s; /* 0: not measured */
	struct s3_learned learned;
	int code; /* of the first failure among what every command needs */
	char *error;

	/* While it runs. */
	struct remote *r;
	char prefix[40];    /* "lode/probe-0123456789abcdef/" */
	struct strvec keys; /* made, and to be removed */
};
void probe_release(struct probe *p); /* accepts {0} */

/*
 * ERR_ of opening the remote, or ERR_CANCELED; otherwise 0, whatever was found:
 * p->code tells if the remote is fit for use. *p is filled on failure too.
 */
int remote_probe(const struct remote_options *o, struct probe *p,
		 struct err *e) MUST_CHECK;

/* ---- for the transports ------------------------------------------------------ */

/* Record a check; detail is printf's, "" for none. */
void probe_add(struct probe *p, const char *name, enum probe_result result,
	       const char *detail, ...) PRINTF_LIKE(4, 5);
/* A key for an object that will be removed; borrowed from p. */
const char *probe_key(struct probe *p, const char *name);
/* Settle a quirk. */
void probe_learn(struct probe *p, enum s3_quirk q, bool on);

#endif
