/*
 * What is known of the objects without reading them: which names are there, and
 * which bytes were hashed. One file for each two digits below <cache>/lode/,
 * written down byte for byte in docs/format/cache.md. Losing them costs time only.
 */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/log.h"
#include "store/base/sys.h"
#include "store/hash/hash.h"
#include "store/odb/odb_impl.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* "lodeobj1" read as a number of this machine's byte order: another's is foreign. */
#define FACTS_MAGIC 0x316a626f65646f6cu

struct facts_head {
	uint64_t magic, nr, dir_mtime_ns, dir_inode;
	uint64_t which; /* half << 8 | prefix */
	uint64_t sum;	/* of all that is above and of the entries */
};

_Static_assert(sizeof(struct fact) == 32, "facts are written as they lie in memory");
_Static_assert(sizeof(struct facts_head) == 48, "so is their head");

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x9fb21c651e98df25u;
	return h ^ h >> 32;
}

static uint64_t checksum(const struct facts_head *head, const struct fact *v)
{
	uint64_t lane[4] = {head->magic, head->nr, head->dir_mtime_ns,
			    head->dir_inode ^ head->which << 48};
	uint64_t word[4], h = 0;

	for (size_t i = 0; i < head->nr; i++) {
		memcpy(word, &v[i], sizeof(word));
		for (int k = 0; k < 4; k++)
			lane[k] = mix(lane[k], word[k]);
	}
	for (int k = 0; k < 4; k++)
		h = mix(h, lane[k]);
	return h;
}

static uint64_t stamp_of(const struct filestat *st)
{
	return mix(mix(mix(0x6c6f6465, st->inode), (uint64_t)st->size),
		   (uint64_t)st->mtime_ns);
}

static void facts_path(unsigned half, unsigned prefix, char out[24])
{
	uint8_t byte = (uint8_t)prefix;
	size_t n = half ? 11 : 8;

	memcpy(out, half ? "objects-2x/" : "objects/", n);
	hex_encode(&byte, 1, out + n);
}

static uint64_t first_bytes(const struct fact *f)
{
	uint64_t v;

	memcpy(&v, f->rest, sizeof(v));
	return htobe64(v);
}

static int compare_key(const struct fact *a, const struct fact *b)
{
	/* The first of these bytes nearly always decide, and cost no call. */
	uint64_t x = first_bytes(a), y = first_bytes(b);
	int r;

	if (x != y)
		return x < y ? -1 : 1;
	r = memcmp(a->rest, b->rest, sizeof(a->rest));
	return r ? r : (int)(a->flags & FACT_IS_DIR) - (int)(b->flags & FACT_IS_DIR);
}

static int compare_facts(const void *a, const void *b)
{
	return compare_key(a, b);
}

static struct fact key_of(const struct oid *oid)
{
	struct fact key = {.flags = oid->is_dir ? FACT_IS_DIR : 0};

	memcpy(key.rest, oid->b + 1, sizeof(key.rest));
	return key;
}

static bool is_sound(const struct facts_head *head, const struct fact *v, size_t bytes,
		     unsigned half, unsigned prefix)
{
	if (head->magic != FACTS_MAGIC || head->which != (half << 8 | prefix) ||
	    head->nr > bytes / sizeof(*v) || head->nr * sizeof(*v) != bytes ||
	    head->sum != checksum(head, v))
		return false;
	for (size_t i = 1; i < head->nr; i++)
		if (compare_key(&v[i - 1], &v[i]) >= 0)
			return false;
	return true;
}

