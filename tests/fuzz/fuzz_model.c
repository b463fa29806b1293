/* A model that is read is written, read again and written the same; and no bytes
 * make the reader, the writers or the predictor step outside. */
#include <stdint.h>
#include <stdlib.h>

#include "store/base/buf.h"
#include "train/core/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* One row in which everything is missing. */
static void predict(const struct model *m)
{
	struct column *cols = calloc(m->features_nr + 1, sizeof(*cols));
	double *out = calloc(m->outputs, sizeof(*out));
	double *all = calloc(m->outputs * (m->features_nr + 1), sizeof(*all));
	struct model_shap *shap;
	float missing = __builtin_nanf("");
	uint32_t unseen = TABLE_UNSEEN;
	struct table t = {.rows = 1, .cols = cols, .cols_nr = m->features_nr};

	for (size_t i = 0; i < m->features_nr; i++) {
		cols[i].num = &missing;
		cols[i].code = &unseen;
	}
	model_margins(m, &t, 0, 1, out);
	if (model_shap_new(&shap, m, NULL) == 0) {
		model_shap_row(shap, &t, 0, all);
		model_shap_free(shap);
	}
	free(all);
	free(out);
	free(cols);
}

/* What is read can be written in every form, or is refused. */
static void export(const struct model *m)
{
	struct buf out = {0};

	IGNORE_RESULT(model_lightgbm(&out, m, NULL) < 0); /* a refusal is an answer */
	IGNORE_RESULT(model_onnx(&out, m, NULL) < 0);
	IGNORE_RESULT(model_ubjson(&out, m, NULL) < 0);
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice text = {(const char *)data, n};
	struct buf out = {0}, again = {0};
	struct model m = {0}, back = {0};

	if (model_read(&m, text, "f", NULL) == 0) {
		predict(&m);
		export(&m);
		model_json(&out, &m);
		if (model_read(&back, buf_slice(&out), "out", NULL) < 0)
			abort();
		model_json(&again, &back);
		if (!slice_eq(buf_slice(&out), buf_slice(&again)))
			abort();
	}
	buf_release(&out);
	buf_release(&again);
	model_release(&m);
	model_release(&back);
	return 0;
}
