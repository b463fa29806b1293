#include "store/meta/pinned.h"

#include "store/base/err.h"
#include "store/base/path.h"
#include "store/fmt/value.h"
#include "store/meta/dvcfile.h"

#include <stdlib.h>

/* A checksum's text, or NULL for none. An integer is what it looks like. */
static const char *hash_text(struct arena *a, const struct value *map, const char *key)
{
	const struct value *v = value_get(map, key);

	if (!v || (v->kind != VALUE_STR && v->kind != VALUE_INT) || v->text.n == 0)
		return NULL;
	return arena_strndup(a, v->text.p, v->text.n);
}

static int64_t count_of(const struct value *map, const char *key)
{
	int64_t n;

	return value_as_i64(value_get(map, key), &n) && n >= 0 ? n : -1;
}

static const char *dup_text(struct arena *a, const struct value *v)
{
	const char *text = value_text(v, NULL);

	return text && text[0] ? arena_strdup(a, text) : NULL;
}

static bool is_true(const struct value *v)
{
	return value_is(v, VALUE_BOOL) && v->b;
}

static void read_cloud(struct arena *a, struct cloud_entry *c, const struct value *map)
{
	const struct value *v;

	*c = (struct cloud_entry){.size = -1, .nfiles = -1};
	if (!value_is(map, VALUE_MAP) || map->nr == 0)
		return;
	v = map->pairs[0].value;
	c->remote = dup_text(a, map->pairs[0].key);
	c->etag = hash_text(a, v, "etag");
	c->checksum = hash_text(a, v, "checksum");
	c->md5 = hash_text(a, v, "md5");
	c->version_id = dup_text(a, value_get(v, "version_id"));
	c->size = count_of(v, "size");
	c->nfiles = count_of(v, "nfiles");
	c->is_exec = is_true(value_get(v, "isexec"));
}

static int by_relpath(const void *a, const void *b)
{
	return strcmp(((const struct out_file *)a)->path,
		      ((const struct out_file *)b)->path);
}

static int read_files(struct stages *s, struct pinned *p, const struct value *list,
		      const char *file, struct err *e)
{
	enum oid_algo algo = p->hash_name || !p->path ? OID_MD5 : OID_LEGACY;
	struct arena *a = &s->arena;

	if (!value_is(list, VALUE_LIST) || list->nr == 0)
		return 0;
	p->files = arena_alloc(a, list->nr * sizeof(*p->files));
	for (size_t i = 0; i < list->nr; i++) {
		const struct value *v = list->items[i];
		struct out_file *f = &p->files[i];
		int r;

		f->path = arena_strdup(a, value_text(value_get(v, "relpath"), ""));
		if ((r = path_check_tracked(f->path, e)) < 0)
			return err_ctx(e, r, "'%s', line %u", file, v->span.line);
		f->hash_key = HASH_KEY_MD5;
		if (!(f->hash_text = hash_text(a, v, "md5"))) {
			f->hash_key = HASH_KEY_ETAG;
			if (!(f->hash_text = hash_text(a, v, "etag"))) {
				f->hash_text = hash_text(a, v, "checksum");
				f->hash_key =
					f->hash_text ? HASH_KEY_CHECKSUM : HASH_KEY_NONE;
			}
		}
		if (f->hash_key == HASH_KEY_MD5)
			(void)oid_parse(slice_of(f->hash_text), algo, &f->oid);
		if (f->oid.is_dir)
			f->oid = (struct oid){0}; /* a member is never a directory */
		f->version_id = dup_text(a, value_get(v, "version_id"));
		f->size = count_of(v, "size");
		f->is_exec = is_true(value_get(v, "isexec"));
		read_cloud(a, &f->cloud, value_get(v, "cloud"));
	}
	qsort(p->files, list->nr, sizeof(*p->files), by_relpath);
	for (size_t i = 1; i < list->nr; i++)
		if (strcmp(p->files[i - 1].path, p->files[i].path) == 0)
			return err_set(e, ERR_CORRUPT,
				       "'%s': '%s' is twice in files:", file,
				       p->files[i].path);
	p->files_nr = list->nr;
	p->has_files = true;
	return 0;
}

/* Which key holds the hash of something outside of the repository. */
static enum hash_key external_key(const char *url)
{
	if (strncmp(url, "s3://", 5) == 0 || strncmp(url, "gs://", 5) == 0 ||
	    strncmp(url, "azure://", 8) == 0 || strncmp(url, "oss://", 6) == 0)
		return HASH_KEY_ETAG;
	if (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0 ||
	    strncmp(url, "hdfs://", 7) == 0 || strncmp(url, "webhdfs://", 10) == 0 ||
	    strncmp(url, "webdav://", 9) == 0 || strncmp(url, "webdavs://", 10) == 0)
		return HASH_KEY_CHECKSUM;
	return HASH_KEY_MD5;
}