/* Under the lock, as all that follows. */
static void load(struct odb *odb, unsigned half, unsigned prefix)
{
	struct shard *s = &odb->shard[half][prefix];
	struct facts_head head;
	struct buf file = {0};
	struct fact *v;
	char path[24];
	int fd;

	if (s->loaded)
		return;
	s->loaded = true;
	facts_path(half, prefix, path);
	if (odb_lode_fd(odb, ODB_MUST_EXIST, &fd, NULL) < 0 ||
	    fs_read(fd, path, 0, &file, NULL) < 0 || file.n < sizeof(head))
		goto out;
	memcpy(&head, file.p, sizeof(head));
	v = xmalloc(MAX_OF(file.n - sizeof(head), 1u));
	memcpy(v, file.p + sizeof(head), file.n - sizeof(head));
	if (is_sound(&head, v, file.n - sizeof(head), half, prefix)) {
		s->base = v;
		s->base_nr = (size_t)head.nr;
		s->dir_mtime_ns = (int64_t)head.dir_mtime_ns;
		s->dir_inode = head.dir_inode;
	} else {
		log_debug("odb", "facts '%s' are damaged and left out", path);
		free(v);
	}
out:
	buf_release(&file);
}

static size_t extra_at(const struct shard *s, const struct fact *key)
{
	uint64_t h;
	size_t i;

	memcpy(&h, key->rest, sizeof(h)); /* digests need no hashing */
	i = (size_t)h & (s->extra_cap - 1);
	while ((s->extra[i].flags & FACT_USED) && compare_key(&s->extra[i], key) != 0)
		i = (i + 1) & (s->extra_cap - 1);
	return i;
}

static void extra_grow(struct shard *s)
{
	struct shard bigger = {.extra_cap = s->extra_cap ? s->extra_cap * 2 : 16};

	bigger.extra = xcalloc(bigger.extra_cap, sizeof(*bigger.extra));
	for (size_t i = 0; i < s->extra_cap; i++)
		if (s->extra[i].flags & FACT_USED)
			bigger.extra[extra_at(&bigger, &s->extra[i])] = s->extra[i];
	free(s->extra);
	s->extra = bigger.extra;
	s->extra_cap = bigger.extra_cap;
}

static struct fact *find(struct shard *s, const struct oid *oid)
{
	struct fact key = key_of(oid), *found = NULL;

	for (size_t from = 0, to = s->base_nr; from < to && !found;) {
		size_t mid = from + (to - from) / 2;
		int c = compare_key(&key, &s->base[mid]);

		if (c == 0)
			found = &s->base[mid];
		else if (c < 0)
			to = mid;
		else
			from = mid + 1;
	}
	if (!found && s->extra_nr > 0) {
		found = &s->extra[extra_at(s, &key)];
		if (!(found->flags & FACT_USED))
			found = NULL;
	}
	return found;
}

static struct fact *find_or_add(struct shard *s, const struct oid *oid)
{
	struct fact key = key_of(oid), *found = find(s, oid);

	if (found)
		return found;
	if (s->extra_nr * 4 >= s->extra_cap * 3)
		extra_grow(s);
	found = &s->extra[extra_at(s, &key)];
	*found = key;
	found->flags |= FACT_USED;
	s->extra_nr++;
	return found;
}

static struct shard *lock_shard(struct odb *odb, const struct oid *oid)
{
	unsigned half = odb_half(oid->algo);
	struct shard *s = &odb->shard[half][oid->b[0]];

	pthread_mutex_lock(&s->lock);
	load(odb, half, oid->b[0]);
	return s;
}

bool odb_fact_pending(struct odb *odb, const struct oid *oid, bool is_pending)
{
	struct shard *s = lock_shard(odb, oid);
	struct fact *f = is_pending ? find_or_add(s, oid) : find(s, oid);
	bool was = f && (f->flags & FACT_PENDING);

	if (f && is_pending)
		f->flags |= FACT_PENDING;
	else if (f)
		f->flags &= (uint8_t)~FACT_PENDING;
	pthread_mutex_unlock(&s->lock);
	return was;
}

bool odb_fact_holds(struct odb *odb, const struct oid *oid, const struct filestat *st)
{
	struct shard *s = lock_shard(odb, oid);
	const struct fact *f = find(s, oid);
	bool holds = f && (f->flags & FACT_VERIFIED) && f->stamp == stamp_of(st) &&
		     (f->ctime_ns == 0 || st->nlink > 1 || f->ctime_ns == st->ctime_ns) &&
		     ((st->mode & 07777) == 0444 || (f->flags & FACT_PENDING));

	pthread_mutex_unlock(&s->lock);
	return holds;
}

