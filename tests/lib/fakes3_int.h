/* Between fakes3.c (connections, rules) and fakes3_store.c (what S3 would do). */
#ifndef TESTS_LIB_FAKES3_INT_H
#define TESTS_LIB_FAKES3_INT_H

#include "tests/lib/fakes3.h"

#include "store/base/buf.h"
#include "store/base/map.h"
#include "store/base/vec.h"

#include <pthread.h>

struct object {
	char *key;
	char *p;
	size_t n;
	char etag[48]; /* without quotes */
	char *meta;    /* x-amz-meta-oid, or NULL */
	char id[24];   /* its version, "" where the bucket keeps none */
	bool gone;
};

struct fake_part {
	unsigned number;
	char *p;
	size_t n;
	uint8_t md5[16];
};

struct upload {
	char *key, *meta;
	char id[24];
	int64_t begun_ns;
	bool open;
	bool with_crc64; /* begun so: each part must have one, and Complete all */
	VEC_OF(struct fake_part) parts;
};

struct log_entry {
	char method[8];
	char *target, *head;
};

struct fakes3 {
	int fd, port;
	pthread_t thread;
	pthread_mutex_t lock; /* all below */
	pthread_cond_t idle;
	bool stopping;
	unsigned conns; /* threads that are alive */
	VEC_OF(int) socks;
	VEC_OF(struct fakes3_rule) rules;
	VEC_OF(struct log_entry) log;
	VEC_OF(struct object) objects;
	VEC_OF(struct upload) uploads;
	VEC_OF(struct object) versions; /* all that ever were, if it keeps them */
	bool is_versioned;
	struct map index;
	unsigned connections, active, max_active, refused, last_id;
	uint64_t sent, received;
	int64_t shift_s;
	const char *region;
	size_t page;
	bool anonymous, opaque_parts;
};

struct request {
	char method[8];
	char *head;   /* the whole header section */
	char *target; /* as on the wire */
	char *key;    /* decoded, NULL for the bucket */
	bool wrong_bucket;
	struct buf body;
	bool no_range;
};

struct answer {
	int status;
	struct buf head; /* header lines */
	struct buf body;
	bool is_head;
};

/* malloc'ed value of a header of a header section, or NULL. */
char *fake_header(const char *head, const char *name);
/* malloc'ed decoded value of a query parameter, or NULL; "" where it has none. */
char *fake_query(const char *target, const char *name);
void fake_error(struct answer *a, int status, const char *code, const char *extra);
bool fake_check(struct fakes3 *f, const struct request *q, struct answer *a);
void fake_handle(struct fakes3 *f, const struct request *q, struct answer *a);
/* fakes3_uploads.c */
struct upload *fake_upload(struct fakes3 *f, const char *id);
void fake_upload_create(struct fakes3 *f, const struct request *q, struct answer *a);
void fake_upload_call(struct fakes3 *f, const struct request *q, struct answer *a,
		      const char *id);
void fake_upload_list(struct fakes3 *f, const struct request *q, struct answer *a);
struct object *fake_find(struct fakes3 *f, const char *key);
void fake_store(struct fakes3 *f, const char *key, const void *p, size_t n,
		const char *etag, const char *meta);
char *fake_decode(const char *p, size_t n);

#endif
