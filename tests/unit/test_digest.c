#include "remote/digest.h"

#include "store/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void answer_has(const char *challenge, const struct digest_request *q,
		       const char *want)
{
	struct digest d;
	struct buf b = {0};

	assert_true(digest_parse(challenge, &d));
	digest_answer(&d, q, &b);
	if (!strstr(buf_str(&b), want))
		fail_msg("%s lacks %s", buf_str(&b), want);
	buf_release(&b);
}

/* The examples of RFC 2617 and RFC 7616. */
static void published_vectors_fit(void **state)
{
	const struct digest_request old = {
		.user = "Mufasa",
		.password = "Circle Of Life",
		.method = "GET",
		.uri = "/dir/index.html",
		.count = 1,
		.cnonce = "0a4f113b",
	};
	const struct digest_request new = {
		.user = "Mufasa",
		.password = "Circle of Life",
		.method = "GET",
		.uri = "/dir/index.html",
		.count = 1,
		.cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
	};
	static const char md5[] =
		"Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", "
		"algorithm=MD5, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
		"opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
	static const char sha[] =
		"Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", "
		"algorithm=SHA-256, "
		"nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
		"opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";

	(void)state;
	answer_has("Digest realm=\"testrealm@host.com\",qop=\"auth,auth-int\","
		   "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\","
		   "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
		   &old, "response=\"6629fae49393a05397450978507c4ef1\"");
	answer_has(md5, &new, "response=\"8ca523f5e9506fed4657c9700eebdbec\"");
	answer_has(
		sha, &new,
		"response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856"
		"cb6c1\"");
	answer_has(md5, &new, "qop=auth, nc=00000001");
	answer_has("Basic realm=\"x\", Digest nonce=a, realm=\"r\"", &old, "nonce=\"a\"");
}

static void what_we_do_not_know_is_no_challenge(void **state)
{
	static const char *const table[] = {
		"",
		"Digest",
		"Digest ",
		"Basic realm=\"x\"",
		"Digest realm=\"x\"",
		"Digest realm=\"x\", nonce=\"\"",
		"Digest realm=\"x\", nonce=\"y\", algorithm=SHA-512-256",
		"Digest realm=\"x\", nonce=\"y\", qop=\"auth-int\"",
		"Digest realm=\"x, nonce=y",
		"XDigest realm=\"x\", nonce=\"y\"",
	};
	struct digest d;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (digest_parse(table[i], &d))
			fail_msg("'%s' was taken", table[i]);
}

static void quotes_are_undone_and_done_again(void **state)
{
	const struct digest_request q = {.user = "a\"b\\c",
					 .password = "p",
					 .method = "GET",
					 .uri = "/",
					 .count = 255,
					 .cnonce = "c"};
	struct digest d;

	(void)state;
	assert_true(digest_parse("digest REALM=\"a\\\"b\", nonce=\"n\", qop=auth", &d));
	assert_string_equal(d.realm, "a\"b");
	answer_has("digest REALM=\"a\\\"b\", nonce=\"n\", qop=auth", &q,
		   "username=\"a\\\"b\\\\c\", realm=\"a\\\"b\"");
	answer_has("digest REALM=\"a\\\"b\", nonce=\"n\", qop=auth", &q, "nc=000000ff");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors_fit),
		cmocka_unit_test(what_we_do_not_know_is_no_challenge),
		cmocka_unit_test(quotes_are_undone_and_done_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
