/* A large upload under way, between s3_multipart.c and s3_multilog.c. */
#ifndef REMOTE_S3_MULTIPART_H
#define REMOTE_S3_MULTIPART_H

#include "remote/resume.h"
#include "remote/s3.h"

struct multipart;

struct part {
	struct s3_call call; /* first */
	struct http_task task;
	struct multipart *m;
	unsigned index;
	bool busy; /* being hashed or sent */
	bool hashing;
	bool with_crc64; /* as the upload's; the pool reads this one */
	bool with_md5;	 /* to be sent, or to be compared with what is listed */
	struct buf save; /* the record, to be written on the way */
	struct err err;
	int code;
	uint8_t md5[16];
	char crc64[13]; /* base64 */
	char number[12];
};

struct done_part {
	char *etag;    /* as received, quotes and all; NULL until the server has it */
	char *listed;  /* the server has something there, but is it ours? */
	bool recorded; /* it is: an earlier run noted that ETag */
	uint8_t md5[16];
	char crc64[13]; /* base64, with with_crc64 */
};

struct multipart {
	struct s3_call call; /* Create, ListParts, Complete, HEAD, Abort; first */
	struct http_task task;
	struct s3 *s3;
	struct remote_job *job;
	uint64_t part_bytes;
	unsigned parts_nr, next, done;
	struct done_part *parts;
	struct part slot[S3_PARTS_IN_FLIGHT];
	unsigned busy;
	char *upload_id;
	char *meta; /* hex of the whole's MD5 */
	struct buf body;
	bool with_crc64; /* parts have it in the place of an MD5 */
	bool failing, restarting;
	bool again; /* what Complete said is a reason to start anew */
	unsigned aborts;
	int code;
	struct err err;

	/* The record, for another run to go on. */
	struct resume_file file;
	struct resume log;
	int64_t saved_ns;
	size_t saved_bytes;
	bool resumed; /* the upload is an earlier run's */
	bool kept;    /* it is left to another run */
};

/* In the pool: find what an earlier run left. Fills upload_id; resumed tells
 * whether it can be gone on with or is only to be aborted. */
void s3_multilog_open(struct multipart *m);
/* Take up the parts that the server lists; then done(), with resumed false if the
 * upload is gone or cannot be looked into. Not 0: the network failed. */
void s3_multilog_list(struct multipart *m,
		      void (*done)(struct multipart *m, int code, const struct err *e));
void s3_multilog_started(struct multipart *m); /* a new upload has its id */
/* If the record is due, its text is put into out. */
void s3_multilog_due(struct multipart *m, struct buf *out);
/* It failed: save all for another run, if there is anything to go on with. */
bool s3_multilog_keep(struct multipart *m);

#endif
