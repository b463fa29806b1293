#include "remote/sigv4.h"

#include "store/base/buf.h"
#include "store/hash/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The published examples of the S3 documentation. */
#define A_SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define A_DATE	 "20130524T000000Z"
#define A_HOST	 "examplebucket.s3.amazonaws.com"

static struct sigv4_key a_key(void)
{
	return (struct sigv4_key){.access_key = "AKIAIOSFODNN7EXAMPLE",
				  .secret_key = A_SECRET,
				  .region = "us-east-1",
				  .service = "s3"};
}

static void check_a(const char *method, const char *path, const struct sigv4_pair *query,
		    size_t query_nr, struct sigv4_pair *headers, size_t headers_nr,
		    const char *hash, const char *want)
{
	struct sigv4_key k = a_key();
	struct buf p = {0}, q = {0}, auth = {0};
	char got[SIGV4_HEX_N];
	struct sigv4_request r = {.method = method,
				  .headers = headers,
				  .headers_nr = headers_nr,
				  .payload_hash = hash,
				  .date = A_DATE};

	sigv4_path(&p, slice_of(path));
	sigv4_query(&q, query, query_nr);
	r.path = buf_str(&p);
	r.query = buf_str(&q);
	sigv4_sign(&k, &r, got);
	assert_string_equal(got, want);
	sigv4_authorization(&auth, &k, &r); /* by the cached key now */
	assert_non_null(strstr(buf_str(&auth), want));
	assert_non_null(strstr(
		buf_str(&auth),
		"Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "));
	assert_null(strstr(buf_str(&auth), A_SECRET));
	buf_release(&p);
	buf_release(&q);
	buf_release(&auth);
}

