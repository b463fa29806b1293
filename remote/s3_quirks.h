/*
 * How S3 services differ, in one table: what a service is known by (its host's
 * name, or the setting `provider`) and what it does otherwise than Amazon's. What
 * `lode remote test` found out about one endpoint counts before the table.
 * Read-only, any thread.
 */
#ifndef REMOTE_S3_QUIRKS_H
#define REMOTE_S3_QUIRKS_H

#include "store/base/compiler.h"
#include "store/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

enum s3_quirk {
	S3_LIST_V1 = 1u << 0,	    /* only the old listing pages rightly */
	S3_PLAIN_KEYS = 1u << 1,    /* no encoding-type=url in listings */
	S3_SINGLE_DELETE = 1u << 2, /* no DeleteObjects */
	S3_NO_MULTIPART = 1u << 3,
	S3_VIRTUAL = 1u << 4,	  /* the bucket belongs into the host's name */
	S3_CONDITIONAL = 1u << 5, /* PUT with If-None-Match: * is obeyed */
	S3_CRC32C = 1u << 6,	  /* x-amz-checksum-crc32c is verified, parts included */
	S3_CRC64NVME = 1u << 7,	  /* x-amz-checksum-crc64nvme is */
};

struct s3_quirks {
	const char *provider; /* "AWS", "R2"; "" for one that is not known */
	const char *host;     /* the end of its hosts' names; NULL: by setting only */
	const char *region;   /* the one to sign for if none is set; NULL: us-east-1 */
	unsigned flags;	      /* enum s3_quirk */
	unsigned parts_max;   /* of an upload; 0: 10,000 */
	uint64_t part_min;    /* bytes; 0: 5 MiB */
	unsigned idle_s;      /* a connection idle for longer is closed; 0: 118 s */
};

/* host may have a port. Never NULL: the last row is anybody's. */
const struct s3_quirks *s3_quirks_of(const char *host);
/* By name in any case, or NULL. */
const struct s3_quirks *s3_quirks_named(const char *provider);
/* All names, for messages: "AWS, Ceph, ...". */
void s3_quirks_names(struct buf *out);

/* What `remote test` keeps (docs/format/remote-test.md): which flags it settled,
 * and how. */
struct s3_learned {
	unsigned known, flags;
	int64_t at_ns;
	char where[256]; /* the endpoint's host */
};
/* ERR_CORRUPT for what is no such document. */
int s3_learned_parse(struct slice text, struct s3_learned *out, struct err *e) MUST_CHECK;
void s3_learned_format(const struct s3_learned *l, struct buf *out);
/* The name of a flag in that document, or NULL. */
const char *s3_quirk_name(enum s3_quirk q);

#endif
