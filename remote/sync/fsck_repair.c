#include "remote/sync/fsck_int.h"

#include "remote/sync/quarantine.h"
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/hash/hash.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"

#include <stdlib.h>
#include <string.h>

/*
 * The order keeps every promise at every moment, since a run may be killed at any:
 *
 *	1. what is wrong in the cache comes from the remote, which is read anyway
 *	2. wrong bytes of the remote are copied into quarantine
 *	3. right bytes are uploaded over them, and into gaps; members, then manifests
 *	4. where there are no right bytes: manifests that list the object are copied
 *	   into quarantine, then removed; then the object leaves its name
 *	5. manifests in quarantine whose members are all there come back
 */

static void did(struct check *c, const char *name, const struct oid *oid,
		const char *state, int64_t bytes)
{
	side_note(&c->s, name, oid, state, bytes);
}

/* ---- 1: the cache --------------------------------------------------------- */

static int fetch_bad(struct check *c, struct err *e)
{
	struct transfer_item **v = xcalloc(c->fetch.nr, sizeof(struct transfer_item *));
	size_t nr = 0;
	int r = 0;

	for (size_t i = 0; i < c->fetch.nr; i++)
		if (check_holds(c, &c->fetch.v[i].oid))
			v[nr++] = &c->fetch.v[i];
	if (nr > 0)
		r = transfer_download(c->s.r, c->s.odb, v, nr, c->o->sink, e);
	for (size_t i = 0; i < c->fetch.nr; i++) {
		const struct transfer_item *item = &c->fetch.v[i];
		const char *name = c->fetch_names.v[i];

		if (item->state == TRANSFER_DONE) {
			did(c, name, &item->oid, "fetched", (int64_t)item->bytes);
			check_closed(c, &item->oid, true);
		} else if (item->state == TRANSFER_FAILED) {
			side_fail(&c->s, name, &item->oid, "failed", item->code,
				  item->error);
		} else {
			side_fail(&c->s, name, &item->oid, "failed", ERR_MISSING,
				  "the remote has no good copy of it");
		}
	}
	free(v);
	return r;
}

/* ---- 2: wrong bytes are kept ---------------------------------------------- */

/* Copy those of flag CHECK_BAD; sets CHECK_KEPT, or CHECK_GONE. */
static int keep_wrong(struct check *c, struct err *e)
{
	struct quarantined *v = xcalloc(c->l.v.nr, sizeof(*v));
	size_t *at = xcalloc(c->l.v.nr, sizeof(*at)), nr = 0;
	int r = 0;

	for (size_t i = 0; i < c->l.v.nr; i++)
		if (c->flags[i] & CHECK_BAD) {
			v[nr].oid = c->l.v.v[i].oid;
			v[nr].by_digest = true;
			at[nr++] = i;
		}
	if (nr > 0)
		r = quarantine_copy(&c->s, v, nr, e);
	for (size_t i = 0; i < nr; i++) {
		if (v[i].kept)
			c->flags[at[i]] |= CHECK_KEPT;
		else if (v[i].gone)
			c->flags[at[i]] |= CHECK_GONE;
		else if (v[i].err)
			side_fail_err(&c->s, QUARANTINE, &v[i].oid, v[i].err);
		if (v[i].kept)
			did(c, v[i].to, &v[i].oid, "kept", -1);
	}
	quarantine_release(v, nr);
	free(at);
	free(v);
	return r;
}

/* ---- 3: right bytes go up ------------------------------------------------- */

/* Nothing is written over bytes that were not kept. */
static bool may_upload(const struct check *c, const struct oid *oid)
{
	size_t at = check_at(c, oid);

	return at == MAP_NONE || !(c->flags[at] & CHECK_BAD) ||
	       (c->flags[at] & (CHECK_KEPT | CHECK_GONE));
}

/* Does the remote hold every member of this manifest? */
static bool is_whole(struct check *c, const struct oid *oid)
{
	struct manifest m = {0};
	struct buf bytes = {0};
	bool whole = side_manifest(&c->s, oid, &m, &bytes, NULL) == 0;

	for (size_t k = 0; whole && k < m.nr; k++)
		whole = check_holds(c, &m.v[k].oid);
	manifest_release(&m);
	buf_release(&bytes);
	return whole;
}

static int upload_half(struct check *c, bool dirs, struct err *e)
{
	struct transfer_item **v = xcalloc(c->upload.nr, sizeof(struct transfer_item *));
	size_t nr = 0;
	int r = 0;

	for (size_t i = 0; i < c->upload.nr; i++) {
		struct transfer_item *item = &c->upload.v[i];

		if (item->oid.is_dir != dirs || !may_upload(c, &item->oid))
			continue;
		if (dirs && !is_whole(c, &item->oid)) {
			side_fail(&c->s, c->upload_names.v[i], &item->oid, "withheld",
				  ERR_MISSING, "the remote lacks some of its members");
			item->state = TRANSFER_FAILED;
			continue;
		}
		v[nr++] = item;
	}
	if (nr > 0)
		r = transfer_upload(c->s.r, c->s.odb, v, nr, c->o->sink, e);
	free(v);
	return r;
}

