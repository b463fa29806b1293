/*
 * Zip files as np.savez writes them: members stored or deflated, with sizes of 64 bits
 * where needed. The members are looked at out of order once (zip_peek), and then read
 * in the order in which they lie, so that the file's digests are of the bytes that
 * were read. CRC-32 of each is checked.
 */
#ifndef TRAIN_DATA_ZIP_H
#define TRAIN_DATA_ZIP_H

#include "store/base/compiler.h"
#include "train/data/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct data_file;
struct err;
struct inflate;

struct zip_member {
	char *name;
	uint64_t offset; /* of the local header */
	uint64_t packed, size;
	uint32_t crc;
	bool deflated;
};

struct zip {
	struct source src;
	struct zip_member *v; /* in the order of the directory */
	size_t nr, cap;
	size_t *order; /* by offset */
	/* the member in hand */
	size_t at;
	uint64_t packed_left, size_left;
	int64_t peek_at; /* -1: the source itself is read */
	uint32_t crc;
	struct inflate *z;
	char *raw;
	size_t raw_at, raw_n;
};

int zip_open(struct zip *z, const struct data_file *f, bool hash,
	     struct err *e) MUST_CHECK;
void zip_release(struct zip *z);
size_t zip_in_order(const struct zip *z, size_t i);

/* Begin to look at member i, without moving on in the file. */
int zip_peek(struct zip *z, size_t i, struct err *e) MUST_CHECK;
/* Go on in the file to member i. */
int zip_enter(struct zip *z, size_t i, struct err *e) MUST_CHECK;
/* n bytes of the member, or *got of them at its end. */
int zip_read(struct zip *z, char *p, size_t n, size_t *got, struct err *e) MUST_CHECK;
/* The member must end here, with the right CRC. */
int zip_leave(struct zip *z, struct err *e) MUST_CHECK;
/* What is behind the last member: the directory. */
int zip_rest(struct zip *z, struct err *e) MUST_CHECK;

#endif
