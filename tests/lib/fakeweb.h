/*
 * A web server of scripted answers on loopback: what STS, SSO and the metadata
 * services are in tests. It keeps the last request of each path. Any thread.
 */
#ifndef TESTS_LIB_FAKEWEB_H
#define TESTS_LIB_FAKEWEB_H

struct fakeweb;

struct fakeweb *fakeweb_start(void);
void fakeweb_stop(struct fakeweb *f);
const char *fakeweb_url(const struct fakeweb *f); /* "http://127.0.0.1:PORT" */

/* Answer requests for path (without its query) like that from now on; NULL method:
 * any. body is copied. delay_ms before it is sent. Unknown paths get 404. */
void fakeweb_set(struct fakeweb *f, const char *method, const char *path, int status,
		 const char *body, unsigned delay_ms);
/* An answer for the next request only, before what fakeweb_set said. */
void fakeweb_once(struct fakeweb *f, const char *path, int status, const char *body);

unsigned fakeweb_requests(struct fakeweb *f, const char *path); /* NULL: of all */
/* Of the last request for path: a header, the "?query", or the body (name ""), as
 * malloc'ed text, or NULL. */
char *fakeweb_last(struct fakeweb *f, const char *path, const char *name);

#endif
