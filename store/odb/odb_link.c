/* From the cache into the workspace: links of four kinds, and what is there now. */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "store/hash/hash.h"
#include "store/odb/odb_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define SMALL_MAX ((int64_t)1 << 20)

bool odb_link_may_fall(int sys_errno)
{
	return sys_errno != ENOSPC && sys_errno != EIO && sys_errno != EDQUOT &&
	       sys_errno != EINTR;
}

bool odb_may_reflink(struct odb *odb, uint64_t dev)
{
	return atomic_load(&odb->no_reflink_dev) != dev + 1;
}

void odb_no_reflink(struct odb *odb, uint64_t dev)
{
	atomic_store(&odb->no_reflink_dev, dev + 1);
}

bool odb_links_have(const struct odb *odb, enum odb_link kind)
{
	for (size_t i = 0; i < odb->links_nr; i++) {
		/* A clone cannot be told from a copy, and need not be. */
		enum odb_link have =
			odb->links[i] == ODB_REFLINK ? ODB_COPY : odb->links[i];

		if (have == (kind == ODB_REFLINK ? ODB_COPY : kind))
			return true;
	}
	return false;
}

bool odb_links_first(const struct odb *odb, enum odb_link kind)
{
	enum odb_link first = odb->links_nr > 0 ? odb->links[0] : ODB_COPY;

	return kind == (first == ODB_REFLINK ? ODB_COPY : first);
}

bool odb_wants_relink(struct odb *odb, enum odb_link kind, unsigned flags)
{
	return !(flags & ODB_FIRST_LINK ? odb_links_first(odb, kind)
					: odb_links_have(odb, kind));
}

/* What one way of linking came to. */
enum outcome {
	PLACED,
	FAILED, /* *e says why */
	FALL,	/* this type does not work here: the next one; *e says why */
};

struct place {
	struct odb *odb;
	const struct oid *oid;
	const struct odb_dir *d;
	int dirfd;
	const char *name;
	bool is_exec, replace;
	bool direct;	     /* nobody knows the directory yet: no temporary name */
	struct filestat *st; /* of a file that was written directly */
	struct err *e;
};

static enum outcome fell(const struct place *p, const char *call, int sys_errno)
{
	errno = sys_errno;
	err_sys(p->e, call, p->name);
	return odb_link_may_fall(sys_errno) ? FALL : FAILED;
}

/* A link under a temporary name takes the place of what is there. */
static enum outcome rename_over(const struct place *p, struct tmpfile *t)
{
	int r = p->replace ? tmpfile_replace(t, p->dirfd, p->name, p->e)
			   : tmpfile_publish(t, p->dirfd, p->name, p->e);

	return r < 0 ? FAILED : PLACED;
}

static int make_link(const struct place *p, enum odb_link kind, const char *as)
{
	char object[ODB_NAME_MAX];
	struct buf path = {0};
	int r, saved;

	if (kind == ODB_HARDLINK)
		return sys_linkat(p->d->fd, odb_name(p->oid, object), p->dirfd, as, 0);
	odb_object_path(p->odb, p->oid, &path);
	r = sys_symlinkat(buf_str(&path), p->dirfd, as);
	saved = errno;
	buf_release(&path);
	errno = saved;
	return r;
}

static enum outcome place_link(const struct place *p, enum odb_link kind)
{
	struct tmpfile t = {0};
	enum outcome o = PLACED;
	int saved;

	if (p->replace) {
		if (tmpfile_name(&t, p->dirfd, p->e) < 0)
			return FAILED;
		if (make_link(p, kind, t.name) < 0) {
			saved = errno;
			tmpfile_release(&t);
			return fell(p, "link", saved);
		}
		o = rename_over(p, &t);
		tmpfile_release(&t);
	} else if (make_link(p, kind, p->name) < 0) {
		if (errno == EEXIST) {
			err_sys(p->e, "link", p->name);
			return FAILED;
		}
		o = fell(p, "link", errno);
	}
	if (o == PLACED && kind == ODB_HARDLINK)
		odb_fact_linked(p->odb, p->oid);
	return o;
}

/* Written through sys calls that may stop short; nothing is hashed. */
enum {
	COPY_PIECE = 64 << 20 /* between two looks for an interrupt */
};

