/*
 * A file's bytes in order, decompressed where its first bytes say gzip or zstd, with
 * the digests of what lies in the file. A file that shrinks, grows or is written to
 * meanwhile is ERR_CORRUPT. One source belongs to one thread at a time.
 */
#ifndef TRAIN_DATA_SOURCE_H
#define TRAIN_DATA_SOURCE_H

#include "store/base/compiler.h"
#include "store/hash/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct data_file;
struct err;
struct inflate;

struct source {
	const char *path;
	int fd;
	int64_t at, size; /* in the file */
	struct timespec mtime;
	uint64_t made;	   /* bytes given out */
	struct inflate *z; /* NULL: not compressed */
	char *raw;
	size_t raw_n, raw_at;
	bool hash;
	struct hash md5, sha256;
};

int source_open(struct source *s, const struct data_file *f, bool hash,
		struct err *e) MUST_CHECK;
void source_release(struct source *s);

/* Not more than want, and no more than the file has and one: a small file takes little
 * memory, and one read that comes short says that it has ended. */
size_t source_piece(const struct source *s, size_t want);
/* n bytes, or *got of them at the end. */
int source_read(struct source *s, char *p, size_t n, size_t *got,
		struct err *e) MUST_CHECK;
bool source_ended(const struct source *s); /* all read, as far as one can know */

/*
 * A compressed source takes its digests itself. The bytes of one that is not are the
 * reader's to hash, in order, so that it may do so beside the parsing: MD5 and SHA-256
 * each by one thread at a time.
 */
bool source_hashes_itself(const struct source *s);
void source_md5(struct source *s, const char *p, size_t n);
void source_sha256(struct source *s, const char *p, size_t n);

/* Nothing has changed: the digests and the size go to f. */
int source_finish(struct source *s, struct data_file *f, struct err *e) MUST_CHECK;
/* Has the file stayed as it was? */
int source_check(const struct source *s, struct err *e) MUST_CHECK;

#endif
