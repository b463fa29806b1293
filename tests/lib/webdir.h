/*
 * A web server on loopback that keeps files in memory, for tests of the HTTP
 * remote: libmicrohttpd below, so that framing, ranges of connections and digest
 * authentication are somebody else's. What it can do, and how it misbehaves, is
 * set field by field before the requests that it is for.
 */
#ifndef TESTS_LIB_WEBDIR_H
#define TESTS_LIB_WEBDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct webdir;

struct webdir_rules {
	const char *user, *password; /* basic, or digest with is_digest */
	bool is_digest;
	const char *header, *header_value; /* a header that must be there */
	const char *upload;		   /* the method that stores; NULL: PUT */
	bool no_head;			   /* 405 */
	bool no_ranges, no_etag, no_date, no_length;
	/* The next so many GETs are cut after so many bytes of the body. */
	unsigned cuts;
	size_t cut_at;
	size_t dead_at; /* not 0: no byte from here on is ever sent */
	unsigned fails; /* the next so many requests get this status */
	int fail_status;
	/* GET and HEAD of what begins so get 302 to the other; uploads 307. */
	const char *redirect_from, *redirect_to;
	bool lies;	    /* an upload is accepted and not kept */
	bool truncates;	    /* an upload loses its last byte */
	bool flips;	    /* a download's first byte is another */
	const char *coding; /* Content-Encoding of what is sent */
};

struct webdir *webdir_start(void);
void webdir_stop(struct webdir *w);
int webdir_port(const struct webdir *w);
/* Set them while no request is under way. */
struct webdir_rules *webdir_rules(struct webdir *w);

void webdir_put(struct webdir *w, const char *path, const void *p, size_t n);
bool webdir_has(struct webdir *w, const char *path);
bool webdir_is(struct webdir *w, const char *path, const void *p, size_t n);
void webdir_remove(struct webdir *w, const char *path);

/* Requests since start or clear: of a method (NULL: any). */
unsigned webdir_requests(struct webdir *w, const char *method);
void webdir_clear(struct webdir *w);
/* The bytes of bodies that were sent since. */
uint64_t webdir_sent(struct webdir *w);
/* A header of the last request of that method, malloc'ed, or NULL. */
char *webdir_last(struct webdir *w, const char *method, const char *name);

#endif
