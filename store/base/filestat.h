/* What identifies the bytes of a file without reading them. */
#ifndef STORE_BASE_FILESTAT_H
#define STORE_BASE_FILESTAT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct filestat {
	uint64_t inode;
	int64_t size;
	int64_t mtime_ns;
	int64_t ctime_ns;
	uint32_t mode; /* st_mode, type and permissions */
	uint32_t nlink;
};

static inline struct filestat filestat_of(const struct stat *st)
{
	return (struct filestat){
		.inode = st->st_ino,
		.size = st->st_size,
		.mtime_ns =
			(int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
		.ctime_ns =
			(int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec,
		.mode = st->st_mode,
		.nlink = (uint32_t)st->st_nlink,
	};
}

/*
 * The same bytes as when recorded? ctime tells of edits that restored mtime,
 * but every further hard link changes it as well: it counts only where both
 * sides have a single link.
 */
static inline bool filestat_same(const struct filestat *a, const struct filestat *b)
{
	return a->inode == b->inode && a->size == b->size && a->mtime_ns == b->mtime_ns &&
	       (a->nlink > 1 || b->nlink > 1 || a->ctime_ns == b->ctime_ns);
}

#endif