static void tell_upload(struct check *c, size_t i)
{
	const struct transfer_item *item = &c->upload.v[i];
	const char *name = c->upload_names.v[i];

	if (item->state == TRANSFER_DONE) {
		did(c, name, &item->oid, "restored", (int64_t)item->bytes);
		check_closed(c, &item->oid, false);
	} else if (item->state == TRANSFER_MISSING) {
		side_fail(&c->s, name, &item->oid, "failed", ERR_MISSING,
			  "the cache has no good copy of it");
	} else if (item->state == TRANSFER_FAILED && item->error) {
		/* A wrong copy here is as good as none. */
		side_fail(&c->s, name, &item->oid, "failed", item->code, item->error);
	}
}

static int upload_all(struct check *c, struct err *e)
{
	int r = upload_half(c, false, e);

	if (r == 0)
		r = upload_half(c, true, e);
	for (size_t i = 0; i < c->upload.nr; i++)
		tell_upload(c, i);
	for (size_t i = 0; i < c->incomplete.nr && r == 0; i++) {
		const struct oid *oid = &c->l.v.v[c->incomplete.v[i]].oid;
		char key[OID_PATH_MAX];

		if (is_whole(c, oid)) {
			did(c, oid_path(oid, key), oid, "completed", -1);
			check_closed(c, oid, false);
		}
	}
	return r;
}

/* ---- 4: what cannot be put right leaves its name --------------------------- */

struct expulsion {
	VEC_OF(size_t) members, manifests; /* indices of c->l */
	struct map wrong;		   /* oids of members */
	size_t stays;			   /* manifests that could not leave */
};

/* Does it list one of the objects? One of an import lists no object of ours. */
static void choose_manifest(struct check *c, size_t at, const struct manifest *m,
			    int code, const char *why, void *ctx)
{
	struct expulsion *x = ctx;
	bool does = false;

	(void)c, (void)why;
	/* It could be read before: nobody knows whether it lists one. */
	x->stays += code == ERR_CORRUPT;
	for (size_t k = 0; m && k < m->nr && !does; k++)
		does = map_has(&x->wrong, MAP_KEY(m->v[k].oid));
	if (does)
		vec_push(&x->manifests, at);
}

static int choose(struct check *c, struct expulsion *x, struct err *e)
{
	for (size_t i = 0; i < c->l.v.nr; i++) {
		const struct oid *oid = &c->l.v.v[i].oid;

		if (!(c->flags[i] & CHECK_BAD) || !(c->flags[i] & CHECK_KEPT) ||
		    check_holds(c, oid))
			continue;
		if (oid->is_dir) {
			vec_push(&x->manifests, i);
		} else {
			vec_push(&x->members, i);
			(void)map_set(&x->wrong, MAP_KEY(*oid), i);
		}
	}
	return x->members.nr > 0 ? check_each_manifest(c, choose_manifest, x, e) : 0;
}

/* Good manifests are copied first; one that was not stays, and holds the rest. */
static int keep_manifests(struct check *c, struct expulsion *x, struct err *e)
{
	struct quarantined *v = xcalloc(x->manifests.nr, sizeof(*v));
	size_t *at = xcalloc(x->manifests.nr, sizeof(*at)), nr = 0, kept = 0;
	int r = 0;

	for (size_t i = 0; i < x->manifests.nr; i++)
		if (!(c->flags[x->manifests.v[i]] & CHECK_KEPT)) {
			v[nr].oid = c->l.v.v[x->manifests.v[i]].oid;
			at[nr++] = x->manifests.v[i];
		}
	if (nr > 0)
		r = quarantine_copy(&c->s, v, nr, e);
	for (size_t i = 0; i < nr; i++) {
		if (v[i].kept || v[i].gone) {
			c->flags[at[i]] |= CHECK_KEPT;
			continue;
		}
		x->stays++;
		if (v[i].err)
			side_fail_err(&c->s, QUARANTINE, &v[i].oid, v[i].err);
	}
	for (size_t i = 0; i < x->manifests.nr; i++)
		if (c->flags[x->manifests.v[i]] & CHECK_KEPT)
			x->manifests.v[kept++] = x->manifests.v[i];
	x->manifests.nr = kept;
	quarantine_release(v, nr);
	free(at);
	free(v);
	return r;
}

