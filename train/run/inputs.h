/*
 * The inputs of a run: which bytes they shall be, and which they were.
 *
 * An input is a path below the repository's root, a file or a directory of files,
 * or the digest of an object in the cache. What tracks a path (a .dvc file, a stage
 * of a dvc.yaml, git) or has locked it (dvc.lock) says what it should hold: the
 * pin. The digests that count in the end are of the very buffers that were parsed.
 */
#ifndef TRAIN_RUN_INPUTS_H
#define TRAIN_RUN_INPUTS_H

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/odb/oid.h"
#include "train/data/read.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct collection;
struct err;
struct repo;
struct report;
struct stage;

enum input_role {
	INPUT_TRAIN,
	INPUT_VALID,
	INPUT_CONFIG,
	INPUT_DEP, /* of a command that is not ours */
};
const char *input_role_name(enum input_role role);
bool input_role_parse(const char *name, enum input_role *out);

enum input_pin {
	PIN_NONE = 0, /* nothing was said yet */
	PIN_TRACKED,  /* a .dvc file or the output of a stage */
	PIN_LOCKED,   /* the lock entry of our own stage */
	PIN_DIGEST,   /* the input is a digest */
	PIN_RECORD,   /* a run record: verify */
};

/* One file that is read. */
struct input_file {
	const char *path;   /* for messages: as written, with the member behind */
	const char *member; /* below a directory, or NULL */
	int fd;		    /* open for reading while inputs are */
	uint8_t md5[16], sha256[32];
	uint64_t bytes, rows;
	bool has_digest; /* md5, sha256 and bytes are of what was read */
};

struct input {
	enum input_role role;
	const char *text; /* as written, relative to base; "md5:HEX" */
	const char *path; /* from the root; NULL for a digest */
	bool is_dir, is_exec;
	enum input_pin pin;
	struct oid want;    /* the pin's digest; OID_NONE: any */
	const char *by;	    /* what pins it: "tr.csv.dvc"; for messages */
	bool by_git;	    /* git tracks it */
	const char *keeper; /* the file whose pin --update moves, or NULL: ours */
	struct input_file *files;
	size_t files_nr;
	struct oid got; /* after inputs_settle() */
	uint64_t bytes, rows;
	bool want_sha256;   /* of a record: */
	uint8_t sha256[32]; /* of all of it: the one file's, or the list's of members */
};

struct inputs {
	struct arena arena;
	const char *base; /* directory that paths are relative to, from the root */
	struct input *v;
	size_t nr, cap;
};
void inputs_release(struct inputs *in); /* closes what is open; accepts empty */

/* One more; ERR_INVALID for a path that leaves the repository, or a bad digest. */
int inputs_add(struct inputs *in, const struct repo *r, enum input_role role,
	       const char *text, struct err *e) MUST_CHECK;

/*
 * Find what pins each path: an output of c's stages, else stage's lock entry (NULL:
 * none). ERR_INVALID: neither lode nor git tracks it. ERR_NOTFOUND: not there. With
 * lenient nothing of this is asked (inside `dvc repro`, or verify).
 */
int inputs_pin(struct inputs *in, struct repo *r, const struct collection *c,
	       const struct stage *stage, struct err *e) MUST_CHECK;

/*
 * Compare with the pins by what is known without reading (stat cache), hashing only
 * what nothing is known of when hash is set. ERR_CONFLICT: the first that differs,
 * and what to do about it. INPUT_CONFIG is never compared.
 */
int inputs_check(struct inputs *in, struct repo *r, bool hash, struct err *e) MUST_CHECK;

/* --update: what tracks a differing path takes it as it is now. */
int inputs_update(struct inputs *in, struct repo *r, struct report *rep,
		  struct err *e) MUST_CHECK;

/* Open all files for reading, those of directories in byte order of their paths. A
 * path with a pin that is not in the workspace is read from the cache. */
int inputs_open(struct inputs *in, struct repo *r, struct err *e) MUST_CHECK;
void inputs_close(struct inputs *in);

/* Read and hash what has no digest yet (the configuration; a command's deps). */
int inputs_hash(struct inputs *in, struct err *e) MUST_CHECK;

/*
 * From the files' digests to the inputs': got, bytes, sha256. ERR_CONFLICT when one
 * is not its pin: the bytes that were read are not those that were promised.
 */
int inputs_settle(struct inputs *in, struct err *e) MUST_CHECK;

/* Files of a role as train/data takes them, in order; and what it found, back. */
size_t inputs_files(const struct inputs *in, enum input_role role, const char *format,
		    struct data_file *out /* NULL: only count */);
void inputs_take(struct inputs *in, enum input_role role, const struct data_file *v);

#endif
