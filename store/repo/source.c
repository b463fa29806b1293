#include "store/repo/source.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/base/vec.h"
#include "store/odb/manifest.h"
#include "store/odb/odb.h"
#include "store/repo/repo.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum {
	DEPTH_MAX = 1000
};

struct scan {
	struct odb *odb;
	unsigned flags;
	struct manifest m;
	struct source *out;
};

/* Files of one directory at once. */
static int take_files(struct scan *s, int dirfd, const char *rel,
		      const struct strvec *names, struct err *e)
{
	struct odb_file *files = xcalloc(names->nr + 1, sizeof(*files));
	int rc;

	for (size_t i = 0; i < names->nr; i++) {
		files[i].name = names->v[i];
		files[i].oid.algo = OID_MD5;
	}
	rc = names->nr ? odb_ingest(s->odb, dirfd, files, names->nr, s->flags, e) : 0;
	for (size_t i = 0; i < names->nr; i++) {
		char *path;

		if (files[i].err && rc == 0) {
			rc = files[i].err->code;
			if (e)
				*e = *files[i].err;
		}
		if (files[i].err || rc < 0) {
			free(files[i].err);
			continue;
		}
		path = rel[0] ? path_join(rel, names->v[i]) : xstrdup(names->v[i]);
		manifest_add(&s->m, path, &files[i].oid, files[i].st.size);
		s->out->bytes += (uint64_t)files[i].st.size;
		s->out->is_exec = (files[i].st.mode & 0111) != 0;
		free(path);
	}
	free(files);
	return rc;
}

static int sort_entry(int dirfd, const char *name, struct strvec *files,
		      struct strvec *dirs, struct err *e)
{
	struct stat st, link;

	if (sys_fstatat(dirfd, name, &link, AT_SYMLINK_NOFOLLOW) < 0 ||
	    sys_fstatat(dirfd, name, &st, 0) < 0)
		return err_sys(e, "stat", name);
	if (S_ISREG(st.st_mode))
		strvec_push(files, name);
	else if (S_ISDIR(st.st_mode) && S_ISDIR(link.st_mode))
		strvec_push(dirs, name);
	else if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_INVALID, "'%s' is neither a file nor a directory",
			       name);
	return 0;
}

static int scan_dir(struct scan *s, int dirfd, const char *name, const char *rel,
		    unsigned depth, struct err *e)
{
	struct strvec files = {0}, dirs = {0};
	struct fs_dir *d = NULL;
	struct fs_dirent ent;
	int rc;

	if (depth > DEPTH_MAX)
		return err_set(e, ERR_INVALID, "'%s' is more than %d levels deep", rel,
			       DEPTH_MAX);
	if ((rc = fs_dir_open(&d, dirfd, name, e)) < 0)
		return rc;
	while ((rc = fs_dir_next(d, &ent, e)) > 0) {
		if ((rc = sort_entry(fs_dir_fd(d), ent.name, &files, &dirs, e)) < 0)
			goto out;
	}
	if (rc < 0 || (rc = take_files(s, fs_dir_fd(d), rel, &files, e)) < 0)
		goto out;
	for (size_t i = 0; i < dirs.nr && rc == 0; i++) {
		char *sub = rel[0] ? path_join(rel, dirs.v[i]) : xstrdup(dirs.v[i]);

		rc = scan_dir(s, fs_dir_fd(d), dirs.v[i], sub, depth + 1, e);
		free(sub);
	}
out:
	strvec_release(&files);
	strvec_release(&dirs);
	fs_dir_close(d);
	return rc;
}

static int scan_file(struct scan *s, const char *abs, struct err *e)
{
	struct slice dir = path_dir(abs), base = path_base(abs);
	char *parent = xmemdup0(dir.p, dir.n);
	struct strvec one = {0};
	int fd, rc;

	strvec_take(&one, xmemdup0(base.p, base.n));
	fd = sys_openat(AT_FDCWD, parent, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0) {
		rc = err_sys(e, "open", parent);
	} else {
		rc = take_files(s, fd, "", &one, e);
		(void)sys_close(fd); /* a directory */
	}
	strvec_release(&one);
	free(parent);
	return rc;
}

int source_scan(struct repo *r, const char *abs, bool store, struct source *out,
		struct err *e)
{
	struct source found = {0};
	struct scan s = {.out = &found, .flags = store ? ODB_NO_RELINK : ODB_HASH_ONLY};
	struct stat st;
	int rc;

	if (sys_fstatat(AT_FDCWD, abs, &st, 0) < 0)
		return err_sys(e, "stat", abs);
	if ((rc = repo_odb(r, &s.odb, e)) < 0)
		return rc;
	if (!S_ISDIR(st.st_mode)) {
		if ((rc = scan_file(&s, abs, e)) == 0)
			found.oid = s.m.v[0].oid;
		goto out;
	}
	found.is_dir = true;
	if ((rc = scan_dir(&s, AT_FDCWD, abs, "", 0, e)) < 0)
		goto out;
	found.is_exec = false;
	manifest_sort(&s.m);
	rc = store ? odb_add_manifest(s.odb, &s.m, OID_MD5, &found.oid, e)
		   : manifest_oid(&s.m, OID_MD5, &found.oid, e);
out:
	found.files_nr = s.m.nr;
	manifest_release(&s.m);
	if (rc == 0)
		*out = found;
	return rc;
}
