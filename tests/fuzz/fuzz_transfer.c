/* The record of a large transfer: what is taken comes back as it was. */
#include "remote/resume.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/hash/hash.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf text = {0}, one = {0}, two = {0};
	struct resume r = {0}, again = {0};
	uint8_t sum[16];
	char hex[33];

	IGNORE_RESULT(resume_parse((struct slice){(const char *)data, n}, &r, NULL) < 0);
	resume_release(&r);
	/* With the sum put right the grammar is reached. */
	buf_add(&text, data, n);
	hash_md5(buf_str(&text), text.n, sum);
	buf_addf(&text, "sum %s\n", hex_encode(sum, 16, hex));
	if (resume_parse(buf_slice(&text), &r, NULL) == 0) {
		if (!resume_format(&r, &one) ||
		    resume_parse(buf_slice(&one), &again, NULL) < 0 ||
		    !resume_format(&again, &two) || one.n != two.n ||
		    memcmp(one.p, two.p, one.n) != 0)
			abort();
		for (size_t i = 0; i < r.ranges.nr; i++)
			if (r.ranges.v[i].got > resume_piece(&r, r.ranges.v[i].last))
				abort();
	}
	resume_release(&r);
	resume_release(&again);
	buf_release(&text);
	buf_release(&one);
	buf_release(&two);
	return 0;
}
