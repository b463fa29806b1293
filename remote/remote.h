/*
 * A remote: a place where objects lie under keys, behind a small table of
 * operations. Transports: local directory, S3; later HTTP(S).
 *
 * Operations are asynchronous jobs on one engine: a caller submits a job and
 * gets it back, with its own err, from remote_next(). The engine owns a network
 * thread (or a pool, for a directory); submit blocks when too many jobs are in
 * flight. Buffers and files are the job's owner's and stay untouched until it
 * comes back. Keys are relative to the remote's root ("files/md5/5d/41...").
 */
#ifndef REMOTE_REMOTE_H
#define REMOTE_REMOTE_H

#include "store/base/compiler.h"
#include "store/base/err.h"
#include "store/odb/oid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct remote;
struct sink;
struct tmpfile;

enum remote_op {
	REMOTE_PUT, /* a file's bytes under key; verified by the server where it can */
	REMOTE_PUT_BYTES, /* the same from memory (manifests, probes) */
	REMOTE_GET, /* into fd (a temporary of the caller), MD5 on the way into digest */
	REMOTE_GET_BYTES, /* into out, at most limit bytes */
	REMOTE_HEAD,	  /* size and age, or ERR_NOTFOUND */
	REMOTE_LIST,	  /* every key below key as a prefix, page by page to on_page */
	REMOTE_DELETE,	  /* the keys in keys, at most REMOTE_DELETE_MAX */
	/* Uploads in parts that were begun and not ended, below key as a prefix: to
	 * on_page, modified_ns being their begin and etag their id. */
	REMOTE_LIST_UPLOADS,
	REMOTE_ABORT_UPLOAD, /* of key and upload_id; one that is gone is success */
};

enum {
	REMOTE_DELETE_MAX = 1000
};

struct remote_entry {
	const char *key; /* relative to the remote's root; good during the call only */
	uint64_t bytes;
	int64_t modified_ns; /* since 1970, 0 if unknown */
	const char *etag;    /* unquoted, or "" */
};

struct remote_job {
	enum remote_op op;
	const char *key;
	const char *version; /* GET, HEAD: of a bucket that keeps them; NULL: the last */
	int fd;		     /* PUT: read by pread; GET: written by pwrite from 0 */
	uint64_t bytes;	     /* PUT: the size; after GET and HEAD: what it was */
	uint8_t md5[16];     /* PUT: of the whole, sent as Content-MD5 and compared */
	/* md5 is known. GET too may say what it expects: bytes that are others are
	 * fetched once more, then ERR_CORRUPT names the object as damaged there. */
	bool has_md5;
	uint8_t digest[16]; /* GET: MD5 of what arrived */
	const void *data;   /* PUT_BYTES */
	struct buf *out;    /* GET_BYTES */
	size_t limit;
	const char *after; /* LIST: start behind this key, or NULL */
	const char *until; /* LIST: stop past this key, or NULL */
	int (*on_page)(struct remote_job *job, const struct remote_entry *v, size_t nr);
	/* LIST: from the engine's thread; not 0 stops the listing without an error */
	const char *upload_id;	 /* ABORT_UPLOAD */
	const char *const *keys; /* DELETE */
	size_t keys_nr;
	struct err *key_errs; /* DELETE: one a key, code 0 where it went */
	int64_t modified_ns;  /* after HEAD */
	struct sink *sink;    /* bytes as they move, or NULL */
	/*
	 * GET: a large file may outlive the process, so that another run goes on
	 * with it. keep gives fd's file a name that the next run will find and tells
	 * its inode; reuse puts the file of that name in the place of fd, if it is
	 * of this inode. From the engine's threads, one at a time. NULL: never.
	 */
	int (*keep)(struct remote_job *job, uint64_t *inode, struct err *e);
	int (*reuse)(struct remote_job *job, uint64_t inode, struct err *e);
	void *ctx; /* the caller's */
	/* result */
	int code; /* 0 or an ERR_ code; ERR_NOTFOUND where the key is not; ERR_PARTIAL
		   * where some keys of a DELETE stayed */
	struct err err;
	bool kept;	  /* GET that failed: the file is to stay, another run wants it */
	uint64_t resumed; /* bytes that an earlier run had moved already */
	struct remote_job *next; /* the engine's */
};

/* What kind of place it is, for decisions of the planner. */
struct remote_traits {
	bool local; /* no network: existence is one stat */
	bool can_list;
	bool has_uploads;   /* REMOTE_LIST_UPLOADS and REMOTE_ABORT_UPLOAD are offered */
	unsigned list_page; /* keys a LIST page holds; 1000 on S3 */
	unsigned jobs;	    /* sensible number in flight */
};

struct remote_options {
	const char *name; /* as configured, for messages; NULL for a bare URL */
	const char *url;
	/* The value of a key of the remote's section, or NULL. Borrowed for open. */
	const char *(*get)(void *ctx, const char *key);
	void *get_ctx;
	/* Does that value come from the user's own files, or from the (cloned)
	 * repository's .dvc/config? Programs, token files and roles count only then. */
	bool (*trusted)(void *ctx, const char *key);
	unsigned jobs;		       /* 0: the remote's own, else the default */
	unsigned connections_max;      /* at a time; 0: the same */
	uint64_t limit_up, limit_down; /* bytes a second; 0: the same */
	/* Where large transfers leave what another run needs to go on with them;
	 * made when first needed. NULL: nowhere. Beside the cache, since that is
	 * where the files are that it speaks of. */
	const char *state_dir;
	struct sink *sink;	  /* notes (retries, waits, warnings) */
	const char *learned_file; /* what `remote test` found of it; NULL: nothing */
};

/* ERR_UNSUPPORTED names a scheme that is understood but not offered. */
int remote_open(struct remote **out, const struct remote_options *o,
		struct err *e) MUST_CHECK;
void remote_close(struct remote *r); /* cancels what is in flight; accepts NULL */
const struct remote_traits *remote_traits(const struct remote *r);
const char *remote_url(const struct remote *r); /* without any secret */
/* What the records of its transfers (resume.h) have before the key; NULL: none. */
const char *remote_record_base(const struct remote *r);

void remote_submit(struct remote *r, struct remote_job *job);
struct remote_job *remote_next(struct remote *r); /* waits; NULL when none is in flight */
struct remote_job *remote_poll(struct remote *r); /* NULL when none has ended yet */
size_t remote_in_flight(const struct remote *r);

/* Submit one job and wait for it alone. Not while others are in flight. */
int remote_do(struct remote *r, struct remote_job *job, struct err *e) MUST_CHECK;

/* Requests made so far, for tests and --json. */
uint64_t remote_requests(const struct remote *r);

#endif
