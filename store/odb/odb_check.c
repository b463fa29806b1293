/* Looking at objects: is it there, is it right, what are its bytes. */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/log.h"
#include "store/base/sys.h"
#include "store/hash/hash.h"
#include "store/odb/manifest.h"
#include "store/odb/odb_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define READ_MAX  ((int64_t)1 << 30)
#define SMALL_MAX ((int64_t)1 << 20) /* hashed from one buffer, in this thread */

static int not_found(struct odb *odb, const struct oid *oid, struct err *e)
{
	char text[OID_TEXT_MAX];

	return err_set(e, ERR_NOTFOUND, "object '%s' is not in the cache '%s'",
		       oid_text(oid, text), odb->dir);
}

static int corrupt(struct odb *odb, const struct oid *oid, const char *what,
		   struct err *e)
{
	char text[OID_TEXT_MAX];

	return err_set(e, ERR_CORRUPT, "object '%s' in the cache '%s' %s",
		       oid_text(oid, text), odb->dir, what);
}

static int hash_small(int fd, const struct oid *like, int64_t size, uint8_t digest[16],
		      int64_t *bytes, struct err *e)
{
	size_t room = (size_t)size + 1; /* one more shows that it grew */
	void *p = xmalloc(room);
	ssize_t n = sys_pread(fd, p, room, 0);
	struct md5_job job = {.p = p, .n = n < 0 ? 0 : (size_t)n};
	int r = 0;

	if (n < 0) {
		r = err_sys(e, "read", "an object");
	} else if (like->algo == OID_LEGACY && !like->is_dir) {
		hash_dos2unix(p, (size_t)n, digest);
	} else {
		md5_many(&job, 1);
		memcpy(digest, job.out, sizeof(job.out));
	}
	*bytes = n;
	free(p);
	return r;
}

int odb_hash_fd(int fd, const struct oid *like, struct sink *sink, uint8_t digest[16],
		int64_t *bytes, struct err *e)
{
	struct stat st;

	if (sys_fstat(fd, &st) < 0)
		return err_sys(e, "fstat", "an object");
	if (st.st_size <= SMALL_MAX)
		return hash_small(fd, like, st.st_size, digest, bytes, e);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "seek", "an object");
	return odb_pump(fd, -1, like, "an object", sink, digest, bytes, e);
}

/* Read the bytes of an open object and say whether they are its own. */
static int verify_fd(struct odb *odb, const struct oid *oid, int fd, struct filestat *st,
		     struct err *e)
{
	int64_t asked = odb_fs_now(odb), bytes;
	struct filestat before = *st;
	uint8_t digest[16];
	struct stat sb;
	int r = odb_hash_fd(fd, oid, odb->sink, digest, &bytes, e);

	if (r < 0)
		return r;
	if (sys_fstat(fd, &sb) < 0)
		return err_sys(e, "fstat", "an object");
	*st = filestat_of(&sb);
	if (memcmp(digest, oid->b, sizeof(digest)) != 0) {
		odb_fact_drop(odb, oid);
		odb_fact_appeared(odb, oid); /* a name is there, though */
		return corrupt(odb, oid, "holds other bytes", e);
	}
	if (!filestat_same(&before, st))
		return corrupt(odb, oid, "is being changed", e);
	odb_fact_set(odb, oid, st, asked);
	/* Right bytes in another mode: DVC would hash them again each time, and we
	 * do not know them to be durable. */
	if ((st->mode & 07777) != 0444)
		odb_pend(odb, oid, st, true);
	return 0;
}

