/* A download under way, between s3_get.c, s3_small.c and s3_getlog.c. */
#ifndef REMOTE_S3_GET_H
#define REMOTE_S3_GET_H

#include "remote/resume.h"
#include "remote/s3.h"
#include "store/hash/hash.h"

struct get;

struct range {
	struct s3_call call; /* first */
	struct get *g;
	unsigned index;
	uint64_t at, got;
	bool busy;
	bool is_live; /* got counts for the record */
};

struct get {
	struct s3 *s3;
	struct remote_job *job;
	struct http_task task;
	struct range *slot[S3_PARTS_IN_FLIGHT]; /* made when first needed */
	bool sized;				/* total is known */
	bool whole;				/* one request without a range */
	bool received_whole;
	bool want_whole, is_changed; /* why the last answer was refused */
	bool restarting, failing, hashing, damaged;
	uint64_t total;
	char etag[128]; /* as received */
	unsigned ranges_nr, next, front, restarts;
	uint8_t *done; /* one a range */
	struct buf mem;
	struct get *small_next;
	/* While hashing is set these are the pool's. */
	struct hash hash;
	uint64_t hashed, hash_to;
	int hash_code;
	struct err hash_err;
	struct err err;

	/* The record, for another run to go on; the pool's while hashing is set. */
	struct resume_file file;
	struct resume log;
	bool save, no_log;
	int64_t saved_ns;
	bool resumed;	/* some of the bytes are an earlier run's */
	uint32_t *had;	/* of each range, by an earlier run; NULL: nothing */
	uint64_t floor; /* ranges that were whole at the start, without a gap */
};

void s3_get_free(struct get *g);
void s3_get_hashed(struct get *g);
void s3_get_again(struct http_task *t); /* fetch it once more; network thread */
void s3_get_damaged(const struct get *g, struct err *e); /* the sentence */

/* In the caller's thread: take up what an earlier run left. */
void s3_getlog_open(struct get *g);
void s3_getlog_due(struct get *g);   /* network thread: sets save if it is time */
void s3_getlog_write(struct get *g); /* in the pool */
void s3_getlog_reset(struct get *g); /* it starts over */
void s3_getlog_failed(struct get *g, int code); /* leave it to another run, or not */

/* It is complete in memory: to the pool with it. */
void s3_small_push(struct get *g);

#endif
