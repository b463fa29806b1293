#include "train/run/record.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/fmt/json.h"
#include "store/fmt/jsonw.h"
#include "store/fmt/value.h"
#include "store/hash/hash.h"

#include <math.h>
#include <string.h>

#define RECORD_VERSION 1

static const char *const kinds[] = {"train", "command"};

void record_release(struct run_record *r)
{
	arena_release(&r->arena);
	*r = (struct run_record){0};
}

/* ---- writing ------------------------------------------------------------- */

static void put_str(struct jsonw *j, const char *key, const char *text)
{
	jsonw_key(j, key);
	jsonw_str(j, text);
}

static void put_uint(struct jsonw *j, const char *key, uint64_t n)
{
	jsonw_key(j, key);
	jsonw_uint(j, n);
}

static void put_words(struct jsonw *j, const char *key, const char *const *v)
{
	jsonw_key(j, key);
	jsonw_array(j);
	for (; v && *v; v++)
		jsonw_str(j, *v);
	jsonw_end(j);
}

static void put_digests(struct jsonw *j, const uint8_t md5[16], bool is_dir,
			const uint8_t sha256[32], uint64_t bytes)
{
	char hex[65 + 4];

	hex_encode(md5, 16, hex);
	if (is_dir)
		memcpy(hex + 32, ".dir", 5);
	put_str(j, "md5", hex);
	put_str(j, "sha256", hex_encode(sha256, 32, hex));
	put_uint(j, "size", bytes);
}

static void put_input(struct jsonw *j, const struct input *in)
{
	jsonw_object(j);
	put_str(j, "path", in->text);
	put_str(j, "role", input_role_name(in->role));
	put_digests(j, in->got.b, in->is_dir, in->sha256, in->bytes);
	if (in->role == INPUT_TRAIN || in->role == INPUT_VALID)
		put_uint(j, "rows", in->rows);
	if (in->is_dir) {
		jsonw_key(j, "files");
		jsonw_array(j);
		for (size_t i = 0; i < in->files_nr; i++) {
			const struct input_file *f = &in->files[i];

			jsonw_object(j);
			put_str(j, "path", f->member);
			put_digests(j, f->md5, false, f->sha256, f->bytes);
			jsonw_end(j);
		}
		jsonw_end(j);
	}
	jsonw_end(j);
}

static void put_output(struct jsonw *j, const struct record_output *o)
{
	jsonw_object(j);
	put_str(j, "path", o->path);
	put_digests(j, o->md5, o->is_dir, o->sha256, o->bytes);
	jsonw_end(j);
}

/* Values that are no number are null: JSON has no word for them. */
static void put_value(struct jsonw *j, double x)
{
	if (isfinite(x))
		jsonw_float(j, x);
	else
		jsonw_null(j);
}

static void put_metrics(struct jsonw *j, const struct run_record *r, bool plain)
{
	static const char *const sides[] = {"train", "validation"};

	for (size_t s = 0; s < 2; s++) {
		bool open = false;

		for (size_t i = 0; i < r->metrics_nr; i++) {
			const struct record_metric *m = &r->metrics[i];

			if (strcmp(m->side, sides[s]) != 0)
				continue;
			if (!open) {
				jsonw_key(j, sides[s]);
				jsonw_object(j);
			}
			open = true;
			jsonw_key(j, m->name);
			if (plain) {
				put_value(j, m->value);
				continue;
			}
			jsonw_object(j);
			jsonw_key(j, "value");
			put_value(j, m->value);
			if (isfinite(m->low) && isfinite(m->high)) {
				jsonw_key(j, "low");
				jsonw_float(j, m->low);
				jsonw_key(j, "high");
				jsonw_float(j, m->high);
			}
			put_uint(j, "n", m->n);
			jsonw_end(j);
		}
		if (open)
			jsonw_end(j);
	}
}