int odb_open_in(struct odb *odb, const struct oid *oid, const struct odb_dir *d,
		bool always, int *fd, struct filestat *st, struct err *e)
{
	char name[ODB_NAME_MAX];
	struct filestat found;
	struct stat sb;
	int f, r = 0;

	/* A FIFO under an object's name must not make us wait. */
	f = sys_openat(d->fd, odb_name(oid, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (f < 0 && errno == ENOENT)
		return not_found(odb, oid, e);
	if (f < 0 && (errno == ELOOP || errno == ENXIO))
		return corrupt(odb, oid, "is not a regular file", e);
	if (f < 0)
		return err_sys(e, "open", name);
	if (sys_fstat(f, &sb) < 0) {
		r = err_sys(e, "fstat", name);
		goto out;
	}
	found = filestat_of(&sb);
	if (!S_ISREG(found.mode)) {
		r = corrupt(odb, oid, "is not a regular file", e);
		goto out;
	}
	if (always || !odb_fact_holds(odb, oid, &found))
		r = verify_fd(odb, oid, f, &found, e);
	if (r == 0 && lseek(f, 0, SEEK_SET) < 0)
		r = err_sys(e, "seek", name);
	if (r < 0)
		goto out;
	*fd = f;
	*st = found;
	f = -1;
out:
	if (f >= 0)
		sys_close(f);
	return r;
}

int odb_check_in(struct odb *odb, const struct oid *oid, const struct odb_dir *d,
		 struct filestat *st, struct err *e)
{
	char name[ODB_NAME_MAX];
	struct filestat found;
	struct stat sb;
	int fd, r;

	if (sys_fstatat(d->fd, odb_name(oid, name), &sb, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? not_found(odb, oid, e)
				       : err_sys(e, "stat", name);
	found = filestat_of(&sb);
	if (S_ISREG(found.mode) && odb_fact_holds(odb, oid, &found)) {
		*st = found;
		return 0;
	}
	r = odb_open_in(odb, oid, d, false, &fd, st, e);
	if (r == 0)
		sys_close(fd);
	return r;
}

/* The directory of an object that is asked for; its absence is the object's. */
static int dir_of(struct odb *odb, const struct oid *oid, struct odb_dir *d,
		  struct err *e)
{
	int r = odb_get_dir(odb, odb_half(oid->algo), oid->b[0], ODB_MUST_EXIST, d, e);

	return r == ERR_NOTFOUND ? not_found(odb, oid, e) : r;
}

int odb_check(struct odb *odb, const struct oid *oid, struct err *e)
{
	struct filestat st;
	struct odb_dir d;
	int r = dir_of(odb, oid, &d, e);

	if (r < 0)
		return r;
	r = odb_check_in(odb, oid, &d, &st, e);
	odb_put_dir(&d);
	return r;
}

int odb_verify(struct odb *odb, const struct oid *oid, struct err *e)
{
	struct filestat st;
	struct odb_dir d;
	int fd, r = dir_of(odb, oid, &d, e);

	if (r < 0)
		return r;
	r = odb_open_in(odb, oid, &d, true, &fd, &st, e);
	if (r == 0)
		sys_close(fd);
	odb_put_dir(&d);
	return r;
}

int odb_stat(struct odb *odb, const struct oid *oid, struct filestat *out, struct err *e)
{
	char name[ODB_NAME_MAX];
	struct odb_dir d;
	struct stat sb;
	int r = dir_of(odb, oid, &d, e);

	if (r < 0)
		return r;
	if (sys_fstatat(d.fd, odb_name(oid, name), &sb, AT_SYMLINK_NOFOLLOW) == 0)
		*out = filestat_of(&sb);
	else
		r = errno == ENOENT ? not_found(odb, oid, e) : err_sys(e, "stat", name);
	odb_put_dir(&d);
	return r;
}

int odb_open_object(struct odb *odb, const struct oid *oid, int *fd, struct filestat *st,
		    struct err *e)
{
	struct odb_dir d;
	int r = dir_of(odb, oid, &d, e);

	if (r < 0)
		return r;
	r = odb_open_in(odb, oid, &d, false, fd, st, e);
	odb_put_dir(&d);
	return r;
}

int odb_read(struct odb *odb, const struct oid *oid, struct buf *out, struct err *e)
{
	char text[OID_TEXT_MAX];
	struct filestat st;
	void *p = NULL;
	ssize_t n;
	int fd, r = odb_open_object(odb, oid, &fd, &st, e);

	if (r < 0)
		return r;
	if (st.size > READ_MAX)
		r = err_set(e, ERR_INVALID, "object '%s' has %lld bytes, more than 1 GiB",
			    oid_text(oid, text), (long long)st.size);
	else
		r = try_alloc(&p, (size_t)st.size + 1, 1, "an object", e);
	if (r < 0)
		goto out;
	n = sys_read(fd, p, (size_t)st.size + 1);
	if (n < 0)
		r = err_sys(e, "read", oid_text(oid, text));
	else if (n != st.size)
		r = corrupt(odb, oid, "is being changed", e);
	else
		buf_add(out, p, (size_t)n);
out:
	free(p);
	sys_close(fd);
	return r;
}

int odb_read_manifest(struct odb *odb, const struct oid *oid, struct manifest *out,
		      struct err *e)
{
	char text[OID_TEXT_MAX];
	struct buf bytes = {0};
	int r = odb_read(odb, oid, &bytes, e);

	if (r == 0) {
		r = manifest_parse(buf_slice(&bytes), (enum oid_algo)oid->algo, out, e);
		if (r < 0)
			r = err_ctx(e, r, "object '%s'", oid_text(oid, text));
	}
	buf_release(&bytes);
	return r;
}

/* Move the name into lost+found, under a name that is free there. */
static int move_to_lost(struct odb *odb, const struct oid *oid, const struct odb_dir *d,
			char **kept, struct err *e)
{
	char from[ODB_NAME_MAX], text[OID_TEXT_MAX], *to = NULL;
	int lodefd, r = odb_lode_fd(odb, ODB_CREATE, &lodefd, e);

	if (r == 0)
		r = fs_mkdirs(lodefd, "lost+found", odb->group_shared ? 02775 : 0, e);
	if (r < 0)
		return r;
	odb_name(oid, from);
	oid_text(oid, text);
	for (unsigned i = 0;; i++) {
		free(to);
		to = i ? xasprintf("lost+found/%s.%u", text, i)
		       : xasprintf("lost+found/%s", text);
		if (sys_rename_noreplace(d->fd, from, lodefd, to) == 0)
			break;
		if (errno != EEXIST) {
			r = err_sys(e, "rename", to);
			goto out;
		}
	}
	odb_fact_drop(odb, oid);
	atomic_store(&odb->dirty_dir[odb_half(oid->algo)][oid->b[0]], true);
	log_debug("odb", "bytes under the wrong name %s are kept as %s", text, to);
	if (kept)
		*kept = xasprintf("%s/lode/%s", odb->dir, to);
out:
	free(to);
	return r;
}

int odb_set_aside(struct odb *odb, const struct oid *oid, char **kept, struct err *e)
{
	struct odb_dir d;
	int r = dir_of(odb, oid, &d, e);

	if (r < 0)
		return r;
	r = move_to_lost(odb, oid, &d, kept, e);
	odb_put_dir(&d);
	return r;
}

/* Does anything else hold the bytes that lie under this wrong name? */
static bool bytes_are_elsewhere(struct odb *odb, const struct oid *oid,
				const struct odb_dir *d)
{
	char name[ODB_NAME_MAX];
	struct oid other = {.algo = oid->algo};
	struct stat sb;
	int64_t bytes;
	int fd, r;

	if (sys_fstatat(d->fd, odb_name(oid, name), &sb, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(sb.st_mode))
		return false;
	if (sb.st_size == 0 || sb.st_nlink > 1)
		return true;
	fd = sys_openat(d->fd, name, O_RDONLY | O_NOFOLLOW, 0);
	if (fd < 0)
		return false;
	r = odb_hash_fd(fd, &other, odb->sink, other.b, &bytes, NULL);
	sys_close(fd);
	return r == 0 && odb_verify(odb, &other, NULL) == 0;
}

int odb_push_aside(struct odb *odb, const struct oid *oid, const struct odb_dir *d,
		   char **kept, struct err *e)
{
	char name[ODB_NAME_MAX];

	if (!bytes_are_elsewhere(odb, oid, d))
		return move_to_lost(odb, oid, d, kept, e);
	if (sys_unlinkat(d->fd, odb_name(oid, name), 0) < 0 && errno != ENOENT)
		return err_sys(e, "unlink", name);
	odb_fact_drop(odb, oid);
	return 0;
}

int odb_remove(struct odb *odb, const struct oid *oid, struct err *e)
{
	char name[ODB_NAME_MAX];
	struct odb_dir d;
	int r = dir_of(odb, oid, &d, e);

	if (r < 0)
		return r;
	if (sys_unlinkat(d.fd, odb_name(oid, name), 0) == 0)
		odb_fact_drop(odb, oid);
	else
		r = errno == ENOENT ? not_found(odb, oid, e) : err_sys(e, "unlink", name);
	odb_put_dir(&d);
	return r;
}

int odb_remove_stray(struct odb *odb, enum oid_algo algo, const char *name, struct err *e)
{
	int base, r = odb_base_fd(odb, odb_half(algo), ODB_MUST_EXIST, &base, e);

	if (r < 0)
		return r;
	return sys_unlinkat(base, name, 0) < 0 ? err_sys(e, "unlink", name) : 0;
}

struct walk {
	struct odb *odb;
	unsigned half;
	odb_each_fn fn;
	void *ctx;
};

static int visit(const struct walk *w, int dirfd, const char *leaf, const char *name,
		 const struct oid *oid, struct err *e)
{
	struct filestat st;
	struct stat sb;

	if (sys_fstatat(dirfd, leaf, &sb, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return 0; /* taken away while we walk */
		return err_sys(e, "stat", name);
	}
	st = filestat_of(&sb);
	return w->fn(w->ctx, oid, name, &st, e);
}

static int walk_prefix(const struct walk *w, unsigned prefix, struct err *e)
{
	const uint8_t byte = (uint8_t)prefix;
	struct fs_dir *dir;
	struct fs_dirent ent;
	struct odb_dir d;
	struct buf name = {0};
	char digits[3];
	int r = odb_get_dir(w->odb, w->half, prefix, ODB_MUST_EXIST, &d, e);

	if (r < 0)
		return r == ERR_NOTFOUND ? err_clear(e) : r;
	r = fs_dir_open(&dir, d.fd, ".", e);
	if (r < 0)
		goto out;
	hex_encode(&byte, 1, digits);
	while ((r = fs_dir_next(dir, &ent, e)) > 0) {
		struct oid oid = {0};

		buf_reset(&name);
		buf_addf(&name, "%s/%s", digits, ent.name);
		IGNORE_RESULT(odb_parse_name(ent.name, w->half, prefix, &oid));
		r = visit(w, d.fd, ent.name, buf_str(&name), &oid, e);
		if (r < 0)
			break;
	}
	fs_dir_close(dir);
out:
	buf_release(&name);
	odb_put_dir(&d);
	return r;
}

/* Temporaries that a small number of descriptors made us put above the prefixes. */
static int walk_base(const struct walk *w, struct err *e)
{
	const struct oid none = {0};
	struct fs_dir *dir;
	struct fs_dirent ent;
	int base, r = odb_base_fd(w->odb, w->half, ODB_MUST_EXIST, &base, e);

	if (r == 0)
		r = fs_dir_open(&dir, base, ".", e);
	if (r < 0)
		return r == ERR_NOTFOUND ? err_clear(e) : r;
	while ((r = fs_dir_next(dir, &ent, e)) > 0) {
		if (!tmpfile_is_name(ent.name))
			continue;
		r = visit(w, base, ent.name, ent.name, &none, e);
		if (r < 0)
			break;
	}
	fs_dir_close(dir);
	return r;
}

int odb_each(struct odb *odb, enum oid_algo algo, odb_each_fn fn, void *ctx,
	     struct err *e)
{
	const struct walk w = {.odb = odb, .half = odb_half(algo), .fn = fn, .ctx = ctx};
	int r = walk_base(&w, e);

	for (unsigned p = 0; p < ODB_PREFIXES && r == 0; p++)
		r = walk_prefix(&w, p, e);
	return r;
}
