/*
 * The insides of an object database, shared by the files of this room only.
 * docs/design/odb.md tells the whole story; each part below names its file.
 */
#ifndef STORE_ODB_ODB_IMPL_H
#define STORE_ODB_ODB_IMPL_H

#include "store/base/vec.h"
#include "store/odb/odb.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A cache has two halves: files/md5/ for OID_MD5 and its root for OID_LEGACY. */
enum {
	ODB_HALVES = 2,
	ODB_PREFIXES = 256
};

static inline unsigned odb_half(enum oid_algo algo)
{
	return algo == OID_LEGACY ? 1 : 0;
}

/*
 * odb_facts.c: what is known of the objects of one prefix. base comes from the
 * file <cache>/lode/objects/, sorted; what is learnt since is in extra, an open
 * hash. Under the shard's lock.
 */
enum fact_flags {
	FACT_IS_DIR = 1u << 0,
	FACT_PRESENT = 1u << 1,	 /* the name was in the directory when it was listed */
	FACT_VERIFIED = 1u << 2, /* stamp and ctime_ns are of bytes that were hashed */
	/* In memory only: */
	FACT_USED = 1u << 3,	/* a place of extra that is taken */
	FACT_PENDING = 1u << 4, /* in the list of what the next flush finishes */
	FACT_LASTING = FACT_IS_DIR | FACT_PRESENT | FACT_VERIFIED,
};
struct fact {
	uint8_t flags;	  /* enum fact_flags */
	uint8_t rest[15]; /* the digest without its first byte */
	uint64_t stamp;	  /* mixed from inode, size and mtime */
	int64_t ctime_ns; /* 0: more than one link, ctime tells nothing */
};
struct shard {
	pthread_mutex_t lock;
	bool loaded, listed, dirty;
	int64_t dir_mtime_ns; /* of the directory when it was listed, 0: was not */
	uint64_t dir_inode;
	struct fact *base, *extra;
	size_t base_nr, extra_nr, extra_cap;
};

/* An object that was given its name but is not yet durable (odb_publish.c). */
struct pending {
	struct oid oid;
	bool needs_sync; /* its bytes were written, not linked */
	uint64_t inode;
	int64_t size, mtime_ns;
};

struct arena_chunk; /* read buffers of odb_ingest.c, kept for the next call */

struct odb {
	char *dir;
	enum odb_link links[4];
	size_t links_nr;
	bool group_shared;
	enum fs_sync sync;
	struct sink *sink; /* borrowed; large files tick it */
	mode_t umask;

	/* odb.c: descriptors; those that are -1 are not open. */
	pthread_mutex_t open_lock;
	atomic_int rootfd, lodefd, basefd[ODB_HALVES];
	atomic_int prefixfd[ODB_HALVES][ODB_PREFIXES];
	atomic_int cached_nr; /* of prefixfd */
	int cached_max;
	atomic_int files_left; /* descriptors that batches may still take */

	struct shard shard[ODB_HALVES][ODB_PREFIXES];
	atomic_bool read_only; /* nothing can be saved: do not try again */
	pthread_mutex_t now_lock;
	int64_t now_ns, now_taken_ns; /* odb_fs_now() */

	pthread_mutex_t pending_lock;
	VEC_OF(struct pending) pending;
	bool flush_failed; /* what a failed fsync left is not known: final */
	atomic_bool dirty_dir[ODB_HALVES][ODB_PREFIXES];
	atomic_bool dirty_base[ODB_HALVES];

	/* odb_link.c: the device that refused a clone, plus one. */
	atomic_ullong no_reflink_dev;

	/* odb_inode.c: names by inode, listed when a file with several links asks. */
	pthread_mutex_t inode_lock;
	struct inode_name *inodes;
	size_t inodes_nr;
	bool inodes_listed;

	pthread_mutex_t chunk_lock;
	struct arena_chunk *chunks;
};

/* odb.c */
enum odb_open_how {
	ODB_MUST_EXIST,
	ODB_CREATE
};
/* The directory of an object; give it back with odb_put_dir. ERR_NOTFOUND when it
 * is not there and not to be made. */
struct odb_dir {
	int fd;
	bool is_cached;
};
int odb_get_dir(struct odb *odb, unsigned half, unsigned prefix, enum odb_open_how how,
		struct odb_dir *out, struct err *e) MUST_CHECK;
void odb_put_dir(struct odb_dir *d);
int odb_base_fd(struct odb *odb, unsigned half, enum odb_open_how how, int *fd,
		struct err *e) MUST_CHECK;
int odb_lode_fd(struct odb *odb, enum odb_open_how how, int *fd,
		struct err *e) MUST_CHECK;
/* The name in its directory: the digits behind the first two. */
#define ODB_NAME_MAX 35
const char *odb_name(const struct oid *oid, char out[ODB_NAME_MAX]);
/* Between want and at least 1 descriptors for a batch; given back by odb_give_files. */
int odb_take_files(struct odb *odb, int want);
void odb_give_files(struct odb *odb, int nr);
/* The time of a file just written beside the cache, at most a second ago; 0 when
 * it cannot be told. What is older than this cannot change unseen. */
int64_t odb_fs_now(struct odb *odb);

/* odb_facts.c: all thread-safe. */
/* Set FACT_PENDING, or clear it; what it was before. */
bool odb_fact_pending(struct odb *odb, const struct oid *oid, bool is_pending);
/* Verified, unchanged since, and of mode 0444 (or waiting for it). */
bool odb_fact_holds(struct odb *odb, const struct oid *oid, const struct filestat *st);
/* Record verified bytes. asked_ns: odb_fs_now() from before the bytes were read; a
 * file not older than that is racy and not recorded. INT64_MAX: it cannot be racy. */
