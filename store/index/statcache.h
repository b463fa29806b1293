/*
 * The stat cache of one output: a tree of directories with their files, stats
 * and digests, in one file under the state directory. docs/format/statcache.md
 * has its bytes. What is damaged, foreign or absent is "no record"; a record is
 * never changed in place. A loaded record may be read by any thread.
 */
#ifndef STORE_INDEX_STATCACHE_H
#define STORE_INDEX_STATCACHE_H

#include "store/base/compiler.h"
#include "store/index/index.h"

#include <stdbool.h>
#include <stdint.h>

struct err;

enum statcache_flags {
	STATCACHE_PLACED = 1u << 0,
	STATCACHE_COMPLETE = 1u << 1, /* oid is that of all the files */
	STATCACHE_EXEC = 1u << 2,
};

struct statcache_head {
	uint8_t magic[8];
	uint64_t head_sum; /* of what follows it, up to head_n */
	uint64_t body_sum; /* of what follows head_n */
	uint64_t total_n;  /* bytes of the file */
	uint32_t head_n;   /* this, the output's path, zeros up to a multiple of 8 */
	uint32_t path_n;
	uint32_t flags;
	uint32_t kind; /* enum index_kind: a file or a directory */
	uint32_t algo;
	uint32_t dirs_nr;
	uint32_t files_nr;
	uint32_t zero;
	uint64_t fingerprint; /* of the ignore rules */
	uint64_t bytes;
	uint64_t names_n;
	uint8_t oid[16];
	uint8_t reserved[8];
};

enum {
	STATCACHE_DIR_TRUSTED = 1u << 0,
	STATCACHE_DIR_SUBREPO = 1u << 1
};

/* Breadth first: the directories in one follow each other, sorted by name. */
struct statcache_dir {
	uint64_t inode;
	int64_t mtime_ns;
	int64_t ctime_ns;
	uint32_t first_file, files_nr;
	uint32_t first_sub, subs_nr;
	uint32_t parent;
	uint32_t name_at, name_n;
	uint32_t flags;
};

struct statcache_file {
	uint64_t inode;
	int64_t size;
	int64_t mtime_ns;
	int64_t ctime_ns;
	uint32_t mode;
	uint32_t nlink;
	uint32_t name_at;
	uint16_t name_n;
	uint8_t flags; /* enum index_file_flags */
	uint8_t algo;
	uint8_t oid[16];
};

struct statcache {
	void *p; /* the whole file */
	size_t n;
	bool is_mapped;
	const struct statcache_head *head; /* NULL: no record */
	const char *path;
	const struct statcache_dir *dirs;
	const struct statcache_file *files;
	const char *names;
};

/* What a record is made of; also how a scan keeps what it saw. */
struct index_dir {
	char *name; /* "" for the top */
	uint32_t name_n;
	uint32_t flags; /* STATCACHE_DIR_ */
	uint64_t inode;
	int64_t mtime_ns;
	int64_t ctime_ns;
	struct index_dir *parent;
	/* The record's own files, or those in files (path is the name alone). */
	const struct statcache *rec;
	uint32_t rec_dir;
	bool same;
	bool gone; /* for the scan */
	struct index_file *files;
	size_t files_nr, files_cap;
	char *names; /* what files[].path points into, when it is ours */
	struct index_dir **subs;
	size_t subs_nr, subs_cap;
};
struct index_dir *index_dir_new(struct index_dir *parent, const char *name, size_t n);
void index_dir_free(struct index_dir *d); /* with all below; accepts NULL */
size_t index_dir_files_nr(const struct index_dir *d);
struct index_file index_dir_file(const struct index_dir *d, size_t i);
struct index_file statcache_file_at(const struct statcache *sc, uint32_t i);

/* Name of the record below the state directory: "index/HEX" or "index/HEX-dos2unix". */
#define STATCACHE_NAME_MAX 64
void statcache_name(const char *path, enum oid_algo algo, char out[STATCACHE_NAME_MAX]);

/* statefd is that of the state directory. *out is empty when there is no record. */
void statcache_load(int statefd, const char *path, enum oid_algo algo,
		    struct statcache *out);
/* One by its file's name, for listings; the path is checked against the name. */
void statcache_load_name(int statefd, const char *name, struct statcache *out);
void statcache_release(struct statcache *sc);

/* head: flags, kind, algo, fingerprint, bytes and oid are the caller's. */
int statcache_save(int statefd, const char *path, const struct statcache_head *head,
		   const struct index_dir *top, struct err *e) MUST_CHECK;
/* The same record with other flags. */
int statcache_reflag(int statefd, const struct statcache *sc, uint32_t flags,
		     struct err *e) MUST_CHECK;

#endif
