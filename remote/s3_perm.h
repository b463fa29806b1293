/*
 * What a request is called in AWS's documents and policies: the API operation and
 * the permission it needs. Pure; for messages.
 */
#ifndef REMOTE_S3_PERM_H
#define REMOTE_S3_PERM_H

#include <stdbool.h>
#include <stddef.h>

struct sigv4_pair;

struct s3_perm {
	const char *operation;	/* "PutObject" */
	const char *permission; /* "s3:PutObject" */
};

/* has_key: of an object, not of the bucket; query are the request's pairs. */
struct s3_perm s3_perm_of(const char *method, bool has_key,
			  const struct sigv4_pair *query, size_t query_nr);

#endif
