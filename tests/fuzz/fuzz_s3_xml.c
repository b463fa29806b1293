/* An answer of S3, read as each kind it could be, in two pieces. */
#include "remote/s3_uploads.h"
#include "remote/s3_xml.h"

#include "store/base/buf.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void ignore(void *ctx, const char *key, const char *code, const char *message)
{
	size_t *sum = ctx;

	*sum += strlen(key) + strlen(code) + strlen(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice s = {(const char *)data, n};
	struct s3_page page = {0};
	struct s3_xml *x = s3_page_parser(&page);
	struct s3_error error;
	struct s3_parts parts = {0};
	struct s3_uploads uploads = {0};
	struct buf out = {0};
	size_t sum = 0;

	if (s3_xml_feed(x, s.p, n / 2, NULL) == 0 &&
	    s3_xml_feed(x, s.p + n / 2, n - n / 2, NULL) == 0 &&
	    s3_xml_end(x, NULL) == 0 && s3_page_finish(&page, NULL) == 0)
		for (size_t i = 0; i < page.nr; i++)
			sum += strlen(page.v[i].key) + strlen(page.v[i].etag);
	s3_xml_free(x);
	s3_page_release(&page);
	IGNORE_RESULT(s3_xml_error(s, &error));
	IGNORE_RESULT(s3_xml_delete_result(s, ignore, &sum, NULL) < 0);
	free(s3_xml_text(s, "InitiateMultipartUploadResult", "UploadId"));
	if (s3_parts_parse(s, &parts, NULL) == 0)
		for (size_t i = 0; i < parts.nr; i++)
			sum += parts.v[i].number;
	s3_parts_release(&parts);
	if (s3_uploads_parse(s, &uploads, NULL) == 0)
		for (size_t i = 0; i < uploads.nr; i++)
			sum += strlen(uploads.v[i].key) + strlen(uploads.v[i].id);
	s3_uploads_release(&uploads);
	s3_xml_escape(&out, s);
	buf_release(&out);
	return 0;
}
