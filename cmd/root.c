#include "cmd/cmd.h"
#include "cmd/json.h"
#include "store/base/err.h"
#include "store/base/path.h"
#include "store/repo/repo.h"

#include <stdlib.h>

static int root_run(struct ctx *ctx, void *arg, struct err *e)
{
	char *here = path_absolute(repo_root(ctx->repo), repo_cwd(ctx->repo));
	char *root = path_relative(here, repo_root(ctx->repo));

	(void)arg;
	(void)e;
	if (ctx->global.json) {
		struct json doc;
		struct jsonw *j = json_start(ctx, &doc);

		json_open_common(ctx, j, NULL, NULL);
		json_key_str(j, "root", root);
		json_key_str(j, "absolute", repo_root(ctx->repo));
		jsonw_end(j);
		json_write(ctx, &doc);
	} else {
		print_name(&ctx->print, root);
		print_text(&ctx->print, "\n");
	}
	free(root);
	free(here);
	return 0;
}

const struct cmd cmd_root = {
	.name = "root",
	.brief = "Print the way to the root of the repository",
	.needs = NEED_REPO | NEED_LENIENT,
	.run = root_run,
};
