/*
 * A small S3 of our own, on loopback, for tests that need answers no real
 * server gives on demand. It stores objects in memory, checks every signature
 * with sigv4.c's canonical form, knows multipart uploads, ListObjectsV2 and
 * DeleteObjects, and is scripted by rules: the n-th request of a kind may be
 * delayed, cut at a byte, answered with another status, header or body.
 *
 * One thread accepts, one thread a connection. The functions may be called from
 * any thread; rules are added before the requests they are for.
 */
#ifndef TESTS_LIB_FAKES3_H
#define TESTS_LIB_FAKES3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fakes3;

#define FAKES3_ACCESS "AKFAKES3"
#define FAKES3_SECRET "fakes3secret/+=XYZ"
#define FAKES3_BUCKET "bkt"

/* What a rule does; several may be set in one. Bits, since they combine. */
enum fakes3_do {
	FAKES3_STATUS = 1u << 0,      /* answer status, code (an <Error>) or body */
	FAKES3_RST_REQUEST = 1u << 1, /* reset after `at` bytes of the request body */
	FAKES3_RST_BEFORE_ANSWER = 1u << 2, /* do the work, then reset */
	FAKES3_CLOSE_AT = 1u << 3, /* close after `at` bytes of the answer's body */
	FAKES3_HANG = 1u << 4,	   /* no answer until the client goes or stop */
	FAKES3_HANG_AT = 1u << 5,  /* silent after `at` bytes of the answer's body */
	FAKES3_FLIP = 1u << 6,	   /* flip a bit of the answer's body at byte `at` */
	FAKES3_LENGTH = 1u << 7,   /* Content-Length is off by `at` (may be negative) */
	FAKES3_CHUNKED = 1u << 8,  /* the answer is sent chunked */
	FAKES3_CLOSE_AFTER = 1u << 9, /* close the connection behind the answer, unsaid */
	FAKES3_BODY = 1u << 10,	      /* another body, status 200 */
	FAKES3_HEADER = 1u << 11,     /* one more header line, or one replaced */
	FAKES3_NO_RANGE = 1u << 12,   /* the Range header is not seen */
	FAKES3_DELAY = 1u << 13,      /* wait ms before the answer */
	FAKES3_EARLY = 1u << 14,      /* the status comes before the body was read */
	FAKES3_DROP_HEADER = 1u << 15, /* leave out the header named by `header` */
	FAKES3_BLANKS = 1u << 16,      /* send `at` blanks before the body */
	FAKES3_CHANGE = 1u << 17,      /* the object's bytes change before the answer */
	FAKES3_EMPTY = 1u << 18,       /* no body whatever the status says */
	FAKES3_TRICKLE = 1u << 19,     /* `at` bytes of the body, ten times a second */
};

struct fakes3_rule {
	const char *method; /* NULL: any */
	const char *has;    /* in the request's target ("?uploads", a key); NULL: any */
	unsigned skip;	    /* let so many matching requests pass first */
	unsigned times;	    /* then bite so often; 0: always */
	unsigned what;	    /* enum fakes3_do */
	int status;
	const char *code;   /* of the <Error> document */
	const char *extra;  /* more elements in it ("<Region>..</Region>") */
	const char *header; /* "Name: value" */
	const char *body;
	int64_t at;
	unsigned ms;
	unsigned hits; /* the server's */
};

struct fakes3 *fakes3_start(void);
void fakes3_stop(struct fakes3 *f);
int fakes3_port(const struct fakes3 *f);

void fakes3_rule(struct fakes3 *f, struct fakes3_rule rule); /* strings borrowed */
void fakes3_clear(struct fakes3 *f);			     /* rules and counters */
void fakes3_clock(struct fakes3 *f, int64_t shift_s);	     /* of the server's clock */
void fakes3_region(struct fakes3 *f,
		   const char *region);		 /* the one it accepts; NULL: any */
void fakes3_page(struct fakes3 *f, size_t keys); /* keys a LIST page holds */
void fakes3_versioned(struct fakes3 *f);	 /* keep versions from now on */
/* The id of a key's last version, malloc'ed, or NULL. */
char *fakes3_version(struct fakes3 *f, const char *key);
void fakes3_anonymous(struct fakes3 *f, bool allowed);

/* The store, for setting up and looking into it. */
void fakes3_put(struct fakes3 *f, const char *key, const void *p, size_t n);
bool fakes3_has(struct fakes3 *f, const char *key);
/* malloc'ed bytes, or NULL; a NUL behind them. */
char *fakes3_get(struct fakes3 *f, const char *key, size_t *n);
void fakes3_remove(struct fakes3 *f, const char *key);
size_t fakes3_objects(struct fakes3 *f);
size_t fakes3_uploads(struct fakes3 *f); /* multipart uploads that are open */
size_t fakes3_parts(struct fakes3 *f);	 /* parts that those have */
/* Begin one, so many seconds ago; its id. Change a part that is there, or all. */
const char *fakes3_begin(struct fakes3 *f, const char *key, int64_t ago_s);
void fakes3_spoil_part(struct fakes3 *f, unsigned number);
void fakes3_drop_uploads(struct fakes3 *f);	     /* as a lifecycle rule would */
void fakes3_opaque_parts(struct fakes3 *f, bool on); /* ETags of parts are no MD5 */

/* Counters since start or clear. matching: of method and has, as in a rule. */
unsigned fakes3_requests(struct fakes3 *f);
unsigned fakes3_matching(struct fakes3 *f, const char *method, const char *has);
uint64_t fakes3_sent(struct fakes3 *f); /* bytes of bodies, out and in */
uint64_t fakes3_received(struct fakes3 *f);
unsigned fakes3_connections(struct fakes3 *f);
unsigned fakes3_max_active(struct fakes3 *f); /* requests at one time */
/* A header of the last request that matches, malloc'ed, or NULL. */
char *fakes3_last_header(struct fakes3 *f, const char *method, const char *has,
			 const char *name);
unsigned fakes3_refused(struct fakes3 *f); /* signatures that did not verify */

#endif
