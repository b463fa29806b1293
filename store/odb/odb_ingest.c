/*
 * Many workspace files into the cache. Small ones are read one behind the other
 * into a buffer that stays in the second-level cache, hashed together in SIMD
 * lanes, and then published one by one; large ones are hashed while they are
 * read. Six system calls a small file that is linked.
 *
 * Memory: one buffer of at most CHUNK_N for each call at work, of which batches
 * of small files touch the first BATCH_N only.
 */
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/sys.h"
#include "store/hash/hash.h"
#include "store/odb/odb_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define SMALL_MAX ((int64_t)1 << 20) /* larger: by odb_pump() */
#define CHUNK_N	  ((size_t)8 << 20)  /* eight of the largest small ones */
/* A batch is closed at so many files, or past so many bytes with enough lanes. */
#define BATCH_NR 128
#define BATCH_N	 ((size_t)512 << 10)
#define LANES_NR 16
#define PAGE_N	 ((size_t)4096)
/* Bound what waits for a flush: 64 bytes each. */
#define PENDING_MAX ((size_t)200000)

struct arena_chunk {
	struct arena_chunk *next;
	void *block;
	uint8_t *p; /* CHUNK_N bytes of it */
	struct incoming in[BATCH_NR];
	struct md5_job jobs[BATCH_NR];
};

static struct arena_chunk *take_chunk(struct odb *odb)
{
	struct arena_chunk *c;

	pthread_mutex_lock(&odb->chunk_lock);
	c = odb->chunks;
	if (c)
		odb->chunks = c->next;
	pthread_mutex_unlock(&odb->chunk_lock);
	if (!c) {
		c = xcalloc(1, sizeof(*c));
		/* From a page's begin, for the kernel's copying: see odb_large.c. */
		c->block = xmalloc(CHUNK_N + PAGE_N);
		c->p = (uint8_t *)(((uintptr_t)c->block + PAGE_N - 1) &
				   ~(uintptr_t)(PAGE_N - 1));
	}
	return c;
}

static void give_chunk(struct odb *odb, struct arena_chunk *c)
{
	pthread_mutex_lock(&odb->chunk_lock);
	c->next = odb->chunks;
	odb->chunks = c;
	pthread_mutex_unlock(&odb->chunk_lock);
}

void odb_chunks_release(struct odb *odb)
{
	struct arena_chunk *c;

	while ((c = odb->chunks) != NULL) {
		odb->chunks = c->next;
		free(c->block);
		free(c);
	}
}

struct batch {
	struct odb *odb;
	int dirfd;
	unsigned flags;
	int64_t asked_ns;
	struct arena_chunk *c;
	size_t nr, nr_max, used;
	bool may_noatime;
};

static void tell(struct odb_file *f, const struct err *e)
{
	f->oid.algo = OID_NONE;
	f->err = xmalloc(sizeof(*f->err));
	*f->err = *e;
}

/* Reading must not write a time to every inode; only an owner may ask for that. */
static int open_quietly(struct batch *b, const char *name, int flags)
{
	int fd = -1;

	if (b->may_noatime) {
		fd = sys_openat(b->dirfd, name, flags | O_NOATIME, 0);
		if (fd >= 0 || errno != EPERM)
			return fd;
		b->may_noatime = false;
	}
	return sys_openat(b->dirfd, name, flags, 0);
}

static int open_file(struct batch *b, struct odb_file *f, struct incoming *in,
		     struct err *e)
{
	/* O_NONBLOCK: a FIFO is refused below, not waited for. */
	const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
	struct stat sb;

	*in = (struct incoming){
		.odb = b->odb,
		.dirfd = b->dirfd,
		.file = f,
		.flags = b->flags,
		.asked_ns = b->asked_ns,
	};
	f->linked = false;
	in->fd = open_quietly(b, f->name, flags | O_NOFOLLOW);
	if (in->fd < 0 && errno == ELOOP) {
		in->is_symlink = true;
		in->fd = open_quietly(b, f->name, flags);
	}
	if (in->fd < 0)
		return err_sys(e, "open", f->name);
	if (sys_fstat(in->fd, &sb) < 0)
		return err_sys(e, "fstat", f->name);
	if (!S_ISREG(sb.st_mode))
		return err_set(e, ERR_INVALID, "'%s' is not a regular file", f->name);
	in->st = filestat_of(&sb);
	in->dev = sb.st_dev;
	if (!(b->flags & ODB_HASH_ONLY) && odb_store_plan(in) == ODB_HARDLINK)
		return odb_store_protect(in, e);
	return 0;
}

/* A copy or a clone of a large file, made while its digest is not known yet: in
 * the directory above the prefixes. */
static int start_copy(struct batch *b, struct incoming *in, int *out, struct err *e)
{
	enum odb_link plan = odb_store_plan(in);
	int base, r;

	*out = -1;
	if ((b->flags & ODB_HASH_ONLY) || plan == ODB_HARDLINK)
		return 0;
	r = odb_base_fd(b->odb, odb_half(in->file->oid.algo), ODB_CREATE, &base, e);
	if (r == 0)
		r = tmpfile_open(&in->copy, base, 0644, e);
	if (r < 0)
		return r;
	if (plan == ODB_REFLINK) {
		if (sys_ficlone(in->copy.fd, in->fd) == 0)
			return 0; /* hashed from the file; then looked at again */
		if (!odb_link_may_fall(errno))
			return err_sys(e, "reflink", in->file->name);
		odb_no_reflink(b->odb, in->dev);
		tmpfile_release(&in->copy);
		r = odb_store_plan(in) == ODB_HARDLINK ? odb_store_protect(in, e) : 0;
		return r < 0 ? r : start_copy(b, in, out, e);
	}
	/* Learn of a full disk now rather than after minutes. */
	if (sys_fallocate(in->copy.fd, in->st.size) < 0)
		return err_sys(e, "fallocate", in->file->name);
	*out = in->copy.fd;
	return 0;
}

