/*
 * Files and directories as wholes, over sys.h. dirfd may be AT_FDCWD; paths in
 * messages are as given. Thread-safe.
 */
#ifndef STORE_BASE_FS_H
#define STORE_BASE_FS_H

#include "store/base/compiler.h"
#include "store/base/slice.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct buf;
struct err;

/* How durable: see DESIGN "Never lose bytes". */
enum fs_sync {
	FS_SYNC_BATCH = 0, /* all bytes we wrote, before the file that names them */
	FS_SYNC_OBJECT,	   /* each file as it is written */
	FS_SYNC_NONE,	   /* tests only */
};

/* The whole file, at most limit bytes (0: 1 GiB); larger is ERR_INVALID. Links are followed. */
int fs_read(int dirfd, const char *path, size_t limit, struct buf *out,
	    struct err *e) MUST_CHECK;

/*
 * Replace or create a file: temporary, write, fsync unless FS_SYNC_NONE, rename,
 * fsync of the directory. An existing file's mode is kept; a new one gets
 * mode & ~umask. A symbolic link at path is replaced, not followed.
 */
int fs_write(int dirfd, const char *path, struct slice data, mode_t mode,
	     enum fs_sync sync, struct err *e) MUST_CHECK;

/*
 * Where fs_write has its temporaries: a directory that is not the user's, so that
 * a kill leaves nothing beside the user's files. Used where it is on the same
 * file system, else the destination's own directory is. -1: none. Process-wide;
 * the owner keeps it open until it is replaced.
 */
void fs_set_staging(int dirfd);

/* Create path and its parents; an existing directory is success. exact_mode
 * (not 0) is set by chmod on those that were made, whatever the umask. */
int fs_mkdirs(int dirfd, const char *path, mode_t exact_mode, struct err *e) MUST_CHECK;

int fs_sync_dir(int dirfd, const char *path,
		struct err *e) MUST_CHECK; /* fsync a directory */

/* What is there, without following: an S_IFMT value, or 0 for nothing. Errors
 * other than absence count as absence only for kind; use sys_fstatat for more. */
mode_t fs_kind(int dirfd, const char *path);
bool fs_exists(int dirfd, const char *path); /* follows links */

/* Remove a file, or a directory with all in it; absence is success. Never
 * follows a link, never leaves dirfd's file system by a mount. */
int fs_remove_tree(int dirfd, const char *path, struct err *e) MUST_CHECK;

/* Remove empty directories upwards from dir (relative to rootfd), not the root itself. */
void fs_prune_empty(int rootfd, const char *dir);

/* Copy all bytes of src to dst: clone, copy_file_range, else read and write. */
int fs_copy_fd(int src, int dst, struct err *e) MUST_CHECK;

char *fs_cwd(struct err *e);			/* malloc'ed, NULL on failure */
char *fs_real(const char *path, struct err *e); /* realpath; malloc'ed, NULL on failure */

/* Directory entries without "." and "..", in the disk's order. */
struct fs_dir;
struct fs_dirent {
	const char *name;   /* good until the next call */
	unsigned char type; /* DT_REG, DT_DIR, DT_LNK ... or DT_UNKNOWN */
	uint64_t inode;
};
int fs_dir_open(struct fs_dir **out, int dirfd, const char *path,
		struct err *e) MUST_CHECK;
int fs_dir_fd(const struct fs_dir *d);
/* 1 with *ent filled, 0 at the end, else an error. */
int fs_dir_next(struct fs_dir *d, struct fs_dirent *ent, struct err *e) MUST_CHECK;
void fs_dir_close(struct fs_dir *d);

#endif
