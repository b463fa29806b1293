/*
 * One workspace file becomes an object, and the workspace keeps a link of a kind
 * that is configured.
 *
 *	fchmod 0444 -> fstat -> hash -> fstat equal -> link into the cache
 *	               fstat -> hash and copy -> fstat equal -> rename
 */
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/log.h"
#include "store/base/sys.h"
#include "store/odb/odb_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define LINK_TRIES 4

enum odb_link odb_store_plan(const struct incoming *in)
{
	const struct odb *odb = in->odb;

	for (size_t i = 0; i < odb->links_nr; i++) {
		switch (odb->links[i]) {
		case ODB_REFLINK:
			if (odb_may_reflink(in->odb, in->dev))
				return ODB_REFLINK;
			break;
		case ODB_HARDLINK:
		case ODB_SYMLINK: /* linked first, then replaced by the symlink */
			/* One inode has one mode: an executable may not share it. */
			if (!in->file->is_exec && !in->is_symlink && !in->must_copy &&
			    in->st.size > 0)
				return ODB_HARDLINK;
			break;
		default:
			return ODB_COPY;
		}
	}
	return ODB_COPY;
}

static int changed(const struct incoming *in, struct err *e)
{
	return err_set(e, ERR_IO, "'%s' changed while it was being read", in->file->name);
}

static int stat_again(const struct incoming *in, struct filestat *st, struct err *e)
{
	struct stat sb;

	if (sys_fstat(in->fd, &sb) < 0)
		return err_sys(e, "fstat", in->file->name);
	*st = filestat_of(&sb);
	return 0;
}

int odb_store_protect(struct incoming *in, struct err *e)
{
	if (in->is_protected || (in->st.mode & 07777) == 0444)
		return 0;
	if (sys_fchmod(in->fd, 0444) < 0) {
		if (!odb_link_may_fall(errno))
			return err_sys(e, "chmod", in->file->name);
		in->must_copy = true; /* somebody else's file */
		return 0;
	}
	in->is_protected = in->was_protected = true;
	in->mode = in->st.mode & 07777;
	return stat_again(in, &in->st, e);
}

static void give_mode_back(struct incoming *in)
{
	/* It stays read-only where even this fails; its bytes are untouched. */
	if (in->is_protected)
		IGNORE_RESULT(sys_fchmod(in->fd, in->mode) < 0);
	in->is_protected = false;
}

void odb_store_end(struct incoming *in)
{
	if (in->fd >= 0) {
		if (!in->file->linked)
			give_mode_back(in);
		sys_close(in->fd);
	}
	in->fd = -1;
	tmpfile_release(&in->copy);
}

/* linkat went by name: was it our file that got the object's? */
static int check_link(struct incoming *in, const struct odb_dir *d, const char *name,
		      struct err *e)
{
	struct filestat after;
	struct stat sb;
	int r = stat_again(in, &after, e);

	if (r == 0 && after.nlink <= in->st.nlink) {
		if (sys_fstatat(d->fd, name, &sb, AT_SYMLINK_NOFOLLOW) < 0)
			r = err_sys(e, "stat", name);
		else if (sb.st_ino != in->st.inode)
			r = changed(in, e);
	}
	if (r == 0 && !filestat_same(&in->st, &after))
		r = changed(in, e);
	if (r < 0) {
		/* Bytes that were not hashed must not keep the name. */
		IGNORE_RESULT(sys_unlinkat(d->fd, name, 0) < 0);
		return r;
	}
	in->file->linked = true;
	in->file->st = after;
	return 0;
}

/* Link the workspace file into the cache. *fall: this way is barred. */
static int store_by_link(struct incoming *in, const struct odb_dir *d, bool *fall,
			 struct err *e)
{
	const struct oid *oid = &in->file->oid;
	struct odb *odb = in->odb;
	char name[ODB_NAME_MAX];
	struct filestat st;
	int r = odb_store_protect(in, e);