static int copy_verified(int from, int to, int64_t size, struct sink *sink, struct err *e)
{
	int64_t done = 0;

	while (done < size) {
		ssize_t n =
			sys_copy_range(from, to, (size_t)MIN_OF(size - done, COPY_PIECE));

		if (n < 0 && done == 0 && odb_link_may_fall(errno))
			return fs_copy_fd(from, to, e);
		if (n < 0)
			return err_sys(e, "copy", "an object");
		if (n == 0)
			return err_set(e, ERR_CORRUPT, "an object became shorter");
		done += n;
		if (done == size)
			break;
		sink_tick(sink, (uint64_t)n);
		if (interrupt_check(e) < 0)
			return ERR_CANCELED;
	}
	return 0;
}

static int copy_small(int from, int to, const struct oid *like, int64_t size,
		      uint8_t digest[16], int64_t *bytes, struct err *e)
{
	void *p = xmalloc((size_t)size + 1);
	ssize_t n = sys_read(from, p, (size_t)size + 1);
	struct md5_job job = {.p = p, .n = n < 0 ? 0 : (size_t)n};
	int r = 0;

	if (n < 0) {
		r = err_sys(e, "read", "an object");
		goto out;
	}
	if (like->algo == OID_LEGACY && !like->is_dir) {
		hash_dos2unix(p, (size_t)n, digest);
	} else {
		md5_many(&job, 1);
		memcpy(digest, job.out, sizeof(job.out));
	}
	if (n > 0 && sys_write(to, p, (size_t)n) < 0)
		r = err_sys(e, "write", "a copy of an object");
	*bytes = n;
out:
	free(p);
	return r;
}

/* Copy an object's bytes; hashed on the way unless they are on record. */
static int copy_object(const struct place *p, int from, const struct filestat *st, int to)
{
	int64_t asked = 0, bytes = 0;
	struct filestat after;
	uint8_t digest[16];
	struct stat sb;
	char text[OID_TEXT_MAX];
	int r;

	if (odb_fact_holds(p->odb, p->oid, st))
		return copy_verified(from, to, st->size, p->odb->sink, p->e);
	asked = odb_fs_now(p->odb);
	if (st->size <= SMALL_MAX)
		r = copy_small(from, to, p->oid, st->size, digest, &bytes, p->e);
	else
		r = odb_pump(from, to, p->oid, p->name, p->odb->sink, digest, &bytes,
			     p->e);
	if (r < 0)
		return r;
	if (memcmp(digest, p->oid->b, sizeof(digest)) != 0)
		return err_set(p->e, ERR_CORRUPT,
			       "object '%s' in the cache '%s' holds other bytes",
			       oid_text(p->oid, text), p->odb->dir);
	if (sys_fstat(from, &sb) < 0)
		return err_sys(p->e, "fstat", text);
	after = filestat_of(&sb);
	if (filestat_same(st, &after)) {
		odb_fact_set(p->odb, p->oid, &after, asked);
		if ((after.mode & 07777) != 0444)
			odb_pend(p->odb, p->oid, &after, true);
	}
	return 0;
}

static int open_object(const struct place *p, int *fd, struct filestat *st)
{
	char name[ODB_NAME_MAX], text[OID_TEXT_MAX];
	struct stat sb;
	int f = sys_openat(p->d->fd, odb_name(p->oid, name),
			   O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);

	if (f < 0 && errno == ENOENT)
		return err_set(p->e, ERR_NOTFOUND, "object '%s' is not in the cache '%s'",
			       oid_text(p->oid, text), p->odb->dir);
	if (f < 0)
		return err_sys(p->e, "open", name);
	if (sys_fstat(f, &sb) < 0) {
		int r = err_sys(p->e, "fstat", name);

		sys_close(f);
		return r;
	}
	if (!S_ISREG(sb.st_mode)) {
		sys_close(f);
		return err_set(p->e, ERR_CORRUPT, "object '%s' is not a regular file",
			       oid_text(p->oid, text));
	}
	*fd = f;
	*st = filestat_of(&sb);
	return 0;
}

/* The object's bytes into a new file, by FICLONE or by copying, and its mode. */
static enum outcome fill(const struct place *p, enum odb_link kind, int from,
			 const struct filestat *st, int to)
{
	struct stat sb;

	if (kind == ODB_REFLINK) {
		if (sys_ficlone(to, from) < 0) {
			int saved = errno;

			if (odb_link_may_fall(saved) && sys_fstat(to, &sb) == 0)
				odb_no_reflink(p->odb, sb.st_dev);
			return fell(p, "reflink", saved);
		}
	} else if (copy_object(p, from, st, to) < 0) {
		return FAILED;
	}
	if (p->is_exec && (sys_fstat(to, &sb) < 0 ||
			   sys_fchmod(to, (sb.st_mode & 07777) | S_IXUSR) < 0)) {
		err_sys(p->e, "chmod", p->name);
		return FAILED;
	}
	return PLACED;
}