/* Remove names; *stays counts those that are still there. */
static int leave(struct check *c, const size_t *at, size_t nr, size_t *stays,
		 struct err *e)
{
	char(*paths)[OID_PATH_MAX] = xcalloc(nr, sizeof(*paths));
	const char **keys = xcalloc(nr, sizeof(const char *));
	struct err *errs = xcalloc(nr, sizeof(*errs));
	int r = 0;

	for (size_t i = 0; i < nr; i++)
		keys[i] = oid_path(&c->l.v.v[at[i]].oid, paths[i]);
	if (nr > 0)
		r = quarantine_remove(&c->s, keys, nr, errs, e);
	for (size_t i = 0; i < nr && r == 0; i++) {
		const struct oid *oid = &c->l.v.v[at[i]].oid;

		if (errs[i].code == 0 || errs[i].code == ERR_NOTFOUND) {
			c->flags[at[i]] |= CHECK_GONE;
			did(c, keys[i], oid, "quarantined", -1);
		} else {
			(*stays)++;
			side_fail_err(&c->s, keys[i], oid, &errs[i]);
		}
	}
	free(errs);
	free(keys);
	free(paths);
	return r;
}

static int expel(struct check *c, struct err *e)
{
	struct expulsion x = {0};
	size_t unused = 0;
	int r = choose(c, &x, e);

	if (r == 0)
		r = keep_manifests(c, &x, e);
	if (r == 0)
		r = leave(c, x.manifests.v, x.manifests.nr, &x.stays, e);
	/* DVC takes a manifest for proof: while one stands, so do its members. */
	if (r == 0 && x.stays == 0)
		r = leave(c, x.members.v, x.members.nr, &unused, e);
	vec_release(&x.members);
	vec_release(&x.manifests);
	map_release(&x.wrong);
	return r;
}

/* ---- 5: manifests come back ----------------------------------------------- */

/* One manifest in quarantine, whose bytes must be its own. */
static int bring_back(struct check *c, const struct oid *oid, struct err *e)
{
	char from[QUARANTINE_KEY_MAX], key[OID_PATH_MAX];
	struct buf bytes = {0};
	struct manifest m = {0};
	struct remote_job get = {.op = REMOTE_GET_BYTES,
				 .key = quarantine_key(oid, from),
				 .out = &bytes,
				 .limit = (size_t)1 << 30};
	struct remote_job back = {.op = REMOTE_PUT_BYTES, .has_md5 = true};
	const char *keys[1] = {from};
	struct err errs[1] = {{0}};
	bool whole;
	int r = remote_do(c->s.r, &get, e);

	if (r < 0)
		goto out;
	hash_md5(bytes.p ? bytes.p : "", bytes.n, back.md5);
	whole = memcmp(back.md5, oid->b, sizeof(back.md5)) == 0 &&
		manifest_parse(buf_slice(&bytes), oid->algo, &m, NULL) == 0;
	for (size_t k = 0; whole && k < m.nr; k++)
		whole = check_holds(c, &m.v[k].oid);
	if (!whole)
		goto out;
	if (!check_holds(c, oid)) {
		back.key = oid_path(oid, key);
		back.data = bytes.p;
		back.bytes = bytes.n;
		if ((r = remote_do(c->s.r, &back, e)) < 0)
			goto out;
		did(c, key, oid, "reinstated", (int64_t)bytes.n);
		check_closed(c, oid, false);
	}
	r = quarantine_remove(&c->s, keys, 1, errs, e);
out:
	manifest_release(&m);
	buf_release(&bytes);
	return r;
}

static int reinstate(struct check *c, struct err *e)
{
	struct oid *v = NULL;
	uint64_t all;
	size_t nr = 0;
	int r = quarantine_manifests(&c->s, &v, &nr, &all, e);

	for (size_t i = 0; i < nr && r == 0; i++) {
		struct err why = {0};
		int one = bring_back(c, &v[i], &why);

		if (one == ERR_CANCELED || one == ERR_AUTH || one == ERR_CONFIG) {
			r = one;
			if (e)
				*e = why;
		} else if (one < 0 && one != ERR_NOTFOUND) {
			char key[QUARANTINE_KEY_MAX];

			side_fail_err(&c->s, quarantine_key(&v[i], key), &v[i], &why);
		}
	}
	free(v);
	return r;
}

int check_repair(struct check *c, struct err *e)
{
	int r;

	if ((r = fetch_bad(c, e)) < 0 || (r = keep_wrong(c, e)) < 0 ||
	    (r = upload_all(c, e)) < 0)
		return r;
	/* Where nothing can be removed, what is wrong stays, and was told. */
	if (!remote_traits(c->s.r)->can_list)
		return 0;
	if ((r = expel(c, e)) < 0)
		return r;
	return reinstate(c, e);
}