void odb_fact_set(struct odb *odb, const struct oid *oid, const struct filestat *st,
		  int64_t asked_ns);
/* A verified object got one more link: its ctime tells nothing from now on. */
void odb_fact_linked(struct odb *odb, const struct oid *oid);
void odb_fact_appeared(struct odb *odb, const struct oid *oid); /* it has its name */
void odb_fact_drop(struct odb *odb, const struct oid *oid);	/* the object is gone */
/* A name in an object directory; false when it is none of the grammar. */
bool odb_parse_name(const char *name, unsigned half, unsigned prefix, struct oid *out);
void odb_facts_save(struct odb *odb);
void odb_facts_release(struct odb *odb);

/* odb_check.c */
/* Hash an open file from its beginning, without checking that it stays the same. */
int odb_hash_fd(int fd, const struct oid *like, struct sink *sink, uint8_t digest[16],
		int64_t *bytes, struct err *e) MUST_CHECK;
/*
 * Open a verified object; always: read the bytes even if they are on record.
 * ERR_NOTFOUND, ERR_CORRUPT.
 */
int odb_open_in(struct odb *odb, const struct oid *oid, const struct odb_dir *d,
		bool always, int *fd, struct filestat *st, struct err *e) MUST_CHECK;
/* odb_check over a directory that is open already; *st is the object's. */
int odb_check_in(struct odb *odb, const struct oid *oid, const struct odb_dir *d,
		 struct filestat *st, struct err *e) MUST_CHECK;
/* The name of a wrong object is taken from it. Bytes that nothing else holds go
 * to lost+found; *kept may be NULL. */
int odb_push_aside(struct odb *odb, const struct oid *oid, const struct odb_dir *d,
		   char **kept, struct err *e) MUST_CHECK;

/* odb_publish.c */
/*
 * Give a finished temporary, whose bytes have the digest of oid, the object's
 * name: 0 also when a right object was there already. *st is the object's.
 */
int odb_settle(struct odb *odb, const struct oid *oid, const struct odb_dir *d,
	       struct tmpfile *t, struct filestat *st, struct err *e) MUST_CHECK;
/* A name was made in the directory. */
void odb_touched(struct odb *odb, const struct oid *oid);
void odb_pend(struct odb *odb, const struct oid *oid, const struct filestat *st,
	      bool needs_sync);

/* odb_link.c */
/* Any link error but a full, broken or over-quota disk lets the next type try. */
bool odb_link_may_fall(int sys_errno);
bool odb_may_reflink(struct odb *odb, uint64_t dev);
void odb_no_reflink(struct odb *odb, uint64_t dev);
bool odb_links_have(const struct odb *odb, enum odb_link kind);
bool odb_links_first(const struct odb *odb, enum odb_link kind);
/* Put the object, which was verified, at name: over what is there with replace. */
int odb_place(struct odb *odb, const struct oid *oid, const struct odb_dir *d, int dirfd,
	      const char *name, unsigned flags, struct filestat *st, enum odb_link *used,
	      struct err *e) MUST_CHECK;
enum odb_link odb_kind_in(struct odb *odb, const struct oid *oid, int objdir, int dirfd,
			  const char *name);

/* odb_inode.c */
/* The objects whose name this inode carries, wrongly: it holds bytes of right.
 * Their names are taken away. */
int odb_free_names_of(struct odb *odb, uint64_t dev, uint64_t inode,
		      const struct oid *right, struct err *e) MUST_CHECK;
void odb_inodes_release(struct odb *odb);

/* odb_large.c */
/*
 * Read fd to its end: hash it in a thread of its own, and write it to out (unless
 * -1) in this one. *bytes is how many there were.
 */
int odb_pump(int fd, int out, const struct oid *like, const char *name, struct sink *sink,
	     uint8_t digest[16], int64_t *bytes, struct err *e) MUST_CHECK;

/* odb_ingest.c */
void odb_chunks_release(struct odb *odb);

/* odb_store.c: one workspace file on its way into the cache. */
struct incoming {
	struct odb *odb;
	int dirfd;
	struct odb_file *file;
	unsigned flags;	  /* enum odb_ingest_flags */
	int64_t asked_ns; /* odb_fs_now() from before it was read */

	int fd;		   /* of the workspace file, -1: none */
	bool is_symlink;   /* the name is a link; fd is its target */
	bool is_protected; /* we made it 0444; mode is what it was */
	bool was_protected;
	bool must_copy; /* it cannot be linked */
	mode_t mode;
	uint64_t dev;
	struct filestat st;   /* from before the bytes were read */
	const uint8_t *bytes; /* of a small file; NULL for a large one */
	struct tmpfile copy;  /* of a large file, when it was copied or cloned */
};
/* How its bytes should get into the cache: ODB_HARDLINK, ODB_REFLINK or ODB_COPY. */
enum odb_link odb_store_plan(const struct incoming *in);
/* Before it is read: 0444, so that nobody opens it for writing any more. */
int odb_store_protect(struct incoming *in, struct err *e) MUST_CHECK;
/* Its digest is in file->oid: publish it, relink it, fill in file. */
int odb_store(struct incoming *in, struct err *e) MUST_CHECK;
/* Close it; a file that did not become an object gets its mode back. */
void odb_store_end(struct incoming *in);

#endif
