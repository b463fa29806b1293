/* Multipart uploads as the server lists them, and what hangs on that. */
#ifndef REMOTE_S3_UPLOADS_H
#define REMOTE_S3_UPLOADS_H

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct remote_job;
struct s3;

/* One page of ListParts; strings live in the arena. */
struct s3_part {
	unsigned number; /* from 1 */
	uint64_t bytes;
	const char *etag; /* as told, quotes and all */
};
struct s3_parts {
	struct arena arena;
	struct s3_part *v;
	size_t nr, cap;
	bool truncated, is_bad;
	unsigned next; /* the marker to go on with */
};
int s3_parts_parse(struct slice body, struct s3_parts *out, struct err *e) MUST_CHECK;
void s3_parts_release(struct s3_parts *p);

/* One page of ListMultipartUploads. */
struct s3_upload {
	const char *key, *id; /* the whole key, decoded */
	int64_t initiated_ns;
};
struct s3_uploads {
	struct arena arena;
	struct s3_upload *v;
	size_t nr, cap;
	bool truncated, is_encoded, is_bad;
	const char *next_key, *next_id;
};
int s3_uploads_parse(struct slice body, struct s3_uploads *out, struct err *e) MUST_CHECK;
void s3_uploads_release(struct s3_uploads *p);

void s3_uploads_submit(struct s3 *s, struct remote_job *job); /* REMOTE_LIST_UPLOADS */
void s3_abort_submit(struct s3 *s, struct remote_job *job);   /* REMOTE_ABORT_UPLOAD */

#endif
