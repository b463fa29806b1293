#include "remote/sync/exists.h"
#include "remote/sync/side.h"
#include "remote/sync/sync.h"
#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/repo/repo.h"

#include <stdlib.h>

static int ask(struct side *s, const struct oid *v, size_t nr, bool *missing,
	       struct err *e)
{
	struct exists_item *items;
	int64_t now_ns = clock_wall_ns();
	void *memory;
	int r;

	if ((r = try_alloc(&memory, nr, sizeof(*items), "objects", e)) < 0)
		return r;
	items = memory;
	for (size_t i = 0; i < nr; i++)
		items[i].oid = v[i];
	if ((r = side_remote(s, e)) == 0)
		r = exists_query(s->r, items, nr, s->o->sink, e);
	for (size_t i = 0; r == 0 && i < nr; i++) {
		if (items[i].state == EXISTS_UNKNOWN)
			r = err_set(e, items[i].code, "the remote '%s' did not answer",
				    s->section.name);
		missing[i] = items[i].state != EXISTS_YES;
		/* A manifest that is there proves nothing about its members. */
		if (!missing[i] && s->journal_on && !v[i].is_dir)
			journal_confirm(&s->journal, &v[i], now_ns);
	}
	free(items);
	return r;
}

int sync_lacks(struct repo *repo, const char *remote, const struct oid *v, size_t nr,
	       bool refresh, struct sink *sink, bool *missing, struct err *e)
{
	struct sync_options o = {.remote = remote, .sink = sink, .max_size = -1};
	struct sync_result res = {0};
	struct side s = {0};
	struct config *config;
	int r;

	if ((r = repo_config(repo, &config, e)) < 0)
		return r;
	if (!remote)
		remote = config_str(config, "core", "remote", NULL);
	for (size_t i = 0; i < nr; i++)
		missing[i] = true;
	if (nr == 0 || !remote)
		return 0;
	if ((r = side_open(&s, repo, remote, &o, &res, e)) < 0)
		goto out;
	if (refresh || !s.journal_on)
		r = ask(&s, v, nr, missing, e);
	else
		for (size_t i = 0; i < nr; i++)
			missing[i] = journal_confirmed(&s.journal, &v[i]) == 0;
out:
	side_close(&s);
	sync_result_release(&res);
	return r;
}
