/*
 * The scan of one directory output beside its record: what is there now, and
 * which digests of the record still count. Directories are looked at in
 * parallel; a directory whose own stat is as recorded has the recorded names.
 */
#ifndef STORE_INDEX_SCAN_H
#define STORE_INDEX_SCAN_H

#include "store/base/compiler.h"
#include "store/index/statcache.h"

struct err;
struct ignore;
struct pool;

struct scan {
	/* in */
	int topfd;	  /* of the output; borrowed */
	const char *root; /* absolute, for messages */
	const char *path; /* of the output, relative to the root */
	struct ignore *ignore;
	const struct statcache *rec; /* may be empty */
	bool distrust;		     /* believe no digest, no directory's stat */
	enum oid_algo algo;
	int64_t marker_ns; /* what was changed since is racy */
	struct pool *(*pool)(void *ctx);
	void *pool_ctx;
	/* out */
	struct index_dir *top;
	uint64_t fingerprint;
	uint64_t files_nr, bytes;
	uint64_t unknown_nr, unknown_bytes; /* regular files without a digest */
	uint64_t odd_nr;		    /* broken links and special files */
	uint64_t bad_names_nr;
	bool same;    /* all is as the record has it, digests included */
	bool learned; /* the record could know more than it does */
};

int scan_run(struct scan *s, struct err *e) MUST_CHECK;
void scan_release(struct scan *s);

/* Stat an entry, links to files followed: *f gets flags and st. False when it is
 * no file for us: gone, or a (link to a) directory, told by *is_dir. */
int scan_stat(int dirfd, const char *name, struct index_file *f, bool *is_dir,
	      bool *is_gone, struct err *e) MUST_CHECK;

/* Could it have been edited again within its timestamp's grain? */
bool scan_is_racy(int64_t mtime_ns, int64_t ctime_ns, int64_t marker_ns);

/* The path of a directory below the output's top: "" or "a/b". */
struct buf;
void scan_path(const struct index_dir *d, struct buf *out);
/* A directory of the scan, reached without a link; the caller closes it. */
int scan_open_dir(const struct scan *s, const struct index_dir *d, int *out,
		  struct err *e) MUST_CHECK;

#endif
