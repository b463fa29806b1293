/* What .dvc and dvc.lock say of one path's content: read and written. For the
 * room's own files only. */
#ifndef STORE_META_PINNED_H
#define STORE_META_PINNED_H

#include "store/base/compiler.h"
#include "store/meta/stage.h"

struct value;

/*
 * Fill p from an entry that passed its schema; p->path or p->abs is set already.
 * is_new tells that hash: stands there. A path in files: that leaves the
 * directory is ERR_INVALID.
 */
int pinned_read(struct stages *s, struct pinned *p, const struct value *entry,
		const char *file, struct err *e) MUST_CHECK;

/* The keys of a .dvc entry before path (hash, size ... hash:), or of a dvc.lock
 * entry behind it. Lacking md5 is written as null in a legacy .dvc entry. */
void pinned_put_dvcfile(struct arena *a, struct value *map, const struct pinned *p);
void pinned_put_lock(struct arena *a, struct value *map, const struct pinned *p);
void pinned_put_files(struct arena *a, struct value *map, const struct pinned *p);

void pinned_copy(struct arena *a, struct pinned *to, const struct pinned *from);

#endif