static void choose_hash(struct pinned *p, const char *md5)
{
	enum hash_key key = p->path || !p->abs ? HASH_KEY_MD5 : external_key(p->abs);

	p->md5 = md5;
	/* A directory on an object store is known by the md5 of its listing; and a
	 * remote:// URL may be of any kind. */
	if (key == HASH_KEY_ETAG && !p->etag)
		key = HASH_KEY_MD5;
	if (key == HASH_KEY_CHECKSUM && !p->checksum)
		key = p->etag ? HASH_KEY_ETAG : HASH_KEY_MD5;
	if (key == HASH_KEY_MD5 && !md5 && !p->path)
		key = p->etag ? HASH_KEY_ETAG : HASH_KEY_CHECKSUM;
	switch (key) {
	case HASH_KEY_ETAG:
		p->hash_text = p->etag;
		p->etag = NULL;
		break;
	case HASH_KEY_CHECKSUM:
		p->hash_text = p->checksum;
		p->checksum = NULL;
		break;
	default:
		p->hash_text = p->md5;
		p->md5 = NULL;
	}
	p->hash_key = p->hash_text ? key : HASH_KEY_NONE;
}

int pinned_read(struct stages *s, struct pinned *p, const struct value *entry,
		const char *file, struct err *e)
{
	struct arena *a = &s->arena;
	const char *md5 = hash_text(a, entry, "md5");
	bool known_name;

	p->hash_name = dup_text(a, value_get(entry, "hash"));
	p->etag = hash_text(a, entry, "etag");
	p->checksum = hash_text(a, entry, "checksum");
	choose_hash(p, md5);
	known_name = !p->hash_name || strcmp(p->hash_name, "md5") == 0;
	if (p->hash_key == HASH_KEY_MD5 && known_name)
		(void)oid_parse(slice_of(p->hash_text),
				p->hash_name || !p->path ? OID_MD5 : OID_LEGACY, &p->oid);
	p->size = count_of(entry, "size");
	p->nfiles = count_of(entry, "nfiles");
	p->is_exec = is_true(value_get(entry, "isexec"));
	p->version_id = dup_text(a, value_get(entry, "version_id"));
	if (value_get(entry, "fs_config"))
		p->fs_config = value_copy(a, value_get(entry, "fs_config"));
	read_cloud(a, &p->cloud, value_get(entry, "cloud"));
	return read_files(s, p, value_get(entry, "files"), file, e);
}

/* ---- writing ------------------------------------------------------------- */

static const char *key_name(enum hash_key key)
{
	return key == HASH_KEY_ETAG	  ? "etag"
	       : key == HASH_KEY_CHECKSUM ? "checksum"
					  : "md5";
}

static void put_text(struct arena *a, struct value *map, const char *key,
		     const char *text)
{
	if (text)
		value_set(a, map, key, value_cstr(a, text));
}

static void put_count(struct arena *a, struct value *map, const char *key, int64_t n)
{
	if (n >= 0)
		value_set(a, map, key, value_int(a, n));
}

static void put_cloud(struct arena *a, struct value *map, const struct cloud_entry *c)
{
	struct value *cloud, *entry;

	if (!c->remote)
		return;
	cloud = value_map(a);
	entry = value_map(a);
	put_text(a, entry, "etag", c->etag);
	put_text(a, entry, "checksum", c->checksum);
	put_text(a, entry, "md5", c->md5);
	put_count(a, entry, "size", c->size);
	put_count(a, entry, "nfiles", c->nfiles);
	if (c->is_exec)
		value_set(a, entry, "isexec", value_bool(a, true));
	put_text(a, entry, "version_id", c->version_id);
	value_set(a, cloud, c->remote, entry);
	value_set(a, map, "cloud", cloud);
}

static void put_meta(struct arena *a, struct value *map, const struct pinned *p)
{
	put_count(a, map, "size", p->size);
	put_count(a, map, "nfiles", p->nfiles);
	if (p->is_exec)
		value_set(a, map, "isexec", value_bool(a, true));
	put_text(a, map, "version_id", p->version_id);
	put_text(a, map, "etag", p->etag);
	put_text(a, map, "checksum", p->checksum);
	put_text(a, map, "md5", p->md5);
	put_cloud(a, map, &p->cloud);
}

void pinned_put_dvcfile(struct arena *a, struct value *map, const struct pinned *p)
{
	if (!p->has_files) {
		if (p->hash_text)
			put_text(a, map, key_name(p->hash_key), p->hash_text);
		else if (p->path && !p->hash_name)
			value_set(a, map, "md5", value_null(a));
		put_meta(a, map, p);
	}
	put_text(a, map, "hash", p->hash_name);
}

