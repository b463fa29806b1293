/* A .dvc file of anybody's making; what loads must write and load again. */
#include <stdint.h>
#include <stdlib.h>

#include "store/base/buf.h"
#include "store/base/compiler.h"
#include "store/base/err.h"
#include "store/meta/dvcfile.h"
#include "store/meta/pipeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice text = {(const char *)data, n};
	struct stages s = {0}, again = {0};
	struct lock_digests digests = {0};
	struct buf made = {0}, edited = {0};
	struct stage *st;
	struct err e = {0};
	char md5[33];

	if (dvcfile_parse(&s, "sub/f.dvc", text, &st, &e) == 0) {
		stages_index(&s);
		/* Both only tell of conflicts. */
		IGNORE_RESULT(stages_check(&s, &e) < 0);
		if (dvcfile_format(st, &made, &e) < 0 ||
		    dvcfile_stage_md5(st, md5, &e) < 0 ||
		    dvcfile_parse(&again, "sub/f.dvc", buf_slice(&made), NULL, &e) < 0)
			abort();
		IGNORE_RESULT(dvcfile_edit(st, text, &edited, &e) < 0);
		(void)stages_clone(&again, st); /* for its own sake */
	}
	IGNORE_RESULT(lock_digests_parse(&digests, "dvc.lock", text, &e) < 0);
	lock_digests_release(&digests);
	stages_release(&s);
	stages_release(&again);
	buf_release(&made);
	buf_release(&edited);
	return 0;
}