void odb_fact_set(struct odb *odb, const struct oid *oid, const struct filestat *st,
		  int64_t asked_ns)
{
	struct fact *f, was;
	struct shard *s;

	if (st->mtime_ns >= asked_ns)
		return;
	s = lock_shard(odb, oid);
	f = find_or_add(s, oid);
	was = *f;
	f->flags |= FACT_VERIFIED;
	if (s->listed)
		f->flags |= FACT_PRESENT;
	f->stamp = stamp_of(st);
	f->ctime_ns = st->nlink > 1 ? 0 : st->ctime_ns;
	if (memcmp(&was, f, sizeof(was)) != 0)
		s->dirty = true;
	pthread_mutex_unlock(&s->lock);
}

void odb_fact_linked(struct odb *odb, const struct oid *oid)
{
	struct shard *s = lock_shard(odb, oid);
	struct fact *f = find(s, oid);

	if (f && (f->flags & FACT_VERIFIED) && f->ctime_ns != 0) {
		f->ctime_ns = 0;
		s->dirty = true;
	}
	pthread_mutex_unlock(&s->lock);
}

void odb_fact_appeared(struct odb *odb, const struct oid *oid)
{
	struct shard *s = lock_shard(odb, oid);

	if (s->listed) {
		find_or_add(s, oid)->flags |= FACT_PRESENT;
		s->dir_mtime_ns = 0;
	}
	pthread_mutex_unlock(&s->lock);
}

void odb_fact_drop(struct odb *odb, const struct oid *oid)
{
	struct shard *s = lock_shard(odb, oid);
	struct fact *f = find(s, oid);

	if (f) {
		f->flags &= (uint8_t) ~(FACT_PRESENT | FACT_VERIFIED);
		s->dirty = true;
	}
	s->dir_mtime_ns = 0;
	pthread_mutex_unlock(&s->lock);
}

bool odb_parse_name(const char *name, unsigned half, unsigned prefix, struct oid *out)
{
	uint8_t byte = (uint8_t)prefix;
	size_t n = strlen(name);
	char text[OID_TEXT_MAX];

	if (n != 30 && n != 34)
		return false;
	hex_encode(&byte, 1, text);
	memcpy(text + 2, name, n + 1);
	return oid_parse((struct slice){text, n + 2}, half ? OID_LEGACY : OID_MD5, out);
}

static void forget_names(struct shard *s)
{
	for (size_t i = 0; i < s->base_nr; i++)
		s->base[i].flags &= (uint8_t)~FACT_PRESENT;
	for (size_t i = 0; i < s->extra_cap; i++)
		s->extra[i].flags &= (uint8_t)~FACT_PRESENT;
}

static int list_names(struct odb *odb, unsigned half, unsigned prefix, int dirfd)
{
	struct shard *s = &odb->shard[half][prefix];
	struct fs_dir *dir;
	struct fs_dirent ent;
	struct oid oid;
	int r = fs_dir_open(&dir, dirfd, ".", NULL);

	if (r < 0)
		return r;
	forget_names(s);
	while ((r = fs_dir_next(dir, &ent, NULL)) > 0)
		if (odb_parse_name(ent.name, half, prefix, &oid))
			find_or_add(s, &oid)->flags |= FACT_PRESENT;
	fs_dir_close(dir);
	return r;
}

/*
 * Make the names known: from what was remembered when the directory has not
 * changed since, else by reading it. A change within the same tick of the file
 * system's clock as the listing would go unseen: such a listing is good for
 * this run, as any is that another process may outdate, but not remembered.
 */
static void list(struct odb *odb, unsigned half, unsigned prefix)
{
	struct shard *s = &odb->shard[half][prefix];
	struct odb_dir d;
	struct filestat st;
	struct stat sb;
	int64_t asked;
	int r = odb_get_dir(odb, half, prefix, ODB_MUST_EXIST, &d, NULL);

	if (r == ERR_NOTFOUND) {
		forget_names(s);
		s->dir_mtime_ns = 0;
		s->listed = true;
	}
	if (r < 0)
		return;
	if (sys_fstat(d.fd, &sb) < 0)
		goto out;
	st = filestat_of(&sb);
	if (s->dir_mtime_ns != 0 && s->dir_mtime_ns == st.mtime_ns &&
	    s->dir_inode == st.inode) {
		s->listed = true;
		goto out;
	}
	asked = odb_fs_now(odb);
	if (list_names(odb, half, prefix, d.fd) < 0)
		goto out;
	s->listed = true;
	s->dir_mtime_ns = st.mtime_ns < asked ? st.mtime_ns : 0;
	s->dir_inode = st.inode;
	s->dirty |= s->dir_mtime_ns != 0;
out:
	odb_put_dir(&d);
}

