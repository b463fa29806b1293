/*
 * What is known of a large transfer that may end in another run: an upload's id
 * and the parts the server took, a download's ETag and the ranges that are on
 * the disk. One small file a transfer, docs/format/transfer.md.
 *
 * The file is a hint and never a proof: an uploaded part counts only when the
 * server lists it, bytes on the disk only when they were hashed again. Whatever
 * in it is not exactly as expected makes it worth nothing. Losing it costs time.
 *
 * A resume_file belongs to one transfer and is used by one thread at a time.
 */
#ifndef REMOTE_RESUME_H
#define REMOTE_RESUME_H

#include "store/base/compiler.h"
#include "store/base/lock.h"
#include "store/base/slice.h"
#include "store/base/vec.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct err;

/* Older ones are not taken up: lifecycle rules abort uploads after about a week. */
#define RESUME_AGE_NS (INT64_C(7) * 86400 * 1000000000)

struct resume_part {
	unsigned number; /* from 1 */
	uint8_t md5[16];
	char *etag; /* as received, quotes and all */
};

/* On the disk: the pieces from first to last, of the last so many bytes. */
struct resume_range {
	unsigned first, last;
	uint64_t got;
};

struct resume {
	bool is_upload;
	char *url; /* endpoint, bucket and key */
	uint8_t headers
		[16]; /* MD5 of the headers of new objects: they are the upload's */
	uint64_t bytes, part_bytes;
	int64_t started_ns; /* wall time */
	uint64_t inode;	    /* of the source, or of the temporary */
	/* Upload. */
	int64_t mtime_ns; /* of the source */
	char *upload_id;
	VEC_OF(struct resume_part) parts;
	/* Download. */
	char *etag;
	VEC_OF(struct resume_range) ranges; /* ascending, apart */
};

void resume_release(struct resume *r);
/* The bytes of a piece (a part, a range), counted from 0; 0 past the end. */
uint64_t resume_piece(const struct resume *r, unsigned index);
/* False when a text in it cannot be written (it has a line break). */
bool resume_format(const struct resume *r, struct buf *out);
/* ERR_CORRUPT for anything but what resume_format wrote. */
int resume_parse(struct slice text, struct resume *out, struct err *e) MUST_CHECK;

struct resume_file {
	bool live; /* it is ours: the lock is held */
	char *path, *lock_path;
	struct lock lock;
};

/*
 * Take the transfer's place in dir, which is made when missing. False, and
 * nothing held, when another process works on the same transfer, or when dir is
 * NULL or cannot be used: then the transfer goes without.
 */
bool resume_open(struct resume_file *f, const char *dir, bool is_upload, const char *url);
/* What an earlier run left; a file that cannot be used is removed. False: none. */
bool resume_load(struct resume_file *f, struct resume *out);
void resume_save(struct resume_file *f, const struct buf *text); /* failure is logged */
void resume_drop(struct resume_file *f);  /* what it says is not so; still ours */
void resume_done(struct resume_file *f);  /* remove it; accepts {0} */
void resume_close(struct resume_file *f); /* leave it to another run; accepts {0} */

/* Is there any file of this kind in dir? Without one nobody needs to look. */
bool resume_any(const char *dir, bool is_upload);

/* Every record in dir, for cleaning up; fn may use resume_done on f. f is NULL for
 * one that another process works on. Broken ones are removed. */
typedef void (*resume_each_fn)(void *ctx, struct resume_file *f, const struct resume *r);
int resume_each(const char *dir, resume_each_fn fn, void *ctx, struct err *e) MUST_CHECK;

#endif
