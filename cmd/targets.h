/* Options and operands that several commands share word for word. */
#ifndef CMD_TARGETS_H
#define CMD_TARGETS_H

#include "cmd/opt.h"

#define OPERAND_TARGETS(type, field)                                                     \
	OPERAND(OPERAND_ANY, "targets", type, field,                                     \
		".dvc files, dvc.yaml stages, outputs or paths inside them; all when "   \
		"none is given")
#define OPT_JOBS(type, field)                                                            \
	OPT_INT('j', "jobs", type, field, "N", "keep N transfers in flight")
#define OPT_REMOTE_NAME(type, field, text)                                               \
	{                                                                                \
		OPT_FIELD(OPT_KIND_STR, 'r', "remote", type, field),                     \
			.value_name = "NAME", .help = (text), .flags = OPT_REMOTE        \
	}
#define OPT_REVS(type, branches, tags, commits)                                          \
	OPT_BOOL('a', "all-branches", type, branches,                                    \
		 "take in the tips of all branches"),                                    \
		OPT_BOOL('T', "all-tags", type, tags, "take in all tags"),               \
		OPT_BOOL('A', "all-commits", type, commits, "take in every commit")
#define OPT_WITH_DEPS(type, field)                                                       \
	OPT_BOOL('d', "with-deps", type, field,                                          \
		 "take in the stages that targets depend on")
#define OPT_RECURSIVE(type, field)                                                       \
	OPT_BOOL('R', "recursive", type, field,                                          \
		 "a directory means every .dvc file and stage below it")

#endif
