/*
 * A round as the trainers hand it to on_round: the public part first, and behind
 * it how to save what the training would need to go on from here.
 */
#ifndef TRAIN_CORE_ROUND_H
#define TRAIN_CORE_ROUND_H

#include "train/core/train.h"

struct round_state {
	struct train_round pub; /* first: train_checkpoint casts */
	void (*save)(struct buf *out, const void *state);
	const void *state;
};

#endif