static int ingest_large(struct batch *b, struct incoming *in, struct err *e)
{
	struct odb_file *f = in->file;
	int64_t bytes = 0;
	int out, r = start_copy(b, in, &out, e);

	if (r == 0)
		r = odb_pump(in->fd, out, &f->oid, f->name, b->odb->sink, f->oid.b,
			     &bytes, e);
	if (r == 0 && bytes != in->st.size)
		r = err_set(e, ERR_IO, "'%s' changed while it was being read", f->name);
	return r < 0 ? r : odb_store(in, e);
}

/* One read, straight behind the file before. */
static int read_small(struct batch *b, struct incoming *in, struct err *e)
{
	uint8_t *p = b->c->p + b->used;
	size_t n = (size_t)in->st.size;
	ssize_t got = sys_read(in->fd, p, n);

	if (got < 0)
		return err_sys(e, "read", in->file->name);
	if ((size_t)got != n)
		return err_set(e, ERR_IO, "'%s' changed while it was being read",
			       in->file->name);
	in->bytes = p;
	/* Messages begin at cache lines. */
	b->used += (n + 63) & ~(size_t)63;
	return 0;
}

static void hash_batch(struct batch *b)
{
	struct arena_chunk *c = b->c;
	size_t jobs_nr = 0;

	for (size_t i = 0; i < b->nr; i++) {
		const struct incoming *in = &c->in[i];

		if (in->file->oid.algo == OID_LEGACY)
			hash_dos2unix(in->bytes, (size_t)in->st.size, in->file->oid.b);
		else
			c->jobs[jobs_nr++] = (struct md5_job){.p = in->bytes,
							      .n = (size_t)in->st.size};
	}
	md5_many(c->jobs, jobs_nr);
	jobs_nr = 0;
	for (size_t i = 0; i < b->nr; i++)
		if (c->in[i].file->oid.algo != OID_LEGACY)
			memcpy(c->in[i].file->oid.b, c->jobs[jobs_nr++].out, 16);
}

static void run_batch(struct batch *b)
{
	struct err e = {0};

	hash_batch(b);
	for (size_t i = 0; i < b->nr; i++) {
		struct incoming *in = &b->c->in[i];

		if (odb_store(in, &e) < 0)
			tell(in->file, &e);
		odb_store_end(in);
	}
	b->nr = 0;
	b->used = 0;
}

static bool is_full(const struct batch *b, int64_t next)
{
	return b->nr > 0 && (b->nr == b->nr_max || b->used + (size_t)next > CHUNK_N ||
			     (b->used >= BATCH_N && b->nr >= LANES_NR));
}

static void ingest_one(struct batch *b, struct odb_file *f)
{
	struct incoming *in = &b->c->in[b->nr];
	struct err e = {0};
	int r;

	f->oid.is_dir = false;
	if (f->oid.algo == OID_NONE)
		f->oid.algo = OID_MD5;
	r = open_file(b, f, in, &e);
	if (r == 0 && in->st.size > SMALL_MAX) {
		r = ingest_large(b, in, &e);
		if (r < 0)
			tell(f, &e);
		odb_store_end(in);
		return;
	}
	if (r == 0 && is_full(b, in->st.size)) {
		struct incoming keep = *in;

		run_batch(b);
		in = &b->c->in[0];
		*in = keep;
	}
	if (r == 0)
		r = read_small(b, in, &e);
	if (r < 0) {
		tell(f, &e);
		odb_store_end(in);
		return;
	}
	b->nr++;
}

static bool too_much_pending(struct odb *odb)
{
	bool is;

	pthread_mutex_lock(&odb->pending_lock);
	is = odb->pending.nr >= PENDING_MAX;
	pthread_mutex_unlock(&odb->pending_lock);
	return is;
}

int odb_ingest(struct odb *odb, int dirfd, struct odb_file *files, size_t nr,
	       unsigned flags, struct err *e)
{
	struct batch b = {
		.odb = odb,
		.dirfd = dirfd,
		.flags = flags,
		.may_noatime = true,
	};
	int took, base, r = 0;

	if (!(flags & ODB_HASH_ONLY)) {
		r = odb_base_fd(odb, 0, ODB_CREATE, &base, e);
		if (r < 0)
			return r;
		b.asked_ns = odb_fs_now(odb);
	}
	took = odb_take_files(odb, BATCH_NR);
	b.nr_max = (size_t)took;
	b.c = take_chunk(odb);
	for (size_t i = 0; i < nr && r == 0; i++) {
		/* The slot past the last must stay free for the next file. */
		if (b.nr == BATCH_NR)
			run_batch(&b);
		ingest_one(&b, &files[i]);
		if (i % BATCH_NR == BATCH_NR - 1) {
			r = interrupt_check(e);
			if (r == 0 && too_much_pending(odb))
				r = odb_flush(odb, e);
		}
	}
	run_batch(&b);
	give_chunk(odb, b.c);
	odb_give_files(odb, took);
	return r;
}
