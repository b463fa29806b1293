#include "store/odb/odb.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/lock.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/hash/hash.h"
#include "store/odb/odb_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>

/*
 * Descriptors. A process may have 1024 by default, and must work with 64: so many
 * are left to the rest of the program, half of what remains may be kept for
 * object directories, the other half is for the files of batches.
 */
#define FILES_RESERVED 44

static void init_limits(struct odb *odb)
{
	struct rlimit lim = {.rlim_cur = 1024};
	int spare;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0 || lim.rlim_cur > 65536)
		lim.rlim_cur = 65536;
	spare = MAX_OF((int)lim.rlim_cur - FILES_RESERVED, 4);
	odb->cached_max = MIN_OF(spare / 2, ODB_HALVES * ODB_PREFIXES);
	atomic_init(&odb->files_left, spare - odb->cached_max);
}

static void init_descriptors(struct odb *odb)
{
	atomic_init(&odb->rootfd, -1);
	atomic_init(&odb->lodefd, -1);
	for (int h = 0; h < ODB_HALVES; h++) {
		atomic_init(&odb->basefd[h], -1);
		for (int p = 0; p < ODB_PREFIXES; p++) {
			atomic_init(&odb->prefixfd[h][p], -1);
			pthread_mutex_init(&odb->shard[h][p].lock, NULL);
		}
	}
}

int odb_open(struct odb **out, const struct odb_options *o, struct err *e)
{
	struct odb *odb;

	if (!path_is_abs(o->dir))
		return err_set(e, ERR_INVALID, "'%s': a cache needs an absolute path",
			       o->dir);
	odb = xcalloc(1, sizeof(*odb));
	odb->dir = path_normal(o->dir);
	odb->group_shared = o->group_shared;
	odb->sync = o->sync;
	for (size_t i = 0; i < o->links_nr && i < ARRAY_SIZE(odb->links); i++)
		odb->links[odb->links_nr++] = o->links[i];
	if (odb->links_nr == 0) {
		odb->links[odb->links_nr++] = ODB_REFLINK;
		odb->links[odb->links_nr++] = ODB_COPY;
	}
	/* There is no way to ask for it; no thread of ours runs yet. */
	odb->umask = umask(022);
	umask(odb->umask);
	pthread_mutex_init(&odb->open_lock, NULL);
	pthread_mutex_init(&odb->now_lock, NULL);
	pthread_mutex_init(&odb->pending_lock, NULL);
	pthread_mutex_init(&odb->inode_lock, NULL);
	pthread_mutex_init(&odb->chunk_lock, NULL);
	init_limits(odb);
	init_descriptors(odb);
	*out = odb;
	return 0;
}

static void close_atomic(atomic_int *fd)
{
	int was = atomic_exchange(fd, -1);

	if (was >= 0)
		sys_close(was);
}

void odb_free(struct odb *odb)
{
	if (!odb)
		return;
	/* Only leftovers of a run that failed, and objects that were found with
	 * another mode; nobody waits for the answer. */
	if (odb->pending.nr > 0)
		IGNORE_RESULT(odb_flush(odb, NULL));
	odb_facts_save(odb);
	odb_facts_release(odb);
	odb_inodes_release(odb);
	odb_chunks_release(odb);
	for (int h = 0; h < ODB_HALVES; h++) {
		for (int p = 0; p < ODB_PREFIXES; p++)
			close_atomic(&odb->prefixfd[h][p]);
		close_atomic(&odb->basefd[h]);
	}
	close_atomic(&odb->lodefd);
	close_atomic(&odb->rootfd);
	vec_release(&odb->pending);
	free(odb->dir);
	free(odb);
}

void odb_set_sink(struct odb *odb, struct sink *sink)
{
	odb->sink = sink;
}

const char *odb_dir(const struct odb *odb)
{
	return odb->dir;
}

void odb_object_path(const struct odb *odb, const struct oid *oid, struct buf *out)
{
	char rel[OID_PATH_MAX];

	buf_adds(out, odb->dir);
	if (strcmp(odb->dir, "/") != 0)
		buf_addc(out, '/');
	buf_adds(out, oid_path(oid, rel));
}

const char *odb_name(const struct oid *oid, char out[ODB_NAME_MAX])
{
	hex_encode(oid->b + 1, 15, out);
	if (oid->is_dir)
		memcpy(out + 30, ".dir", 5);
	return out;
}

/* Open dir below atfd, making it (and what is above it) when asked to. */
static int open_dir(struct odb *odb, int atfd, const char *rel, enum odb_open_how how,
		    int *out, bool *made, struct err *e)
{
	const int flags = O_RDONLY | O_DIRECTORY;
	int fd = sys_openat(atfd, rel, flags, 0), r;

	if (fd < 0 && errno == ENOENT && how == ODB_CREATE) {
		r = fs_mkdirs(atfd, rel, odb->group_shared ? 02775 : 0, e);
		if (r < 0)
			return r;
		*made = true;
		fd = sys_openat(atfd, rel, flags, 0);
	}
	if (fd < 0)
		return err_sys(e, "open", rel);
	*out = fd;
	return 0;
}

