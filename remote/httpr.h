/*
 * Inside the HTTP transport: a web server as a remote. Objects are files below a
 * URL, read by GET (in ranges, to go on after a cut) and written by PUT or POST;
 * HEAD tells what is there. Nothing can be listed or removed.
 */
#ifndef REMOTE_HTTPR_H
#define REMOTE_HTTPR_H

#include "remote/digest.h"
#include "remote/http.h"
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

#endif