static void put_training(struct jsonw *j, const struct run_record *r)
{
	char hex[17];
	uint8_t b[8];

	for (size_t i = 0; i < 8; i++)
		b[i] = (uint8_t)(r->table_hash >> (56 - 8 * i));
	put_str(j, "file", r->file);
	put_words(j, "overrides", r->overrides);
	jsonw_key(j, "config");
	jsonw_raw(j, slice_of(r->config));
	jsonw_key(j, "table");
	jsonw_object(j);
	put_uint(j, "rows", r->rows);
	put_uint(j, "validation_rows", r->validation_rows);
	put_uint(j, "columns", r->columns);
	put_str(j, "hash", hex_encode(b, 8, hex));
	jsonw_end(j);
	jsonw_key(j, "result");
	jsonw_object(j);
	put_uint(j, "rounds", r->rounds);
	put_uint(j, "best_round", r->best_round);
	put_uint(j, "trees", r->trees);
	jsonw_key(j, "stopped_early");
	jsonw_bool(j, r->stopped_early);
	jsonw_key(j, "float32_exact");
	jsonw_bool(j, r->float32_exact);
	jsonw_end(j);
	jsonw_key(j, "metrics");
	jsonw_object(j);
	put_metrics(j, r, false);
	jsonw_end(j);
}

void record_write(const struct run_record *r, struct buf *out)
{
	struct jsonw j;

	jsonw_init(&j, out, 2);
	j.utf8 = true;
	jsonw_object(&j);
	put_uint(&j, "lode_run", RECORD_VERSION);
	put_str(&j, "kind", kinds[r->kind]);
	if (r->kind == RECORD_TRAIN)
		put_uint(&j, "core", r->core);
	put_str(&j, "command", r->command);
	put_str(&j, "path", r->path);
	if (r->kind == RECORD_COMMAND)
		put_words(&j, "argv", r->argv);
	jsonw_key(&j, "inputs");
	jsonw_array(&j);
	for (size_t i = 0; r->inputs && i < r->inputs->nr; i++)
		put_input(&j, &r->inputs->v[i]);
	jsonw_end(&j);
	jsonw_key(&j, "outputs");
	jsonw_array(&j);
	for (size_t i = 0; i < r->outputs_nr; i++)
		put_output(&j, &r->outputs[i]);
	jsonw_end(&j);
	if (r->kind == RECORD_TRAIN)
		put_training(&j, r);
	jsonw_end(&j);
	buf_addc(out, '\n');
}

void record_write_metrics(const struct run_record *r, struct buf *out)
{
	struct jsonw j;

	jsonw_init(&j, out, 4);
	jsonw_object(&j);
	put_metrics(&j, r, true);
	put_uint(&j, "rounds", r->rounds);
	put_uint(&j, "best_round", r->best_round);
	jsonw_end(&j);
	buf_addc(out, '\n');
}

/* ---- reading ------------------------------------------------------------- */

static int bad(const char *name, const char *key, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "%s: no run record: '%s' is missing or wrong",
		       name, key);
}

static bool get_text(const struct value *map, const char *key, const char **out)
{
	*out = value_text(value_get(map, key), NULL);
	return *out != NULL && (*out)[0] != '\0';
}

static bool get_uint(const struct value *map, const char *key, uint64_t *out)
{
	int64_t n;

	if (!value_as_i64(value_get(map, key), &n) || n < 0)
		return false;
	*out = (uint64_t)n;
	return true;
}

static bool get_digests(const struct value *map, struct oid *md5, uint8_t sha256[32],
			uint64_t *bytes)
{
	const char *a, *b;

	return get_text(map, "md5", &a) && get_text(map, "sha256", &b) &&
	       oid_parse(slice_of(a), OID_MD5, md5) &&
	       hex_decode(slice_of(b), sha256, 32) && get_uint(map, "size", bytes);
}

static int read_inputs(struct run_record *r, const struct value *list, const char *name,
		       struct err *e)
{
	if (!value_is(list, VALUE_LIST))
		return bad(name, "inputs", e);
	r->in = arena_alloc(&r->arena, (list->nr + 1) * sizeof(*r->in));
	for (size_t i = 0; i < list->nr; i++) {
		struct record_input *in = &r->in[i];
		const char *role;

		if (!get_text(list->items[i], "path", &in->path) ||
		    !get_text(list->items[i], "role", &role) ||
		    !input_role_parse(role, &in->role) ||
		    !get_digests(list->items[i], &in->md5, in->sha256, &in->bytes))
			return bad(name, "inputs", e);
		r->in_nr = i + 1;
	}
	return 0;
}

