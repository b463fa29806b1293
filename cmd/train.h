/* What train and its sub-commands share. */
#ifndef CMD_TRAIN_H
#define CMD_TRAIN_H

#include "cmd/opt.h"
#include "store/base/compiler.h"
#include "train/core/objective.h"

#include <stdint.h>

struct err;

#define OPT_THREADS(type, field)                                                         \
	OPT_INT(0, "threads", type, field, "N",                                          \
		"use N threads; the result does not depend on it")
#define OPT_SIMD(type, field)                                                            \
	{                                                                                \
		OPT_FIELD(OPT_KIND_STR, 0, "simd", type, field),                         \
			.value_name = "LEVEL", .choices = train_simd_names,              \
			.help = "use these vector "                                      \
				"instructions; the "                                     \
				"result does not "                                       \
				"depend on it"                                           \
	}

extern const char *const train_simd_names[];

/* From words to the core's terms; ERR_INVALID: what this CPU has not. */
int train_simd(const char *name, enum simd *out, struct err *e) MUST_CHECK;
int train_threads(int64_t n, unsigned *out, struct err *e) MUST_CHECK;

#endif