	*fall = in->must_copy;
	if (r < 0 || *fall)
		return r;
	if (odb->sync == FS_SYNC_OBJECT && sys_fsync(in->fd) < 0)
		return err_sys(e, "fsync", in->file->name);
	odb_name(oid, name);
	for (int i = 0; i < LINK_TRIES; i++) {
		if (sys_linkat(in->dirfd, in->file->name, d->fd, name, 0) == 0) {
			r = check_link(in, d, name, e);
			if (r < 0)
				return r;
			odb_touched(odb, oid);
			odb_fact_set(odb, oid, &in->file->st, in->asked_ns);
			if (odb->sync == FS_SYNC_OBJECT && sys_fsync(d->fd) < 0)
				return err_sys(e, "fsync", "an object directory");
			return 0;
		}
		if (errno == ENOENT)
			return changed(in, e);
		if (errno != EEXIST) {
			*fall = odb_link_may_fall(errno);
			return *fall ? 0 : err_sys(e, "link", in->file->name);
		}
		r = odb_check_in(odb, oid, d, &st, e);
		if (r == 0)
			return 0;
		if (r == ERR_CORRUPT)
			r = odb_push_aside(odb, oid, d, NULL, e);
		if (r < 0 && r != ERR_NOTFOUND)
			return r;
	}
	return err_set(e, ERR_CORRUPT,
		       "object '%s' is being rewritten by another program", name);
}

static int store_by_clone(struct incoming *in, const struct odb_dir *d, bool *fall,
			  struct err *e)
{
	struct tmpfile t = {0};
	struct filestat st;
	int r = tmpfile_open(&t, d->fd, 0644, e);

	*fall = false;
	if (r < 0)
		return r;
	if (sys_ficlone(t.fd, in->fd) < 0) {
		*fall = odb_link_may_fall(errno);
		if (*fall)
			odb_no_reflink(in->odb, in->dev);
		else
			r = err_sys(e, "reflink", in->file->name);
		goto out;
	}
	/* The clone was made after the hashing: of the same bytes? */
	r = stat_again(in, &st, e);
	if (r == 0 && !filestat_same(&in->st, &st))
		r = changed(in, e);
	if (r == 0)
		r = odb_settle(in->odb, &in->file->oid, d, &t, &st, e);
out:
	tmpfile_release(&t);
	return r;
}

static int store_by_copy(struct incoming *in, const struct odb_dir *d, struct err *e)
{
	struct tmpfile t = {0};
	struct filestat st;
	uint8_t digest[16];
	int64_t bytes;
	int r = tmpfile_open(&t, d->fd, 0644, e);

	if (r < 0)
		return r;
	if (in->bytes) {
		if (in->st.size > 0 &&
		    sys_write(t.fd, in->bytes, (size_t)in->st.size) < 0)
			r = err_sys(e, "write", "an object");
	} else if (lseek(in->fd, 0, SEEK_SET) < 0) {
		r = err_sys(e, "seek", in->file->name);
	} else {
		/* A large one that was to be linked and cannot be: once more. */
		r = odb_pump(in->fd, t.fd, &in->file->oid, in->file->name, in->odb->sink,
			     digest, &bytes, e);
		if (r == 0 && memcmp(digest, in->file->oid.b, sizeof(digest)) != 0)
			r = changed(in, e);
	}
	if (r == 0)
		r = odb_settle(in->odb, &in->file->oid, d, &t, &st, e);
	tmpfile_release(&t);
	return r;
}