/* Straight under its name, which goes again if the file does not become whole. */
static enum outcome fill_direct(const struct place *p, enum odb_link kind, int from,
				const struct filestat *object)
{
	enum outcome o;
	struct stat sb;
	int to = sys_openat(p->dirfd, p->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
			    0666);

	if (to < 0) {
		err_sys(p->e, "create", p->name);
		return FAILED;
	}
	o = fill(p, kind, from, object, to);
	if (o == PLACED && sys_fstat(to, &sb) < 0) {
		err_sys(p->e, "fstat", p->name);
		o = FAILED;
	}
	if (sys_close(to) < 0 && o == PLACED) {
		err_sys(p->e, "close", p->name);
		o = FAILED;
	}
	if (o == PLACED)
		*p->st = filestat_of(&sb);
	else
		IGNORE_RESULT(sys_unlinkat(p->dirfd, p->name, 0) < 0);
	return o;
}

/* A file of its own: by FICLONE of a verified object, or by copying. */
static enum outcome place_file(const struct place *p, enum odb_link kind)
{
	struct tmpfile t = {0};
	struct filestat st;
	struct stat sb;
	enum outcome o = FAILED;
	int from = -1;

	if (kind == ODB_REFLINK &&
	    (sys_fstat(p->dirfd, &sb) < 0 || !odb_may_reflink(p->odb, sb.st_dev)))
		return fell(p, "reflink", EOPNOTSUPP);
	if (open_object(p, &from, &st) < 0)
		return FAILED;
	if (p->direct) {
		o = fill_direct(p, kind, from, &st);
		goto out;
	}
	if (tmpfile_open(&t, p->dirfd, 0666, p->e) < 0)
		goto out;
	o = fill(p, kind, from, &st, t.fd);
	if (o == PLACED)
		o = rename_over(p, &t);
out:
	tmpfile_release(&t);
	sys_close(from);
	return o;
}

/* *st: of the object, where that was looked at. *kind becomes what it came to. */
static enum outcome place_by(const struct place *p, enum odb_link *kind,
			     struct filestat *st)
{
	/* copy_object looks at the bytes itself, while it copies. */
	if (*kind != ODB_COPY && odb_check_in(p->odb, p->oid, p->d, st, p->e) < 0)
		return FAILED;
	/* Links to empty files would run into the limit of links. */
	if (*kind == ODB_HARDLINK && st->size == 0)
		*kind = ODB_COPY;
	if (*kind == ODB_HARDLINK || *kind == ODB_SYMLINK)
		return place_link(p, *kind);
	return place_file(p, *kind);
}

/*
 * What a look at the new name would see. A link is the object, which was looked at a
 * moment ago; its ctime, which the link has changed, says nothing about it any more.
 */
static int placed_stat(const struct place *p, enum odb_link kind,
		       const struct filestat *object, struct filestat *out, struct err *e)
{
	struct stat sb;

	if (kind == ODB_HARDLINK) {
		*out = *object;
		out->nlink++;
		return 0;
	}
	if (p->direct && kind != ODB_SYMLINK)
		return 0; /* fill_direct had it open */
	if (sys_fstatat(p->dirfd, p->name, &sb, 0) < 0)
		return err_sys(e, "stat", p->name);
	*out = filestat_of(&sb);
	return 0;
}

int odb_place(struct odb *odb, const struct oid *oid, const struct odb_dir *d, int dirfd,
	      const char *name, unsigned flags, struct filestat *st, enum odb_link *used,
	      struct err *e)
{
	bool is_exec = flags & ODB_EXEC;
	struct err own = {0};
	const struct place p = {
		.odb = odb,
		.oid = oid,
		.d = d,
		.dirfd = dirfd,
		.name = name,
		.is_exec = is_exec,
		.replace = flags & ODB_REPLACE,
		.direct = flags & ODB_DIRECT,
		.st = st,
		.e = &own,
	};
	enum outcome o = FALL;
	enum odb_link kind = ODB_COPY;
	struct filestat object = {0};

	for (size_t i = 0; i < odb->links_nr && o == FALL; i++) {
		kind = odb->links[i];
		if (is_exec && (kind == ODB_HARDLINK || kind == ODB_SYMLINK))
			continue;
		o = place_by(&p, &kind, &object);
	}
	/*
	 * An executable may not share its mode with the object, and an object may
	 * have as many links as its file system allows: neither is a wrong setting.
	 */
	if (o == FALL && (is_exec || own.sys == EMLINK)) {
		kind = ODB_COPY;
		o = place_by(&p, &kind, &object);
	}
	if (o == FALL)
		err_ctx(&own, ERR_IO, "no cache link type of 'cache.type' works here");
	if (o != PLACED) {
		if (e)
			*e = own;
		return own.code;
	}
	*used = kind;
	return placed_stat(&p, kind, &object, st, e);
}