void pinned_put_lock(struct arena *a, struct value *map, const struct pinned *p)
{
	put_text(a, map, "hash", p->hash_name);
	if (p->has_files) {
		pinned_put_files(a, map, p);
		return;
	}
	if (p->hash_text)
		put_text(a, map, key_name(p->hash_key), p->hash_text);
	put_meta(a, map, p);
}

void pinned_put_files(struct arena *a, struct value *map, const struct pinned *p)
{
	struct value *list;

	if (!p->has_files)
		return;
	list = value_list(a);
	for (size_t i = 0; i < p->files_nr; i++) {
		const struct out_file *f = &p->files[i];
		struct value *v = value_map(a);

		put_text(a, v, "relpath", f->path);
		if (f->hash_text)
			put_text(a, v, key_name(f->hash_key), f->hash_text);
		put_count(a, v, "size", f->size);
		if (f->is_exec)
			value_set(a, v, "isexec", value_bool(a, true));
		put_text(a, v, "version_id", f->version_id);
		put_cloud(a, v, &f->cloud);
		value_add(a, list, v);
	}
	value_set(a, map, "files", list);
}

/* ---- changing and copying ------------------------------------------------ */

void pinned_clear(struct pinned *p)
{
	p->hash_text = p->etag = p->checksum = p->md5 = p->version_id = NULL;
	p->hash_key = HASH_KEY_NONE;
	p->oid = (struct oid){0};
	p->size = p->nfiles = -1;
	p->is_exec = false;
	p->cloud = (struct cloud_entry){.size = -1, .nfiles = -1};
	p->files = NULL;
	p->files_nr = 0;
	p->has_files = false;
}

void pinned_set(struct stages *s, struct pinned *p, const struct oid *oid, int64_t bytes,
		int64_t files_nr, bool is_exec)
{
	char text[OID_TEXT_MAX];

	pinned_clear(p);
	p->oid = *oid;
	p->hash_text = arena_strdup(&s->arena, oid_text(oid, text));
	p->hash_key = HASH_KEY_MD5;
	p->hash_name = oid->algo == OID_LEGACY ? NULL : "md5";
	p->size = bytes;
	p->nfiles = oid->is_dir ? files_nr : -1;
	p->is_exec = is_exec && !oid->is_dir;
}

static const char *text_copy(struct arena *a, const char *text)
{
	return text ? arena_strdup(a, text) : NULL;
}

static struct cloud_entry copy_cloud(struct arena *a, const struct cloud_entry *from)
{
	struct cloud_entry to = *from;

	to.remote = text_copy(a, from->remote);
	to.etag = text_copy(a, from->etag);
	to.checksum = text_copy(a, from->checksum);
	to.md5 = text_copy(a, from->md5);
	to.version_id = text_copy(a, from->version_id);
	return to;
}

static struct out_file *copy_files(struct arena *a, const struct out_file *v, size_t nr)
{
	struct out_file *to = nr ? arena_alloc(a, nr * sizeof(*to)) : NULL;

	for (size_t i = 0; i < nr; i++) {
		to[i] = v[i];
		to[i].path = text_copy(a, v[i].path);
		to[i].hash_text = text_copy(a, v[i].hash_text);
		to[i].version_id = text_copy(a, v[i].version_id);
		to[i].cloud = copy_cloud(a, &v[i].cloud);
	}
	return to;
}

void pinned_set_files(struct stages *s, struct pinned *p, const struct out_file *v,
		      size_t nr)
{
	pinned_clear(p);
	p->hash_name = "md5";
	p->files = copy_files(&s->arena, v, nr);
	p->files_nr = nr;
	p->has_files = nr > 0;
	if (nr > 0)
		qsort(p->files, nr, sizeof(*p->files), by_relpath);
}

void pinned_copy(struct arena *a, struct pinned *to, const struct pinned *from)
{
	*to = *from;
	to->path = text_copy(a, from->path);
	to->text = text_copy(a, from->text);
	to->abs = text_copy(a, from->abs);
	to->hash_text = text_copy(a, from->hash_text);
	to->hash_name = text_copy(a, from->hash_name);
	to->version_id = text_copy(a, from->version_id);
	to->etag = text_copy(a, from->etag);
	to->checksum = text_copy(a, from->checksum);
	to->md5 = text_copy(a, from->md5);
	to->cloud = copy_cloud(a, &from->cloud);
	to->files = copy_files(a, from->files, from->files_nr);
	if (from->fs_config)
		to->fs_config = value_copy(a, from->fs_config);
}
