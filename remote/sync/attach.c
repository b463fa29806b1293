#include "remote/sync/side.h"
#include "remote/sync/sync.h"
#include "remote/sync/transfer.h"
#include "remote/sync/versioned.h"
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/meta/config.h"
#include "store/odb/odb.h"
#include "store/repo/repo.h"

#include <stdlib.h>
#include <string.h>

struct sync_fetcher {
	struct repo_fetcher base; /* first: what the repository holds */
	struct repo *repo;
	struct sink *sink;
};

/* All wanted objects of one remote; those that are nowhere stay missing. */
static int fetch_from(struct sync_fetcher *f, const char *remote,
		      const struct repo_want *v, const bool *chosen, size_t nr,
		      struct err *e)
{
	struct transfer_item *items = xcalloc(nr, sizeof(*items));
	char **keys = xcalloc(nr, sizeof(char *));
	struct transfer_item **wanted = xcalloc(nr, sizeof(struct transfer_item *));
	struct sync_options o = {.sink = f->sink};
	struct sync_result res = {0};
	struct side s = {0};
	size_t n = 0;
	int r;

	r = side_open_any(&s, f->repo, remote, &o, &res, e);
	for (size_t i = 0; r == 0 && i < nr; i++) {
		struct transfer_item *item = &items[n];

		/* Nothing lies there by its digest; what has no version is absent. */
		if (!chosen[i] ||
		    (s.is_versioned &&
		     (!v[i].out || !versioned_locate(&s, v[i].out, &v[i].oid, &keys[n],
						     &item->version))))
			continue;
		item->oid = v[i].oid;
		item->key = keys[n];
		item->bytes = v[i].bytes > 0 ? (uint64_t)v[i].bytes : 0;
		wanted[n++] = item;
	}
	if (r == 0 && n > 0 && (r = side_remote(&s, e)) == 0)
		r = transfer_download(s.r, s.odb, wanted, n, f->sink, e);
	for (size_t i = 0; i < n; i++) {
		/* A failure is not an absence: say so. */
		if (r == 0 && items[i].state == TRANSFER_FAILED)
			r = err_set(e, items[i].code, "%s", items[i].error);
		free(items[i].error);
		free(keys[i]);
	}
	side_close(&s);
	sync_result_release(&res);
	free(keys);
	free(wanted);
	free(items);
	return r;
}

static const char *remote_of(const struct repo_want *w, const char *default_name)
{
	return w->remote ? w->remote : default_name;
}

static int fetch(struct repo_fetcher *base, struct repo *repo, const struct repo_want *v,
		 size_t nr, struct err *e)
{
	struct sync_fetcher *f = (struct sync_fetcher *)base;
	bool *done = xcalloc(nr, sizeof(*done)), *chosen = xcalloc(nr, sizeof(*chosen));
	struct config *config;
	const char *default_name;
	int r = repo_config(repo, &config, e);

	default_name = r == 0 ? config_str(config, "core", "remote", NULL) : NULL;
	for (size_t i = 0; i < nr && r == 0; i++) {
		const char *remote = remote_of(&v[i], default_name);

		if (done[i] || !remote)
			continue; /* without a remote nothing can come */
		for (size_t k = i; k < nr; k++) {
			const char *other = remote_of(&v[k], default_name);

			chosen[k] = !done[k] && other && strcmp(other, remote) == 0;
			done[k] = done[k] || chosen[k];
		}
		r = fetch_from(f, remote, v + i, chosen + i, nr - i, e);
	}
	free(chosen);
	free(done);
	return r;
}

struct sync_fetcher *sync_attach(struct repo *repo, struct sink *sink)
{
	struct sync_fetcher *f = xcalloc(1, sizeof(*f));

	f->base.fetch = fetch;
	f->repo = repo;
	f->sink = sink;
	repo_set_fetcher(repo, &f->base);
	return f;
}

void sync_detach(struct sync_fetcher *f)
{
	if (!f)
		return;
	repo_set_fetcher(f->repo, NULL);
	free(f);
}