/* The descriptor in *slot, opened by the first who asks. Under open_lock. */
static int open_once(struct odb *odb, atomic_int *slot, int atfd, const char *rel,
		     enum odb_open_how how, bool *made, struct err *e)
{
	int fd, r;

	if (atomic_load(slot) >= 0)
		return 0;
	r = open_dir(odb, atfd, rel, how, &fd, made, e);
	if (r == 0)
		atomic_store(slot, fd);
	return r;
}

static int open_below_root(struct odb *odb, atomic_int *slot, const char *rel,
			   enum odb_open_how how, bool *made, struct err *e)
{
	int r;

	pthread_mutex_lock(&odb->open_lock);
	r = open_once(odb, &odb->rootfd, AT_FDCWD, odb->dir, how, made, e);
	if (r == 0)
		r = open_once(odb, slot, atomic_load(&odb->rootfd), rel, how, made, e);
	pthread_mutex_unlock(&odb->open_lock);
	return r;
}

int odb_base_fd(struct odb *odb, unsigned half, enum odb_open_how how, int *fd,
		struct err *e)
{
	bool made = false;
	int r = 0;

	if (atomic_load(&odb->basefd[half]) < 0)
		r = open_below_root(odb, &odb->basefd[half], half ? "." : "files/md5",
				    how, &made, e);
	if (made)
		atomic_store(&odb->dirty_base[half], true);
	if (r == 0)
		*fd = atomic_load(&odb->basefd[half]);
	return r;
}

int odb_lode_fd(struct odb *odb, enum odb_open_how how, int *fd, struct err *e)
{
	bool made = false;
	int r = 0;

	if (atomic_load(&odb->lodefd) < 0)
		r = open_below_root(odb, &odb->lodefd, "lode", how, &made, e);
	if (r == 0)
		*fd = atomic_load(&odb->lodefd);
	return r;
}

int odb_get_dir(struct odb *odb, unsigned half, unsigned prefix, enum odb_open_how how,
		struct odb_dir *out, struct err *e)
{
	atomic_int *slot = &odb->prefixfd[half][prefix];
	const uint8_t byte = (uint8_t)prefix;
	int fd = atomic_load(slot), base, expected = -1, r;
	bool made = false;
	char name[3];

	if (fd >= 0) {
		*out = (struct odb_dir){.fd = fd, .is_cached = true};
		return 0;
	}
	r = odb_base_fd(odb, half, how, &base, e);
	if (r == 0)
		r = open_dir(odb, base, hex_encode(&byte, 1, name), how, &fd, &made, e);
	if (r < 0)
		return r;
	if (made)
		atomic_store(&odb->dirty_base[half], true);
	*out = (struct odb_dir){.fd = fd};
	if (atomic_fetch_add(&odb->cached_nr, 1) >= odb->cached_max) {
		atomic_fetch_sub(&odb->cached_nr, 1);
		return 0;
	}
	if (!atomic_compare_exchange_strong(slot, &expected, fd)) {
		/* Another thread was faster. */
		atomic_fetch_sub(&odb->cached_nr, 1);
		sys_close(fd);
		fd = expected;
	}
	*out = (struct odb_dir){.fd = fd, .is_cached = true};
	return 0;
}

void odb_put_dir(struct odb_dir *d)
{
	if (!d->is_cached && d->fd >= 0)
		sys_close(d->fd);
	*d = (struct odb_dir){.fd = -1};
}

int odb_take_files(struct odb *odb, int want)
{
	int left = atomic_load(&odb->files_left), nr;

	do {
		/* One is always granted: the reserve bears it. */
		nr = MAX_OF(MIN_OF(want, left), 1);
	} while (!atomic_compare_exchange_weak(&odb->files_left, &left, left - nr));
	return nr;
}

void odb_give_files(struct odb *odb, int nr)
{
	atomic_fetch_add(&odb->files_left, nr);
}

int64_t odb_fs_now(struct odb *odb)
{
	struct tmpfile t = {0};
	struct stat st;
	int64_t now;
	int fd;

	pthread_mutex_lock(&odb->now_lock);
	if (!atomic_load(&odb->read_only) &&
	    (odb->now_taken_ns == 0 ||
	     clock_mono_ns() - odb->now_taken_ns > 1000 * 1000 * 1000)) {
		odb->now_ns = 0;
		odb->now_taken_ns = clock_mono_ns();
		if (odb_lode_fd(odb, ODB_CREATE, &fd, NULL) == 0 &&
		    tmpfile_open(&t, fd, 0600, NULL) == 0) {
			if (sys_fstat(t.fd, &st) == 0)
				odb->now_ns = filestat_of(&st).mtime_ns;
		} else {
			atomic_store(&odb->read_only, true);
		}
		tmpfile_release(&t);
	}
	now = odb->now_ns;
	pthread_mutex_unlock(&odb->now_lock);
	return now;
}

int odb_lock(struct odb *odb, bool exclusive, int wait_ms, struct lock *l,
	     struct sink *sink, struct err *e)
{
	int fd, r = odb_lode_fd(odb, ODB_CREATE, &fd, e);

	return r < 0 ? r : lock_take(l, fd, "lock", !exclusive, wait_ms, sink, e);
}