bool odb_has(struct odb *odb, const struct oid *oid)
{
	struct shard *s;
	const struct fact *f;
	bool has;

	if (!oid_known(oid))
		return false;
	s = lock_shard(odb, oid);
	if (!s->listed)
		list(odb, odb_half(oid->algo), oid->b[0]);
	f = find(s, oid);
	has = s->listed && f && (f->flags & FACT_PRESENT);
	pthread_mutex_unlock(&s->lock);
	return has;
}

/* Worth a line: known to be there, or verified and not known to be gone. */
static bool is_kept(const struct shard *s, const struct fact *f)
{
	return (f->flags & FACT_PRESENT) || (!s->listed && (f->flags & FACT_VERIFIED));
}

static size_t gather(const struct shard *s, struct fact *to)
{
	size_t nr = 0;

	for (size_t i = 0; i < s->base_nr; i++)
		if (is_kept(s, &s->base[i]))
			to[nr++] = s->base[i];
	for (size_t i = 0; i < s->extra_cap; i++)
		if (is_kept(s, &s->extra[i]))
			to[nr++] = s->extra[i];
	for (size_t i = 0; i < nr; i++)
		to[i].flags &= FACT_LASTING;
	qsort(to, nr, sizeof(*to), compare_facts);
	return nr;
}

static int save(struct odb *odb, int lodefd, unsigned half, unsigned prefix,
		struct err *e)
{
	struct shard *s = &odb->shard[half][prefix];
	struct facts_head head = {
		.magic = FACTS_MAGIC,
		.dir_mtime_ns = (uint64_t)s->dir_mtime_ns,
		.dir_inode = s->dir_inode,
		.which = half << 8 | prefix,
	};
	struct fact *v = xreallocarray(NULL, s->base_nr + s->extra_nr + 1, sizeof(*v));
	struct buf file = {0};
	char path[24];
	int r;

	head.nr = gather(s, v);
	head.sum = checksum(&head, v);
	buf_add(&file, &head, sizeof(head));
	buf_add(&file, v, (size_t)head.nr * sizeof(*v));
	facts_path(half, prefix, path);
	r = fs_write(lodefd, path, buf_slice(&file), 0666, FS_SYNC_NONE, e);
	s->dirty = false;
	buf_release(&file);
	free(v);
	return r;
}

void odb_facts_save(struct odb *odb)
{
	bool made[ODB_HALVES] = {false};
	struct err e = {0};
	int fd, r = 0;

	for (unsigned h = 0; h < ODB_HALVES; h++)
		for (unsigned p = 0; p < ODB_PREFIXES; p++) {
			if (!odb->shard[h][p].dirty)
				continue;
			if (!made[h]) {
				r = odb_lode_fd(odb, ODB_CREATE, &fd, &e);
				if (r == 0)
					r = fs_mkdirs(fd, h ? "objects-2x" : "objects",
						      odb->group_shared ? 02775 : 0, &e);
				made[h] = true;
			}
			if (r == 0)
				r = save(odb, fd, h, p, &e);
			if (r < 0) {
				/* A cache that others own, or a full disk. */
				log_debug("odb", "facts are not saved: %s", e.text);
				return;
			}
		}
}

void odb_facts_release(struct odb *odb)
{
	for (unsigned h = 0; h < ODB_HALVES; h++)
		for (unsigned p = 0; p < ODB_PREFIXES; p++) {
			free(odb->shard[h][p].base);
			free(odb->shard[h][p].extra);
			pthread_mutex_destroy(&odb->shard[h][p].lock);
		}
}
