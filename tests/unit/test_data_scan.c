#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "train/data/scan.h"

#include <stdlib.h>
#include <string.h>

/* Every length and alignment over a few blocks, in a buffer that ends where it ends. */
static void variants_find_the_same_places(void **state)
{
	uint64_t s = 88172645463325252u;
	uint32_t want[400 + SCAN_SLACK], got[400 + SCAN_SLACK];
	unsigned variants = 0;

	(void)state;
	for (size_t n = 0; n < 400; n++) {
		char *p = malloc(n ? n : 1);
		const char abc[3] = {',', '\n', n % 3 ? '"' : '\n'};
		size_t nr, lines;

		for (size_t i = 0; i < n; i++) {
			s = s * 6364136223846793005u + 1442695040888963407u;
			p[i] = n % 5 == 0 ? ',' : ",\n\"x1\xac\x8a\xff"[s >> 61];
		}
		assert_true(scan_use(SCAN_SCALAR));
		nr = scan_bytes(p, n, abc, want);
		lines = scan_count(p, n, '\n');
		for (enum scan_variant v = SCAN_SSE2; v < SCAN_VARIANTS_NR; v++) {
			if (!scan_use(v))
				continue;
			variants |= 1u << v;
			assert_int_equal(scan_bytes(p, n, abc, got), nr);
			assert_int_equal(memcmp(got, want, nr * sizeof(got[0])), 0);
			assert_int_equal(scan_count(p, n, '\n'), lines);
		}
		free(p);
	}
	print_message("variants: %x\n", variants);
	assert_true(scan_use(SCAN_AUTO));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variants_find_the_same_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
