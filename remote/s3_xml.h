/*
 * XML answers of S3, read as they arrive: expat in small steps, bounded in
 * bytes, depth and text, without DTD, entities or external references. A page
 * whose root is not the expected one (a portal's HTML) is an error.
 */
#ifndef REMOTE_S3_XML_H
#define REMOTE_S3_XML_H

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct s3_xml;

/*
 * Called at the end of each element: its path of local names below the root
 * ("Contents/Key"; "" is the root itself) and the text directly in it.
 */
typedef void (*s3_xml_fn)(void *ctx, const char *path, struct slice text);

/* root: the expected root element, or NULL for any. */
struct s3_xml *s3_xml_new(const char *root, size_t max_bytes, s3_xml_fn fn, void *ctx);
void s3_xml_free(struct s3_xml *x); /* accepts NULL */
int s3_xml_feed(struct s3_xml *x, const void *p, size_t n, struct err *e) MUST_CHECK;
int s3_xml_end(struct s3_xml *x, struct err *e) MUST_CHECK; /* the document is whole */

/* A small document that is here as a whole; blanks before it are skipped. */
int s3_xml_whole(struct slice body, const char *root, s3_xml_fn fn, void *ctx,
		 struct err *e) MUST_CHECK;

/* An <Error>; fields are "" where it did not say. */
struct s3_error {
	char code[64];
	char message[512];
	char region[64];
	char endpoint[256];
	char request_id[128];
	char host_id[128];
	char server_time[64];
	char storage_class[32];
	char resource[256];
};

/* Whatever can be had from a body that may be no XML at all. False: no <Code>. */
bool s3_xml_error(struct slice body, struct s3_error *out);

/* The text of one element below the root in a small whole document, malloc'ed;
 * NULL where it is not there or the document is not of that root. */
char *s3_xml_text(struct slice body, const char *root, const char *path);

/* One page of a listing; strings live in the arena. */
struct s3_page_entry {
	const char *key, *etag;
	uint64_t bytes;
	int64_t modified_ns;
};
struct s3_page {
	struct arena arena;
	struct s3_page_entry *v;
	size_t nr, cap;
	const char *token; /* NextContinuationToken, or NextMarker */
	bool truncated;
	bool is_encoded; /* keys are percent-encoded; undone by s3_page_decode */
	bool is_bad;	 /* a number that is none, an entry without a key */
};
void s3_page_release(struct s3_page *p);
struct s3_xml *s3_page_parser(struct s3_page *p); /* fills p; free it first */
/* Undo the encoding and check the page as a whole. */
int s3_page_finish(struct s3_page *p, struct err *e) MUST_CHECK;

/* <DeleteResult>: fn gets each key that failed. ERR_CORRUPT if it is no such document. */
typedef void (*s3_xml_failed_fn)(void *ctx, const char *key, const char *code,
				 const char *message);
int s3_xml_delete_result(struct slice body, s3_xml_failed_fn fn, void *ctx,
			 struct err *e) MUST_CHECK;

/* Undo encoding-type=url in place; false for what is no such text, or has a NUL. */
bool s3_xml_percent_decode(char *s);

/* Append text with the five characters XML minds escaped, control ones as &#N;. */
void s3_xml_escape(struct buf *out, struct slice text);

#endif
