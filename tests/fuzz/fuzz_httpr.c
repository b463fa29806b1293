/* A URL, a Location and a challenge, divided by newlines; a line more for each key. */
#include "remote/httpr.h"

#include "remote/remote.h"
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/slice.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char *const keys[] = {
	"auth",	  "user",	  "password", "custom_auth_header",
	"method", "read_timeout", "jobs",
};

struct values {
	char *v[ARRAY_SIZE(keys)];
};

static const char *get(void *ctx, const char *key)
{
	struct values *x = ctx;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(key, keys[i]) == 0)
			return x->v[i];
	return NULL;
}

static void challenge(const char *text)
{
	struct digest_request q = {.user = "u",
				   .password = "p",
				   .method = "GET",
				   .uri = "/",
				   .count = 1,
				   .cnonce = "c"};
	struct buf b = {0};
	struct digest d;

	if (digest_parse(text, &d))
		digest_answer(&d, &q, &b);
	buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice rest = {(const char *)data, n}, line = slice_cut(&rest, '\n');
	char *url = xasprintf("https://%.*s", SLICE_FMT(line)), *text, *to;
	struct values x = {0};
	struct remote_options o = {.url = url, .get = get, .get_ctx = &x};
	struct httpr_conf c;
	bool same;

	line = slice_cut(&rest, '\n');
	text = xmemdup0(line.p ? line.p : "", line.n);
	to = httpr_redirect(url, text, &same);
	if (to && strncasecmp(to, "https://", 8) != 0)
		abort(); /* it left https */
	free(to);
	free(text);
	line = slice_cut(&rest, '\n');
	text = xmemdup0(line.p ? line.p : "", line.n);
	challenge(text);
	free(text);
	for (size_t i = 0; i < ARRAY_SIZE(keys) && rest.p; i++) {
		line = slice_cut(&rest, '\n');
		x.v[i] = xmemdup0(line.p, line.n);
	}
	if (httpr_conf_load(&c, &o, NULL) == 0)
		httpr_conf_release(&c);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		free(x.v[i]);
	free(url);
	return 0;
}
