/* What sources of credentials answer, and what a remote's test left; the first byte
 * says which of them. */
#include "remote/creds_int.h"

#include "remote/s3_quirks.h"
#include "store/base/alloc.h"
#include "store/fmt/value.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void json(struct slice text)
{
	static const struct creds_names names[] = {
		{.access = "AccessKeyId",
		 .secret = "SecretAccessKey",
		 .token = "Token",
		 .expires = "Expiration"},
		{.access = "accessKeyId",
		 .secret = "secretAccessKey",
		 .token = "sessionToken",
		 .expires = "expiration",
		 .token_needed = true,
		 .expires_ms = true},
	};
	struct creds_json j;

	if (creds_json_read(&j, text, "it", NULL) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct creds_keys k = {0};

		if (creds_json_keys(i ? value_get(j.root, "roleCredentials") : j.root,
				    &names[i], "it", &k, NULL) == 1) {
			assert(k.access_key[0] && k.secret_key[0]);
			assert(k.expires_ns >= 0);
			assert(!strchr(k.access_key, '\n'));
		}
		creds_keys_release(&k);
	}
	creds_json_release(&j);
}

static void xml(struct slice text)
{
	struct creds_keys k = {0};

	if (creds_sts_keys(text, "AssumeRole", &k, NULL) == 1)
		assert(k.access_key[0] && k.secret_key[0] && k.token[0]);
	creds_keys_release(&k);
}

static void learned(struct slice text)
{
	struct s3_learned l = {0}, back = {0};
	struct buf b = {0};

	if (s3_learned_parse(text, &l, NULL) < 0)
		return;
	s3_learned_format(&l, &b);
	assert(s3_learned_parse(buf_slice(&b), &back, NULL) == 0);
	assert(back.known == l.known && back.flags == l.flags);
	buf_release(&b);
}

static void words(const char *line)
{
	char **argv;
	size_t nr;

	if (creds_words(line, &argv, &nr, NULL) < 0)
		return;
	assert(argv[nr] == NULL);
	creds_words_free(argv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice text;
	char *copy;

	if (n == 0)
		return 0;
	copy = xmemdup0(data + 1, n - 1);
	text = (struct slice){copy, n - 1};
	switch (data[0]) {
	case 'j':
		json(text);
		break;
	case 'x':
		xml(text);
		break;
	case 'l':
		learned(text);
		break;
	case 'w':
		words(copy);
		break;
	default:
		IGNORE_RESULT(creds_uri_allowed(copy));
	}
	free(copy);
	return 0;
}
