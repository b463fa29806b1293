/*
 * Inside the HTTP transport: a web server as a remote. Objects are files below a
 * URL, read by GET (in ranges, to go on after a cut) and written by PUT or POST;
 * HEAD tells what is there. Nothing can be listed or removed.
 */
#ifndef REMOTE_HTTPR_H
#define REMOTE_HTTPR_H

#include "remote/digest.h"
#include "remote/http.h"
#include "remote/resume.h"
#include "remote/retry.h"
#include "remote/transport.h"

struct pool;

enum httpr_auth {
	HTTPR_ANONYMOUS = 0,
	HTTPR_BASIC,
	HTTPR_DIGEST,
	HTTPR_CUSTOM,
};

struct httpr_conf {
	char *label;
	char *origin; /* "https://host:port" */
	char *path;   /* of the root, as written, without a '/' at its end */
	char *method; /* of uploads, upper case */
	enum httpr_auth auth;
	char *user, *password, *header; /* header: of HTTPR_CUSTOM */
	char *ca;
	bool insecure;
	unsigned jobs, connect_ms, stall_ms;
	uint64_t limit_up, limit_down;
};

/* ERR_CONFIG names the remote and the key. */
int httpr_conf_load(struct httpr_conf *c, const struct remote_options *o,
		    struct err *e) MUST_CHECK;
void httpr_conf_release(struct httpr_conf *c);

/*
 * Where "Location: to" leads from a URL, malloc'ed; NULL where it leads out of
 * https, or to what is no web page. *same_origin: credentials may go there too.
 */
char *httpr_redirect(const char *from, const char *to, bool *same_origin);

enum {
	HTTPR_ETAG_MAX = 128,
	HTTPR_RECORD_AT = 16 << 20, /* a download that got so far is put on record */
};

/* The record of one download, for a run after this one. */
struct httpr_log {
	struct resume_file file;
	bool is_written, is_given_up;
};

/* In the caller's thread: take up what an earlier run left. Returns how many bytes
 * of job->fd are there, with the ETag that they are of; 0 for none. */
uint64_t httpr_log_open(struct httpr_log *l, const char *dir, const char *url,
			struct remote_job *job, char etag[HTTPR_ETAG_MAX]);
/* Once, when enough is there: a few small calls of the system, on the network
 * thread, of downloads that take seconds. */
void httpr_log_write(struct httpr_log *l, const char *dir, const char *url,
		     struct remote_job *job, uint64_t total, const char *etag);
/* The job ends with at bytes on the disk: leave it to another run, or not. */
void httpr_log_end(struct httpr_log *l, struct remote_job *job, int code, uint64_t at);

#endif
