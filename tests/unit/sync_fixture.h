/* A repository whose default remote is a fakes3 of its own. */
#ifndef TESTS_UNIT_SYNC_FIXTURE_H
#define TESTS_UNIT_SYNC_FIXTURE_H

#include "tests/unit/repo_fixture.h"

#include "remote/sync/sync.h"
#include "store/hash/hash.h"
#include "tests/lib/fakes3_fix.h"

struct world {
	struct fixture *f;
	struct fix x;
	struct err e;
	struct sync_result res; /* of the last verb */
};

UNUSED static void world_config(struct world *w, const char *more)
{
	struct buf b = {0};

	buf_addf(&b,
		 "[core]\n    no_scm = True\n    remote = up\n"
		 "['remote \"up\"']\n    url = s3://" FAKES3_BUCKET "/pre/fix\n"
		 "    endpointurl = %s\n    access_key_id = " FAKES3_ACCESS "\n"
		 "    secret_access_key = " FAKES3_SECRET "\n%s",
		 w->x.endpoint, more ? more : "");
	config(w->f, buf_str(&b));
	buf_release(&b);
}

UNUSED static int world_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	void *f;

	fix_start(&w->x);
	assert_int_equal(setup_repo(&f, true), 0);
	w->f = f;
	world_config(w, NULL);
	*state = w;
	return 0;
}

UNUSED static int world_down(void **state)
{
	struct world *w = *state;
	void *f = w->f;

	sync_result_release(&w->res);
	teardown(&f);
	fix_stop(&w->x);
	free(w);
	return 0;
}

typedef int (*sync_verb)(struct repo *repo, const struct sync_options *o,
			 struct sync_result *res, struct err *e);

UNUSED static int do_sync(struct world *w, sync_verb verb, struct sync_options o)
{
	if (o.max_size == 0)
		o.max_size = -1;
	sync_result_release(&w->res);
	w->e = (struct err){0};
	return verb(w->f->repo, &o, &w->res, &w->e);
}

UNUSED static void must_sync(struct world *w, sync_verb verb, struct sync_options o)
{
	if (do_sync(w, verb, o) < 0)
		fail_msg("%s", story(&w->e));
}

/* The state that the last verb's report gives a path; "" if it has none. */
UNUSED static const char *told(const struct world *w, const char *path)
{
	for (size_t i = w->res.report.items.nr; i-- > 0;)
		if (strcmp(w->res.report.items.v[i].path, path) == 0)
			return w->res.report.items.v[i].state;
	return "";
}

UNUSED static size_t told_nr(const struct world *w, const char *state)
{
	size_t nr = 0;

	for (size_t i = 0; i < w->res.report.items.nr; i++)
		nr += strcmp(w->res.report.items.v[i].state, state) == 0;
	return nr;
}

/* The key, within the bucket, of an object with these bytes; a static buffer. */
UNUSED static const char *key_of_text(const char *text)
{
	static char key[96];
	uint8_t md5[16];
	char hex[33];

	hash_md5(text, strlen(text), md5);
	hex_encode(md5, 16, hex);
	snprintf(key, sizeof(key), "pre/fix/files/md5/%.2s/%s", hex, hex + 2);
	return key;
}

UNUSED static const char *key_of_oid(const char *hex)
{
	static char key[96];

	snprintf(key, sizeof(key), "pre/fix/files/md5/%.2s/%s", hex, hex + 2);
	return key;
}

/* The digest in a .dvc file, with ".dir" where it is one; a static buffer. */
UNUSED static const char *recorded(const struct fixture *f, const char *dvc)
{
	static char hex[40];
	const char *p = strstr(text_of(f, dvc), "md5: ");

	assert_non_null(p);
	snprintf(hex, sizeof(hex), "%.*s", (int)strcspn(p + 5, "\n"), p + 5);
	return hex;
}

/* As another machine has it: nothing in the cache, nothing on record. */
UNUSED static void forget(struct world *w)
{
	sh(w->f, "chmod -R u+w .dvc/cache .dvc/tmp; rm -rf .dvc/cache .dvc/tmp/lode");
	reopen(w->f);
}

#endif