int odb_checkout(struct odb *odb, const struct oid *oid, int dirfd, const char *name,
		 unsigned flags, struct filestat *st, enum odb_link *used, struct err *e)
{
	char text[OID_TEXT_MAX];
	struct odb_dir d;
	int r = odb_get_dir(odb, odb_half(oid->algo), oid->b[0], ODB_MUST_EXIST, &d, e);

	if (r == ERR_NOTFOUND)
		return err_set(e, ERR_NOTFOUND, "object '%s' is not in the cache '%s'",
			       oid_text(oid, text), odb->dir);
	if (r < 0)
		return r;
	r = odb_place(odb, oid, &d, dirfd, name, flags, st, used, e);
	odb_put_dir(&d);
	return r;
}

enum odb_link odb_kind_in(struct odb *odb, const struct oid *oid, int objdir, int dirfd,
			  const char *name)
{
	char object[ODB_NAME_MAX];
	struct stat own, obj, target;

	(void)odb;
	if (sys_fstatat(dirfd, name, &own, AT_SYMLINK_NOFOLLOW) < 0)
		return ODB_COPY;
	if (S_ISREG(own.st_mode) && own.st_nlink == 1)
		return ODB_COPY;
	if (sys_fstatat(objdir, odb_name(oid, object), &obj, AT_SYMLINK_NOFOLLOW) < 0)
		return S_ISLNK(own.st_mode) ? 0 : ODB_COPY;
	if (!S_ISLNK(own.st_mode))
		return own.st_ino == obj.st_ino && own.st_dev == obj.st_dev ? ODB_HARDLINK
									    : ODB_COPY;
	if (sys_fstatat(dirfd, name, &target, 0) == 0 && target.st_ino == obj.st_ino &&
	    target.st_dev == obj.st_dev)
		return ODB_SYMLINK;
	return 0;
}

enum odb_link odb_kind_of(struct odb *odb, const struct oid *oid, int dirfd,
			  const char *name)
{
	struct odb_dir d;
	enum odb_link kind;

	if (odb_get_dir(odb, odb_half(oid->algo), oid->b[0], ODB_MUST_EXIST, &d, NULL) <
	    0)
		return ODB_COPY;
	kind = odb_kind_in(odb, oid, d.fd, dirfd, name);
	odb_put_dir(&d);
	return kind;
}

/* The bytes of name in a file of its own, which takes its place. */
static int own_file(int dirfd, const char *name, mode_t mode, struct err *e)
{
	struct tmpfile t = {0};
	struct stat sb;
	int r = 0, from = sys_openat(dirfd, name, O_RDONLY | O_NONBLOCK, 0);

	if (from < 0)
		return err_sys(e, "open", name);
	if (sys_fstat(from, &sb) < 0)
		r = err_sys(e, "fstat", name);
	else if (!S_ISREG(sb.st_mode))
		r = err_set(e, ERR_INVALID, "'%s' is not a regular file", name);
	if (r == 0)
		r = tmpfile_open(&t, dirfd, 0666, e);
	if (r == 0)
		r = fs_copy_fd(from, t.fd, e);
	if (r == 0 && sys_fchmod(t.fd, mode) < 0)
		r = err_sys(e, "chmod", name);
	if (r == 0)
		r = tmpfile_replace(&t, dirfd, name, e);
	tmpfile_release(&t);
	sys_close(from);
	return r;
}

mode_t odb_plain_mode(const struct odb *odb)
{
	return odb->group_shared ? 0664 : 0666 & ~odb->umask;
}

int odb_unprotect(struct odb *odb, int dirfd, const char *name, struct err *e)
{
	mode_t mode = odb_plain_mode(odb);
	struct stat sb;

	if (sys_fstatat(dirfd, name, &sb, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "stat", name);
	if (S_ISLNK(sb.st_mode) || (S_ISREG(sb.st_mode) && sb.st_nlink > 1))
		return own_file(dirfd, name, mode, e);
	if (!S_ISREG(sb.st_mode))
		return err_set(e, ERR_INVALID, "'%s' is not a regular file", name);
	if ((sb.st_mode & 07777) != mode && sys_fchmodat(dirfd, name, mode) < 0)
		return err_sys(e, "chmod", name);
	return 0;
}
