#include "store/hash/crc64.h"

#include "store/base/alloc.h"
#include "store/hash/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Bit by bit, as the definition has it. */
static uint64_t slow(const uint8_t *p, size_t n)
{
	uint64_t v = UINT64_MAX;

	for (size_t i = 0; i < n; i++) {
		v ^= p[i];
		for (int k = 0; k < 8; k++)
			v = v & 1 ? v >> 1 ^ UINT64_C(0x9a6c9329ac4bc9b5) : v >> 1;
	}
	return ~v;
}

static void the_published_value_comes_out(void **state)
{
	(void)state;
	assert_true(hash_crc64nvme(0, "123456789", 9) == UINT64_C(0xae8b14860a799888));
	assert_true(hash_crc64nvme(0, "", 0) == 0);
}

static void every_length_and_place_is_right(void **state)
{
	enum {
		N = 700
	};
	uint8_t *p = xmalloc(N);
	uint64_t seed = 1;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1;
		p[i] = (uint8_t)(seed >> 56);
	}
	for (size_t n = 0; n < N; n++) {
		size_t at = n % 17 < N - n ? n % 17 : 0, cut = n / 3;
		uint64_t want = slow(p + at, n);

		assert_true(hash_crc64nvme(0, p + at, n) == want);
		assert_true(hash_crc64nvme(hash_crc64nvme(0, p + at, cut), p + at + cut,
					   n - cut) == want);
		assert_true(~crc64_table(UINT64_MAX, p + at, n) == want);
	}
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_value_comes_out),
		cmocka_unit_test(every_length_and_place_is_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