static int read_outputs(struct run_record *r, const struct value *list, const char *name,
			struct err *e)
{
	if (!value_is(list, VALUE_LIST))
		return bad(name, "outputs", e);
	r->outputs = arena_alloc(&r->arena, (list->nr + 1) * sizeof(*r->outputs));
	for (size_t i = 0; i < list->nr; i++) {
		struct record_output *o = &r->outputs[i];
		struct oid oid;

		if (!get_text(list->items[i], "path", &o->path) ||
		    !get_digests(list->items[i], &oid, o->sha256, &o->bytes))
			return bad(name, "outputs", e);
		memcpy(o->md5, oid.b, sizeof(o->md5));
		o->is_dir = oid.is_dir;
		r->outputs_nr = i + 1;
	}
	return 0;
}

static int read_words(struct run_record *r, const struct value *root, const char *key,
		      const char *const **out, const char *name, struct err *e)
{
	const struct value *list = value_get(root, key);
	const char **v;

	if (!value_is(list, VALUE_LIST))
		return bad(name, key, e);
	v = arena_alloc(&r->arena, (list->nr + 1) * sizeof(*v));
	for (size_t i = 0; i < list->nr; i++) {
		v[i] = value_text(list->items[i], NULL);
		if (!v[i])
			return bad(name, key, e);
	}
	*out = v;
	return 0;
}

static int read_training(struct run_record *r, const struct value *root, const char *name,
			 struct err *e)
{
	uint64_t core;
	int rc;

	if (!get_uint(root, "core", &core) || core > 1000000)
		return bad(name, "core", e);
	r->core = (unsigned)core;
	if (!get_text(root, "file", &r->file))
		return bad(name, "file", e);
	if ((rc = read_words(r, root, "overrides", &r->overrides, name, e)) < 0)
		return rc;
	if (r->outputs_nr == 0)
		return bad(name, "outputs", e);
	return 0;
}

int record_read(struct run_record *out, struct slice text, const char *name,
		struct err *e)
{
	struct run_record r = {0};
	struct value *root = NULL;
	const char *kind;
	uint64_t version = 0;
	int rc;

	if ((rc = json_read(text, name, &r.arena, &root, e)) < 0)
		goto out;
	if (!get_uint(root, "lode_run", &version)) {
		rc = bad(name, "lode_run", e);
		goto out;
	}
	if (version != RECORD_VERSION) {
		rc = err_set(e, ERR_UNSUPPORTED,
			     "%s: a run record of version %llu; this program knows %d",
			     name, (unsigned long long)version, RECORD_VERSION);
		goto out;
	}
	if (!get_text(root, "kind", &kind) ||
	    (strcmp(kind, kinds[0]) != 0 && strcmp(kind, kinds[1]) != 0)) {
		rc = bad(name, "kind", e);
		goto out;
	}
	r.kind = strcmp(kind, kinds[1]) == 0 ? RECORD_COMMAND : RECORD_TRAIN;
	if (!get_text(root, "command", &r.command) || !get_text(root, "path", &r.path)) {
		rc = bad(name, "command", e);
		goto out;
	}
	if (r.kind == RECORD_COMMAND) {
		rc = read_words(&r, root, "argv", &r.argv, name, e);
		if (rc == 0 && !r.argv[0])
			rc = bad(name, "argv", e);
		if (rc < 0)
			goto out;
	}
	if ((rc = read_inputs(&r, value_get(root, "inputs"), name, e)) == 0 &&
	    (rc = read_outputs(&r, value_get(root, "outputs"), name, e)) == 0 &&
	    r.kind == RECORD_TRAIN)
		rc = read_training(&r, root, name, e);
out:
	if (rc == 0)
		*out = r;
	else
		record_release(&r);
	return rc;
}
