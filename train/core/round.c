#include "train/core/round.h"

void train_checkpoint(struct buf *out, const struct train_round *r)
{
	const struct round_state *s = (const struct round_state *)(const void *)r;

	s->save(out, s->state);
}