/* Get the bytes under their name; what is there already and right stays. */
static int store_bytes(struct incoming *in, const struct odb_dir *d, struct err *e)
{
	const struct oid *oid = &in->file->oid;
	struct filestat st;
	bool fall = true;
	int r = 0;

	if (in->copy.live)
		return odb_settle(in->odb, oid, d, &in->copy, &st, e);
	if (odb_store_plan(in) != ODB_HARDLINK) {
		r = odb_check_in(in->odb, oid, d, &st, e);
		if (r != ERR_NOTFOUND && r != ERR_CORRUPT)
			return r;
	}
	while (fall) {
		enum odb_link plan = odb_store_plan(in);

		if (plan == ODB_REFLINK) {
			r = store_by_clone(in, d, &fall, e);
		} else if (plan == ODB_HARDLINK) {
			r = store_by_link(in, d, &fall, e);
			if (fall) {
				give_mode_back(in);
				in->must_copy = true;
			}
		} else {
			fall = false;
			r = store_by_copy(in, d, e);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Several links, and not all of them need be the user's: is it the object itself,
 * or another object that somebody wrote to through this link? The names of such
 * a one are taken away before these bytes get theirs: at no time does a name
 * that we touched stand for other bytes.
 */
static int sort_out_links(struct incoming *in, const struct odb_dir *d, bool *is_object,
			  struct err *e)
{
	char name[ODB_NAME_MAX];
	struct stat sb;

	*is_object = false;
	if (in->st.nlink < 2)
		return 0;
	if (sys_fstatat(d->fd, odb_name(&in->file->oid, name), &sb,
			AT_SYMLINK_NOFOLLOW) == 0 &&
	    sb.st_ino == in->st.inode && sb.st_dev == in->dev) {
		*is_object = true;
		return 0;
	}
	return odb_free_names_of(in->odb, in->dev, in->st.inode, &in->file->oid, e);
}

/* The workspace file is the object, and was just hashed. */
static int adopt(struct incoming *in, struct err *e)
{
	int r = odb_store_protect(in, e);

	if (r < 0)
		return r;
	in->file->linked = true;
	in->file->st = in->st;
	odb_fact_set(in->odb, &in->file->oid, &in->st, in->asked_ns);
	return 0;
}

/* Is what the name stands for still what was read? */
static int check_name(struct incoming *in, struct err *e)
{
	struct filestat st;
	struct stat sb;

	if (sys_fstatat(in->dirfd, in->file->name, &sb, 0) < 0)
		return err_sys(e, "stat", in->file->name);
	st = filestat_of(&sb);
	/* fchmod and further links change ctime, never mtime. */
	if (st.inode != in->st.inode || st.size != in->st.size ||
	    st.mtime_ns != in->st.mtime_ns)
		return changed(in, e);
	in->file->st = st;
	return 0;
}

static int relink(struct incoming *in, const struct odb_dir *d, struct err *e)
{
	struct odb_file *f = in->file;
	enum odb_link kind = ODB_COPY, used;
	int r;

	if (f->linked)
		kind = ODB_HARDLINK;
	else if (in->is_symlink)
		kind = odb_kind_in(in->odb, &f->oid, d->fd, in->dirfd, f->name);
	if ((in->flags & ODB_NO_RELINK) || !odb_wants_relink(in->odb, kind, in->flags))
		return 0;
	/* A plain file is what these get, whatever is configured. */
	if (kind == ODB_COPY &&
	    (f->is_exec || (in->st.size == 0 && !odb_links_first(in->odb, ODB_SYMLINK))))
		return 0;
	r = check_name(in, e);
	if (r < 0)
		return r;
	r = odb_place(in->odb, &f->oid, d, in->dirfd, f->name,
		      ODB_REPLACE | (f->is_exec ? ODB_EXEC : 0u), &f->st, &used, e);
	if (r == ERR_IO && e->sys != 0 && odb_link_may_fall(e->sys)) {
		/* No type works here. The object is stored, the file is what it
		 * was: as with DVC, that is no failure. */
		log_debug("odb", "'%s' stays as it is: %s", f->name, e->text);
		return err_clear(e);
	}
	if (r == 0) {
		f->linked = true;
		in->is_protected = false; /* the mode was the old inode's */
	}
	return r;
}

int odb_store(struct incoming *in, struct err *e)
{
	struct odb_file *f = in->file;
	struct filestat now;
	bool is_object, was_linked;
	struct odb_dir d;
	int r = stat_again(in, &now, e);

	if (r < 0)
		return r;
	if (!filestat_same(&in->st, &now) || now.size != in->st.size)
		return changed(in, e);
	if (in->flags & ODB_HASH_ONLY) {
		f->st = now;
		return 0;
	}
	r = odb_get_dir(in->odb, odb_half(f->oid.algo), f->oid.b[0], ODB_CREATE, &d, e);
	if (r < 0)
		return r;
	r = sort_out_links(in, &d, &is_object, e);
	if (r == 0)
		r = is_object ? adopt(in, e) : store_bytes(in, &d, e);
	was_linked = f->linked;
	if (r == 0)
		r = relink(in, &d, e);
	if (r == 0 && !f->linked) {
		/* What was stored are the bytes that now was taken of. */
		f->st = now;
		/* Our chmod and unlink changed its ctime. */
		if (in->was_protected || in->is_symlink || in->st.nlink > 1) {
			give_mode_back(in);
			r = check_name(in, e);
		}
	} else if (r < 0 && !was_linked) {
		f->linked = false;
	}
	odb_put_dir(&d);
	return r;
}
