#include "train/run/live.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/base/tmpfile.h"
#include "store/base/vec.h"
#include "store/fmt/jsonw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EVERY_NS 1000000000LL

static const char *const sides[] = {"train", "validation"};

static double value_of(const struct live_round *r, size_t side)
{
	return side == 0 ? r->train : r->valid;
}

/* Only what we could have made goes: the directory is named by a person. */
static int clear_side(struct live *l, const char *side, struct err *e)
{
	char *dir = xasprintf("%s/plots/metrics/%s", l->dir, side);
	struct fs_dir *d = NULL;
	struct fs_dirent ent;
	int rc = fs_dir_open(&d, l->rootfd, dir, e);

	if (rc == ERR_NOTFOUND) {
		free(dir);
		return 0;
	}
	while (rc == 0 && (rc = fs_dir_next(d, &ent, e)) == 1) {
		rc = 0;
		/* A temporary that a killed run left would become part of the output. */
		if ((slice_ends(slice_of(ent.name), ".tsv") ||
		     tmpfile_is_name(ent.name)) &&
		    sys_unlinkat(fs_dir_fd(d), ent.name, 0) < 0)
			rc = err_sys(e, "unlink", ent.name);
	}
	fs_dir_close(d);
	free(dir);
	return rc;
}

void live_begin(struct live *l, int rootfd, const char *dir)
{
	*l = (struct live){.rootfd = rootfd, .dir = dir ? xstrdup(dir) : NULL};
}

void live_release(struct live *l)
{
	free(l->name);
	free(l->dir);
	vec_release(l);
	*l = (struct live){0};
}

static void set_metric(struct live *l, const char *metric)
{
	if (l->name)
		return;
	l->metric = metric;
	l->name = xstrdup(metric);
	for (char *p = l->name; *p; p++)
		if (*p == '/')
			*p = '_';
}

int live_add(struct live *l, const struct train_round *r, struct err *e)
{
	int64_t now_ns = clock_mono_ns();
	struct live_round made = {r->train, r->valid};

	if (r->metric)
		set_metric(l, r->metric);
	/* A training that began anew, whatever a checkpoint said of its rounds. */
	if (r->round > 0 && r->round - 1 < l->nr)
		l->nr = r->round - 1;
	vec_push(l, made);
	if (!l->dir || now_ns < l->next_ns)
		return 0;
	l->next_ns = now_ns + EVERY_NS;
	return live_flush(l, FS_SYNC_NONE, e);
}

bool live_has_rows(const struct live *l)
{
	for (size_t i = 0; l->name && i < l->nr; i++)
		if (!isnan(l->v[i].train) || !isnan(l->v[i].valid))
			return true;
	return false;
}

static int write_side(struct live *l, size_t side, enum fs_sync sync, struct err *e)
{
	char *dir = xasprintf("%s/plots/metrics/%s", l->dir, sides[side]);
	char *file = xasprintf("%s/%s.tsv", dir, l->name);
	struct buf b = {0};
	struct jsonw j;
	size_t rows = 0;
	int rc = 0;

	buf_addf(&b, "step\t%s\n", l->name);
	for (size_t i = 0; i < l->nr; i++) {
		double x = value_of(&l->v[i], side);

		if (isnan(x))
			continue;
		buf_addf(&b, "%zu\t", i + 1);
		jsonw_init(&j, &b, 0);
		jsonw_float(&j, x);
		buf_addc(&b, '\n');
		rows++;
	}
	if (rows > 0 && (rc = fs_mkdirs(l->rootfd, dir, 0, e)) == 0)
		rc = fs_write(l->rootfd, file, buf_slice(&b), 0666, sync, e);
	buf_release(&b);
	free(dir);
	free(file);
	return rc;
}

static int write_latest(struct live *l, enum fs_sync sync, struct err *e)
{
	char *file = xasprintf("%s/metrics.json", l->dir);
	const struct live_round *last = &l->v[l->nr - 1];
	struct buf b = {0};
	struct jsonw j;
	int rc;

	jsonw_init(&j, &b, 4);
	jsonw_object(&j);
	for (size_t i = 0; i < 2; i++) {
		if (isnan(value_of(last, i)))
			continue;
		jsonw_key(&j, sides[i]);
		jsonw_object(&j);
		jsonw_key(&j, l->name);
		jsonw_float(&j, value_of(last, i));
		jsonw_end(&j);
	}
	jsonw_key(&j, "step");
	jsonw_uint(&j, l->nr);
	jsonw_end(&j);
	buf_addc(&b, '\n');
	rc = fs_write(l->rootfd, file, buf_slice(&b), 0666, sync, e);
	buf_release(&b);
	free(file);
	return rc;
}

int live_flush(struct live *l, enum fs_sync sync, struct err *e)
{
	int rc = 0;

	if (!l->dir || !live_has_rows(l))
		return 0;
	/* Not before there is something new: a run that fails early changes nothing. */
	for (size_t i = 0; i < 2 && rc == 0 && !l->is_clear; i++)
		rc = clear_side(l, sides[i], e);
	l->is_clear = rc == 0;
	for (size_t i = 0; i < 2 && rc == 0; i++)
		rc = write_side(l, i, sync, e);
	return rc == 0 ? write_latest(l, sync, e) : rc;
}

/* ---- checkpoints --------------------------------------------------------- */

/* Values travel as their bits, in little-endian order. */
static void put_u64(struct buf *b, uint64_t v)
{
	uint8_t p[8];

	for (size_t i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
	buf_add(b, p, 8);
}

static bool get_u64(struct slice *s, uint64_t *out)
{
	uint64_t v = 0;

	if (s->n < 8)
		return false;
	for (size_t i = 0; i < 8; i++)
		v |= (uint64_t)(uint8_t)s->p[i] << (8 * i);
	s->p += 8;
	s->n -= 8;
	*out = v;
	return true;
}

static void put_f64(struct buf *b, double x)
{
	uint64_t bits;

	memcpy(&bits, &x, 8);
	put_u64(b, bits);
}

static bool get_f64(struct slice *s, double *out)
{
	uint64_t bits;

	if (!get_u64(s, &bits))
		return false;
	memcpy(out, &bits, 8);
	return true;
}

void live_save(const struct live *l, struct buf *out)
{
	size_t n = l->name ? strlen(l->name) : 0;

	put_u64(out, n);
	buf_add(out, l->name ? l->name : "", n);
	put_u64(out, l->nr);
	for (size_t i = 0; i < l->nr; i++) {
		put_f64(out, l->v[i].train);
		put_f64(out, l->v[i].valid);
	}
}

bool live_load(struct live *l, struct slice *from)
{
	uint64_t n, nr;

	if (!get_u64(from, &n) || n > from->n || n > 4096)
		return false;
	free(l->name);
	l->name = n > 0 ? xmemdup0(from->p, n) : NULL;
	from->p += n;
	from->n -= n;
	if (!get_u64(from, &nr) || nr > from->n / 16)
		return false;
	l->nr = 0;
	for (uint64_t i = 0; i < nr; i++) {
		struct live_round r = {0, 0};

		if (!get_f64(from, &r.train) || !get_f64(from, &r.valid))
			return false;
		vec_push(l, r);
	}
	return true;
}
