#include "store/base/buf.h"
#include "store/hash/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void is_hex(const uint8_t *p, size_t n, const char *want)
{
	char text[2 * HASH_SHA256_N + 1];

	assert_string_equal(hex_encode(p, n, text), want);
}

static void md5_and_sha256_match_the_standards(void **state)
{
	uint8_t out[HASH_SHA256_N];

	(void)state;
	hash_md5("", 0, out);
	is_hex(out, 16, "d41d8cd98f00b204e9800998ecf8427e");
	hash_md5("message digest", 14, out);
	is_hex(out, 16, "f96b697d7cb7938d525a2f31aaf161d0");
	hash_sha256("abc", 3, out);
	is_hex(out, 32,
	       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* RFC 4231, cases 1, 2 and 6 (a key longer than a block). */
static void hmac_matches_the_rfc(void **state)
{
	uint8_t key[131], out[HASH_SHA256_N];

	(void)state;
	memset(key, 0x0b, 20);
	hash_hmac_sha256(key, 20, "Hi There", 8, out);
	is_hex(out, 32,
	       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	hash_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out);
	is_hex(out, 32,
	       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	hash_hmac_sha256(key, sizeof(key),
			 "Test Using Larger Than Block-Size Key - Hash Key First", 54,
			 out);
	is_hex(out, 32,
	       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void a_context_is_reused_for_another_algorithm(void **state)
{
	struct hash h = {0};
	uint8_t out[HASH_SHA256_N];

	(void)state;
	hash_begin_sha256(&h);
	hash_update(&h, "left unfinished", 15);
	hash_begin_md5(&h);
	hash_update(&h, "message ", 8);
	hash_update(&h, NULL, 0);
	hash_update(&h, "digest", 6);
	hash_end(&h, out);
	is_hex(out, 16, "f96b697d7cb7938d525a2f31aaf161d0");
	hash_release(&h);
	hash_release(&h);
	hash_release(NULL);
}

static void check_dos2unix(const void *p, size_t n, const char *want, const char *plain)
{
	const uint8_t *from = p;
	struct hash_dos2unix h = {0};
	uint8_t out[16];

	hash_dos2unix(p, n, out);
	is_hex(out, 16, want);
	hash_md5(p, n, out);
	is_hex(out, 16, plain);
	/* The same by any cut of the input. */
	for (size_t step = 1; step < 3 << 20; step = step * 3 + 1) {
		if (n / step > 100000)
			continue;
		hash_dos2unix_begin(&h);
		for (size_t at = 0; at < n; at += step)
			hash_dos2unix_update(&h, from + at, MIN_OF(step, n - at));
		hash_dos2unix_end(&h, out);
		is_hex(out, 16, want);
	}
	hash_dos2unix_release(&h);
	hash_dos2unix_release(&h);
}

static void dos2unix_is_what_dvc_2_computes(void **state)
{
	size_t mib = (size_t)1 << 20;
	char *big = malloc(mib + 2), late[700];

	(void)state;
	check_dos2unix("a\r\nb\r\n", 6, "dd8c6a395b5dd36c56d23275028f526c",
		       "59b0d7772f0561efb95518f3cb8abc60");
	check_dos2unix("a\r\n\0", 4, "45f547e477b625af2c2aa642fde04366",
		       "45f547e477b625af2c2aa642fde04366");
	memset(big, 'a', mib - 1);
	memcpy(big + mib - 1, "\r\nb", 3);
	check_dos2unix(big, mib + 2, "8c5619e93d78797e95a4233d0df49978",
		       "8c5619e93d78797e95a4233d0df49978");
	for (size_t i = 0; i < 600; i += 3)
		memcpy(late + i, "a\r\n", 3);
	memset(late + 600, 0, 100);
	check_dos2unix(late, 700, "7ffa76fef17da74101e1cb4a25c9d716",
		       "defd025d2b9cbe56b3b16884151be6c0");
	check_dos2unix("", 0, "d41d8cd98f00b204e9800998ecf8427e",
		       "d41d8cd98f00b204e9800998ecf8427e");
	free(big);
}

static void unix_md5(const char *text, size_t n, uint8_t out[16])
{
	struct buf b = {0};

	for (size_t i = 0; i < n; i++)
		if (!(text[i] == '\r' && i + 1 < n && text[i + 1] == '\n'))
			buf_addc(&b, text[i]);
	hash_md5(buf_str(&b), b.n, out);
	buf_release(&b);
}

static void thirty_per_cent_of_odd_bytes_is_still_text(void **state)
{
	char text[102];
	uint8_t want[16], got[16], plain[16];

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text + 98, "\r\n", 2);
	memset(text, 0x80, 30);
	unix_md5(text, 100, want);
	hash_dos2unix(text, 100, got);
	assert_memory_equal(got, want, 16);
	text[30] = (char)0xff;
	hash_md5(text, 100, plain);
	hash_dos2unix(text, 100, got);
	assert_memory_equal(got, plain, 16);
	/* Lone CR, CR CR LF, CR at the very end. */
	unix_md5("a\rb\r\r\nc\r", 8, want);
	hash_dos2unix("a\rb\r\r\nc\r", 8, got);
	assert_memory_equal(got, want, 16);
}

static void hex_takes_exactly_its_digits(void **state)
{
	uint8_t out[2] = {7, 7};

	(void)state;
	assert_false(hex_decode(SLICE_LIT("abc"), out, 2));
	assert_false(hex_decode(SLICE_LIT("abcde"), out, 2));
	assert_false(hex_decode(SLICE_LIT("abcg"), out, 2));
	assert_int_equal(out[0], 7);
	assert_true(hex_decode(SLICE_LIT("aBc0"), out, 2));
	assert_int_equal(out[0], 0xab);
	assert_int_equal(out[1], 0xc0);
}

static void base64_goes_there_and_back(void **state)
{
	static const char *const pairs[][2] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"\xfb\xff", "+/8="},
	};
	static const char *const bad[] = {
		"Z",	"Zg=",	    "Zg",   "Zh==",   "Zm9=", "====",
		"Z===", "Zg==Zg==", "Zm 9", "Zm9v\n", "Zm-v"};
	struct buf b = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		buf_reset(&b);
		base64_encode(&b, pairs[i][0], strlen(pairs[i][0]));
		assert_string_equal(buf_str(&b), pairs[i][1]);
		buf_reset(&b);
		assert_true(base64_decode(slice_of(pairs[i][1]), &b));
		assert_string_equal(buf_str(&b), pairs[i][0]);
	}
	buf_reset(&b);
	buf_adds(&b, "keep");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_false(base64_decode(slice_of(bad[i]), &b));
		assert_string_equal(buf_str(&b), "keep");
	}
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(md5_and_sha256_match_the_standards),
		cmocka_unit_test(hmac_matches_the_rfc),
		cmocka_unit_test(a_context_is_reused_for_another_algorithm),
		cmocka_unit_test(dos2unix_is_what_dvc_2_computes),
		cmocka_unit_test(thirty_per_cent_of_odd_bytes_is_still_text),
		cmocka_unit_test(hex_takes_exactly_its_digits),
		cmocka_unit_test(base64_goes_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
