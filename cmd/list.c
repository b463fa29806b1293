#include "cmd/cmd.h"

#include <stddef.h>

extern const struct cmd cmd_add, cmd_cache, cmd_check_ignore, cmd_checkout, cmd_commit,
	cmd_completion, cmd_config, cmd_data, cmd_destroy, cmd_diff, cmd_eval, cmd_fetch,
	cmd_fsck, cmd_gc, cmd_help, cmd_init, cmd_model, cmd_move, cmd_predict, cmd_pull,
	cmd_push, cmd_remote, cmd_remove, cmd_root, cmd_status, cmd_train, cmd_unprotect,
	cmd_version;

const struct cmd *const cmd_list[] = {
	&cmd_add,	 &cmd_cache,	 &cmd_check_ignore, &cmd_checkout, &cmd_commit,
	&cmd_completion, &cmd_config,	 &cmd_data,	    &cmd_destroy,  &cmd_diff,
	&cmd_eval,	 &cmd_fetch,	 &cmd_fsck,	    &cmd_gc,	   &cmd_help,
	&cmd_init,	 &cmd_model,	 &cmd_move,	    &cmd_predict,  &cmd_pull,
	&cmd_push,	 &cmd_remote,	 &cmd_remove,	    &cmd_root,	   &cmd_status,
	&cmd_train,	 &cmd_unprotect, &cmd_version,	    NULL,
};