static void a1_get_with_a_range_has_the_published_signature(void **state)
{
	struct sigv4_pair h[] = {{"x-amz-date", A_DATE},
				 {"Range", "bytes=0-9"},
				 {"Host", A_HOST},
				 {"x-amz-content-sha256", SIGV4_EMPTY_HASH}};

	(void)state;
	check_a("GET", "/test.txt", NULL, 0, h, 4, SIGV4_EMPTY_HASH,
		"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

static void a2_put_with_a_body_has_the_published_signature(void **state)
{
	char hex[SIGV4_HEX_N];
	uint8_t d[32];
	struct sigv4_pair h[] = {{"Host", A_HOST},
				 {"Date", "Fri, 24 May 2013 00:00:00 GMT"},
				 {"x-amz-date", A_DATE},
				 {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
				 {"x-amz-content-sha256", hex}};

	(void)state;
	hash_sha256("Welcome to Amazon S3.", 21, d);
	hex_encode(d, 32, hex);
	assert_memory_equal(hex, "44ce7dd6", 8);
	check_a("PUT", "/test$file.text", NULL, 0, h, 5, hex,
		"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

static void a3_query_without_value_has_the_published_signature(void **state)
{
	struct sigv4_pair q[] = {{"lifecycle", NULL}};
	struct sigv4_pair h[] = {{"Host", A_HOST},
				 {"x-amz-date", A_DATE},
				 {"x-amz-content-sha256", SIGV4_EMPTY_HASH}};

	(void)state;
	check_a("GET", "/", q, 1, h, 3, SIGV4_EMPTY_HASH,
		"fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

static void a4_listing_has_the_published_signature(void **state)
{
	struct sigv4_pair q[] = {{"prefix", "J"}, {"max-keys", "2"}};
	struct sigv4_pair h[] = {{"Host", A_HOST},
				 {"x-amz-date", A_DATE},
				 {"x-amz-content-sha256", SIGV4_EMPTY_HASH}};

	(void)state;
	check_a("GET", "/", q, 2, h, 3, SIGV4_EMPTY_HASH,
		"34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

static void a5_presigned_url_has_the_published_signature(void **state)
{
	struct sigv4_key k = a_key();
	struct sigv4_pair h[] = {{"Host", A_HOST}};
	struct sigv4_request r = {.method = "GET",
				  .path = "/test.txt",
				  .headers = h,
				  .headers_nr = 1,
				  .date = A_DATE};
	struct buf out = {0};

	(void)state;
	sigv4_presign(&out, &k, &r, NULL, 0, 86400);
	assert_string_equal(
		buf_str(&out),
		"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE"
		"%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&"
		"X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
		"aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
	buf_release(&out);
}

/* The general suite: another service, no payload header. */
static void check_b(const char *path, const struct sigv4_pair *query, size_t query_nr,
		    const struct sigv4_pair *more, size_t more_nr, const char *want)
{
	struct sigv4_key k = {.access_key = "AKIDEXAMPLE",
			      .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
			      .region = "us-east-1",
			      .service = "service"};
	struct sigv4_pair h[8] = {{"Host", "example.amazonaws.com"},
				  {"X-Amz-Date", "20150830T123600Z"}};
	struct buf p = {0}, q = {0};
	char got[SIGV4_HEX_N];
	struct sigv4_request r = {.method = "GET",
				  .headers = h,
				  .headers_nr = 2 + more_nr,
				  .payload_hash = SIGV4_EMPTY_HASH,
				  .date = "20150830T123600Z"};

	for (size_t i = 0; i < more_nr; i++)
		h[2 + i] = more[i];
	sigv4_path(&p, slice_of(path));
	sigv4_query(&q, query, query_nr);
	r.path = buf_str(&p);
	r.query = buf_str(&q);
	sigv4_sign(&k, &r, got);
	assert_string_equal(got, want);
	buf_release(&p);
	buf_release(&q);
}

static void general_suite_matches(void **state)
{
	struct sigv4_pair q[] = {
		{"Param-3", "Value3"}, {"Param", "Value2"}, {"\xe1\x88\xb4", "Value1"}};
	struct sigv4_pair h[] = {{"My-Header2", "\"a   b   c\""},
				 {"My-Header1", " value1 "}};
	struct sigv4_pair token[] = {
		{"X-Amz-Security-Token",
		 "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"}};

	(void)state;
	check_b("/", NULL, 0, NULL, 0,
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
	check_b("/", q, 3, NULL, 0,
		"371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac");
	check_b("/", NULL, 0, h, 2,
		"acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
	check_b("/\xe1\x88\xb4", NULL, 0, NULL, 0,
		"8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85");
	check_b("/example space/", NULL, 0, NULL, 0,
		"652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741");
	check_b("//example//", NULL, 0, NULL, 0,
		"87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5");
	check_b("/", NULL, 0, token, 1,
		"07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8");
}

static void key_derivation_matches(void **state)
{
	char hex[SIGV4_HEX_N];
	uint8_t d[32];

	(void)state;
	sigv4_derive("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830", "us-east-1",
		     "iam", d);
	assert_string_equal(
		hex_encode(d, 32, hex),
		"c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
	sigv4_derive(A_SECRET, "20130524", "us-east-1", "s3", d);
	assert_string_equal(
		hex_encode(d, 32, hex),
		"dbb893acc010964918f1fd433add87c70e8b0db6be30c1fbeafefa5ec6ba8378");
}

static void cached_key_follows_day_region_and_wipe(void **state)
{
	struct sigv4_key k = a_key();
	struct sigv4_pair h[] = {{"Host", A_HOST}};
	struct sigv4_request r = {.method = "GET",
				  .path = "/",
				  .query = "",
				  .headers = h,
				  .headers_nr = 1,
				  .payload_hash = SIGV4_EMPTY_HASH,
				  .date = A_DATE};
	char first[SIGV4_HEX_N], other[SIGV4_HEX_N], again[SIGV4_HEX_N];

	(void)state;
	sigv4_sign(&k, &r, first);
	k.region = "eu-west-1";
	sigv4_sign(&k, &r, other);
	assert_string_not_equal(first, other);
	k.region = "us-east-1";
	sigv4_sign(&k, &r, again);
	assert_string_equal(first, again);
	r.date = "20130525T000000Z";
	sigv4_sign(&k, &r, other);
	assert_string_not_equal(first, other);
	r.date = A_DATE;
	sigv4_key_wipe(&k);
	k.secret_key = "another";
	sigv4_sign(&k, &r, other);
	assert_string_not_equal(first, other);
}

static void query_is_sorted_by_name_then_value(void **state)
{
	struct sigv4_pair q[] = {
		{"a-b", "1"}, {"a", "z"}, {"a", "b"}, {"a+", "/ ~"}, {"A", ""}};
	struct buf b = {0};

	(void)state;
	sigv4_query(&b, q, 5);
	assert_string_equal(buf_str(&b), "A=&a=b&a=z&a%2B=%2F%20~&a-b=1");
	buf_release(&b);
}

static void same_header_twice_is_joined(void **state)
{
	struct sigv4_pair h[] = {
		{"x-b", "  1  2 "}, {"Host", "h"}, {"X-B", "3"}, {"x-b-c", "4"}};
	struct sigv4_request r = {.method = "GET",
				  .path = "/",
				  .query = "",
				  .headers = h,
				  .headers_nr = 4,
				  .payload_hash = "P",
				  .date = A_DATE};
	struct buf out = {0}, names = {0};

	(void)state;
	sigv4_canonical(&out, &names, &r);
	assert_string_equal(buf_str(&out), "GET\n/\n\nhost:h\nx-b:1 2,3\nx-b-c:4\n\n"
					   "host;x-b;x-b-c\nP");
	buf_release(&out);
	buf_release(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a1_get_with_a_range_has_the_published_signature),
		cmocka_unit_test(a2_put_with_a_body_has_the_published_signature),
		cmocka_unit_test(a3_query_without_value_has_the_published_signature),
		cmocka_unit_test(a4_listing_has_the_published_signature),
		cmocka_unit_test(a5_presigned_url_has_the_published_signature),
		cmocka_unit_test(general_suite_matches),
		cmocka_unit_test(key_derivation_matches),
		cmocka_unit_test(cached_key_follows_day_region_and_wipe),
		cmocka_unit_test(query_is_sorted_by_name_then_value),
		cmocka_unit_test(same_header_twice_is_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
