/*
 * Which object names does this inode carry? Asked only for a workspace file that
 * has several links and is not the object its bytes say: somebody wrote through
 * a hard link, and the object of the old bytes is now wrong.
 */
#include "store/base/err.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "store/odb/odb_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

struct inode_name {
	uint64_t inode;
	struct oid oid;
};

static int compare_inodes(const void *a, const void *b)
{
	const struct inode_name *x = a, *y = b;

	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

static int list_prefix(struct odb *odb, unsigned half, unsigned prefix, size_t *cap,
		       struct err *e)
{
	struct fs_dir *dir;
	struct fs_dirent ent;
	struct odb_dir d;
	int r = odb_get_dir(odb, half, prefix, ODB_MUST_EXIST, &d, e);

	if (r < 0)
		return r == ERR_NOTFOUND ? err_clear(e) : r;
	r = fs_dir_open(&dir, d.fd, ".", e);
	if (r < 0)
		goto out;
	while ((r = fs_dir_next(dir, &ent, e)) > 0) {
		struct inode_name name = {.inode = ent.inode};

		if (!odb_parse_name(ent.name, half, prefix, &name.oid))
			continue;
		if (odb->inodes_nr == *cap)
			odb->inodes = vec_grow(odb->inodes, cap, odb->inodes_nr + 1,
					       sizeof(name));
		odb->inodes[odb->inodes_nr++] = name;
	}
	fs_dir_close(dir);
out:
	odb_put_dir(&d);
	return r;
}

/* Once a run: names that we make later are of right bytes. */
static int list_all(struct odb *odb, struct err *e)
{
	size_t cap = 0;
	int r = 0;

	if (odb->inodes_listed)
		return 0;
	odb_inodes_release(odb);
	for (unsigned h = 0; h < ODB_HALVES; h++)
		for (unsigned p = 0; p < ODB_PREFIXES && r == 0; p++)
			r = list_prefix(odb, h, p, &cap, e);
	if (r < 0)
		return r;
	if (odb->inodes_nr > 0)
		qsort(odb->inodes, odb->inodes_nr, sizeof(*odb->inodes), compare_inodes);
	odb->inodes_listed = true;
	return 0;
}

void odb_inodes_release(struct odb *odb)
{
	free(odb->inodes);
	odb->inodes = NULL;
	odb->inodes_nr = 0;
}

static size_t first_of(const struct odb *odb, uint64_t inode)
{
	size_t low = 0, high = odb->inodes_nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (odb->inodes[mid].inode < inode)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int free_name(struct odb *odb, const struct oid *oid, uint64_t dev, uint64_t inode,
		     struct err *e)
{
	char name[ODB_NAME_MAX], text[OID_TEXT_MAX], told[OID_TEXT_MAX + 128];
	struct odb_dir d;
	struct stat st;
	int r = odb_get_dir(odb, odb_half(oid->algo), oid->b[0], ODB_MUST_EXIST, &d, e);

	if (r < 0)
		return r == ERR_NOTFOUND ? err_clear(e) : r;
	odb_name(oid, name);
	if (sys_fstatat(d.fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_ino != inode ||
	    st.st_dev != dev)
		goto out; /* what was listed is not so any more */
	if (sys_unlinkat(d.fd, name, 0) < 0 && errno != ENOENT) {
		r = err_sys(e, "unlink", name);
		goto out;
	}
	odb_fact_drop(odb, oid);
	atomic_store(&odb->dirty_dir[odb_half(oid->algo)][oid->b[0]], true);
	/* Whoever edits a link should learn what that cost. */
	snprintf(told, sizeof(told),
		 "object %s was edited through its link in the workspace: what it held "
		 "before is no longer in the cache",
		 oid_text(oid, text));
	sink_note(odb->sink, told);
out:
	odb_put_dir(&d);
	return r;
}

int odb_free_names_of(struct odb *odb, uint64_t dev, uint64_t inode,
		      const struct oid *right, struct err *e)
{
	int r;

	pthread_mutex_lock(&odb->inode_lock);
	r = list_all(odb, e);
	for (size_t i = first_of(odb, inode);
	     r == 0 && i < odb->inodes_nr && odb->inodes[i].inode == inode; i++) {
		const struct oid *oid = &odb->inodes[i].oid;

		/* The dos2unix half may name the same bytes otherwise. */
		if (oid_eq(oid, right) ||
		    (oid->algo != right->algo && odb_verify(odb, oid, NULL) == 0))
			continue;
		/* "x" and "x.dir" are one digest of the same bytes. */
		if (oid->algo == right->algo && memcmp(oid->b, right->b, 16) == 0)
			continue;
		r = free_name(odb, oid, dev, inode, e);
	}
	pthread_mutex_unlock(&odb->inode_lock);
	return r;
}
