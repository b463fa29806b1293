#include "train/core/train.h"

#include "store/base/err.h"
#include "train/core/fp.h"

int train(struct model *out, struct train_result *res, const struct table *t,
	  const struct table *valid, const struct train_params *p,
	  const struct train_control *c, struct err *e)
{
	int r;

	if ((r = train_params_check(p, t, e)) < 0)
		return r;
	fp_enter();
	if ((r = fp_check(e)) < 0)
		return r;
	switch (p->type) {
	case MODEL_GBT:
		return train_gbt(out, res, t, valid, p, c, e);
	case MODEL_LINEAR:
		return train_linear(out, res, t, valid, p, c, e);
	}
	return err_set(e, ERR_INVALID, "model type %d is none of ours", (int)p->type);
}
