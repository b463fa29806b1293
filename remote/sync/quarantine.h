/*
 * Where a remote's wrong objects go: URL/lode/quarantine/. Wrong bytes lie there
 * under the key they had and the MD5 that they really have ("files/md5/5d/4140…
 * .0cc1…"), so that none ever covers another; a manifest that only had to leave
 * its name keeps its plain key. Private to remote/sync.
 */
#ifndef REMOTE_SYNC_QUARANTINE_H
#define REMOTE_SYNC_QUARANTINE_H

#include "remote/sync/side.h"
#include "store/base/compiler.h"
#include "store/base/err.h"

#define QUARANTINE "lode/quarantine/"

enum {
	QUARANTINE_KEY_MAX = OID_PATH_MAX + 64
};

struct quarantined {
	struct oid oid;	 /* in */
	bool by_digest;	 /* in: its bytes are wrong, so the key tells which */
	bool kept;	 /* out: the bytes lie in quarantine */
	bool gone;	 /* out: there was nothing under its name any more */
	struct err *err; /* out: malloc'ed where neither; quarantine_release frees */
	char to[QUARANTINE_KEY_MAX]; /* out */
};

/* Copy the objects there, several at a time. Negative: the whole had to stop. */
int quarantine_copy(struct side *s, struct quarantined *v, size_t nr,
		    struct err *e) MUST_CHECK;
void quarantine_release(struct quarantined *v, size_t nr);

/*
 * Remove keys, in batches. errs has one a key, code 0 where it went. Negative: no
 * request could be made; single keys that stay are no such failure.
 */
int quarantine_remove(struct side *s, const char *const *keys, size_t nr,
		      struct err *errs, struct err *e) MUST_CHECK;

/* The manifests that lie there under their plain keys, in order; *all counts
 * every key. v is malloc'ed. */
int quarantine_manifests(struct side *s, struct oid **v, size_t *nr, uint64_t *all,
			 struct err *e) MUST_CHECK;

/* The key of a manifest in quarantine. Returns out. */
char *quarantine_key(const struct oid *oid, char out[QUARANTINE_KEY_MAX]);

#endif
