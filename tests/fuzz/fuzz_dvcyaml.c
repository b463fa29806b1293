/*
 * A dvc.yaml, its dvc.lock and params.yaml, divided by lines of "%%": loaded, and
 * each stage's lock entry written.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/alloc.h"
#include "store/base/compiler.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/vec.h"
#include "store/meta/pipeline.h"
#include "store/meta/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *files[7] = {"dvc.yaml", "", "dvc.lock", "", "params.yaml", "", NULL};
	char *text = xmemdup0(data, n), *p = text;
	struct pipeline_extra extra = {0};
	struct strvec paths = {0};
	struct stages s = {0};
	struct buf b = {0};
	struct tree *t;
	struct err e = {0};

	for (int i = 1; i < 6 && p; i += 2) {
		char *next = strstr(p, "\n%%\n");

		files[i] = p;
		if (next) {
			next[1] = '\0';
			next += 4;
		}
		p = next;
	}
	if (!files[3][0])
		files[2] = NULL; /* no lock at all */
	extra.plots = extra.metrics = extra.params = extra.warnings = &paths;
	if (tree_open_memory(&t, files, &e) < 0)
		abort();
	if (pipeline_load(&s, t, "dvc.yaml", 0, &extra, &e) == 0) {
		stages_index(&s);
		IGNORE_RESULT(stages_check(&s, &e) < 0); /* tells of conflicts */
		for (size_t i = 0; i < s.nr && i < 20; i++) {
			buf_reset(&b);
			IGNORE_RESULT(lockfile_edit(s.v[i], slice_of(files[3]), &b, NULL,
						    &e) < 0);
			buf_reset(&b);
			IGNORE_RESULT(dvcyaml_edit(s.v[i], slice_of(files[1]), &b, &e) <
				      0);
		}
	}
	tree_free(t);
	stages_release(&s);
	strvec_release(&paths);
	buf_release(&b);
	free(text);
	return 0;
}
