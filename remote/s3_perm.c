#include "remote/s3_perm.h"

#include "remote/sigv4.h"
#include "store/base/compiler.h"

#include <stdbool.h>
#include <string.h>

/* The first row that fits: of an object or the bucket, and a query's name. */
static const struct {
	const char *method;
	bool has_key;
	const char *query; /* NULL: any */
	struct s3_perm perm;
} rows[] = {
	{"PUT", true, "partNumber", {"UploadPart", "s3:PutObject"}},
	{"PUT", true, NULL, {"PutObject", "s3:PutObject"}},
	{"POST", true, "uploads", {"CreateMultipartUpload", "s3:PutObject"}},
	{"POST", true, NULL, {"CompleteMultipartUpload", "s3:PutObject"}},
	{"GET", true, "uploadId", {"ListParts", "s3:ListMultipartUploadParts"}},
	{"GET", true, "versionId", {"GetObject", "s3:GetObjectVersion"}},
	{"GET", true, NULL, {"GetObject", "s3:GetObject"}},
	{"HEAD", true, "versionId", {"HeadObject", "s3:GetObjectVersion"}},
	{"HEAD", true, NULL, {"HeadObject", "s3:GetObject"}},
	{"DELETE", true, "uploadId", {"AbortMultipartUpload", "s3:AbortMultipartUpload"}},
	{"DELETE", true, "versionId", {"DeleteObject", "s3:DeleteObjectVersion"}},
	{"DELETE", true, NULL, {"DeleteObject", "s3:DeleteObject"}},
	{"GET",
	 false,
	 "uploads",
	 {"ListMultipartUploads", "s3:ListBucketMultipartUploads"}},
	{"GET", false, "versions", {"ListObjectVersions", "s3:ListBucketVersions"}},
	{"GET", false, "versioning", {"GetBucketVersioning", "s3:GetBucketVersioning"}},
	{"GET", false, "list-type", {"ListObjectsV2", "s3:ListBucket"}},
	{"GET", false, NULL, {"ListObjects", "s3:ListBucket"}},
	{"HEAD", false, NULL, {"HeadBucket", "s3:ListBucket"}},
	{"POST", false, NULL, {"DeleteObjects", "s3:DeleteObject"}},
	{"PUT", false, NULL, {"CreateBucket", "s3:CreateBucket"}},
};

struct s3_perm s3_perm_of(const char *method, bool has_key,
			  const struct sigv4_pair *query, size_t query_nr)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool fits = rows[i].query == NULL;

		for (size_t k = 0; k < query_nr && !fits; k++)
			fits = strcmp(query[k].name, rows[i].query) == 0;
		if (fits && rows[i].has_key == has_key &&
		    strcmp(rows[i].method, method) == 0)
			return rows[i].perm;
	}
	return (struct s3_perm){method, "more rights"};
}
