#include "remote/sync/side.h"
#include "remote/sync/sync.h"
#include "store/base/err.h"
#include "store/repo/checkout.h"
#include "store/repo/repo.h"

#include <string.h>

/*
 * A failed or incomplete fetch does not keep what did arrive from the workspace:
 * the checkout places what it can, and the first failure is the result.
 */
static bool goes_on(int code)
{
	return code == 0 || code == ERR_MISSING || code == ERR_PARTIAL;
}

int sync_pull(struct repo *repo, const struct sync_options *o, struct sync_result *res,
	      struct err *e)
{
	struct checkout_options co = {
		.targets = o->targets ? (const char *const *)o->targets->v : NULL,
		.targets_nr = o->targets ? o->targets->nr : 0,
		.force = o->force,
		.recursive = o->recursive,
		.with_deps = o->with_deps,
		.allow_missing = o->allow_missing,
		.dry_run = o->dry_run,
	};
	struct err why = {0};
	int fetched, placed;

	fetched = sync_fetch(repo, o, res, e);
	if (!goes_on(fetched) || o->dry_run)
		return fetched;
	placed = repo_checkout(repo, &co, &res->checkout, &why);
	/* An object that the workspace has, though no store does, is no failure of a
	 * pull: what counts is what the checkout could not place. */
	if (fetched == ERR_MISSING && (placed == 0 || o->allow_missing))
		fetched = 0;
	if (fetched < 0)
		return fetched;
	if (placed < 0 && e)
		*e = why;
	return placed;
}

void sync_result_release(struct sync_result *res)
{
	if (!res)
		return;
	report_release(&res->report);
	checkout_result_release(&res->checkout);
	memset(res, 0, sizeof(*res));
}
