/* An S3 URL and an endpoint, divided by a newline; a line more for each key. */
#include "remote/s3_conf.h"

#include "remote/creds.h"
#include "remote/remote.h"
#include "store/base/alloc.h"
#include "store/base/buf.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char *const keys[] = {
	"endpointurl",	   "region",	       "addressing_style",
	"use_ssl",	   "ssl_verify",       "read_timeout",
	"connect_timeout", "sse_customer_key", "sse_kms_key_id",
};

struct values {
	char *v[ARRAY_SIZE(keys)];
};

static const char *get(void *ctx, const char *key)
{
	struct values *x = ctx;

	if (strcmp(key, "allow_anonymous_login") == 0)
		return "true";
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(key, keys[i]) == 0)
			return x->v[i];
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice rest = {(const char *)data, n}, line = slice_cut(&rest, '\n');
	char *url = xasprintf("s3://%.*s", SLICE_FMT(line));
	struct values x = {0};
	struct remote_options o = {.url = url, .get = get, .get_ctx = &x};
	struct creds_chain *creds = NULL;
	struct s3_conf c;

	for (size_t i = 0; i < ARRAY_SIZE(keys) && rest.p; i++) {
		line = slice_cut(&rest, '\n');
		x.v[i] = xmemdup0(line.p, line.n);
	}
	if (s3_conf_load(&c, &creds, &o, NULL) == 0) {
		s3_conf_address(&c);
		creds_close(creds);
		s3_conf_release(&c);
	}
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		free(x.v[i]);
	free(url);
	return 0;
}
