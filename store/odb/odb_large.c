/*
 * Large files: one thread reads (and writes the copy), one hashes, over a ring of
 * sixteen buffers of 256 KiB: enough that a reader which loses its core for a while
 * does not starve the hasher. Hashing is what takes the time; the rest hides behind
 * it. Memory: 4 MiB a file in work.
 */
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "store/hash/hash.h"
#include "store/odb/odb_impl.h"

#include <stdlib.h>

#define RING_NR 16u
#define RING_N	((size_t)256 << 10)
/*
 * The kernel copies to and from whole pages: buffers that begin on one took a third
 * less system time than malloc's, 16 bytes behind it (2 GiB, Zen 4).
 */
#define PAGE_N	 ((size_t)4096)
#define ASK_MASK 31u /* every 8 MiB progress is told and an interrupt looked for */
/* What is written goes to the disk while the rest is hashed: the sync that a new
 * object needs would else wait for all of it. */
#define BEHIND_N ((int64_t)8 << 20)

struct ring {
	pthread_mutex_t lock;
	pthread_cond_t turned;
	void *block;
	uint8_t *buffer; /* RING_NR of RING_N bytes, in block, from a page's begin */
	size_t n[RING_NR];
	size_t filled, hashed; /* counts of buffers; filled - hashed <= RING_NR */
	bool ended;

	bool is_text_aware;
	struct hash md5;
	struct hash_dos2unix dos2unix;
};

static void hash_piece(struct ring *r, size_t i)
{
	const uint8_t *p = r->buffer + i % RING_NR * RING_N;

	if (r->is_text_aware)
		hash_dos2unix_update(&r->dos2unix, p, r->n[i % RING_NR]);
	else
		hash_update(&r->md5, p, r->n[i % RING_NR]);
}

static void *hash_ring(void *arg)
{
	struct ring *r = arg;

	pthread_mutex_lock(&r->lock);
	for (;;) {
		while (r->hashed == r->filled && !r->ended)
			pthread_cond_wait(&r->turned, &r->lock);
		if (r->hashed == r->filled)
			break;
		pthread_mutex_unlock(&r->lock);
		/* hashed is ours alone, and filled can only have grown. */
		hash_piece(r, r->hashed);
		pthread_mutex_lock(&r->lock);
		r->hashed++;
		pthread_cond_signal(&r->turned);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

static void wait_for_room(struct ring *r)
{
	pthread_mutex_lock(&r->lock);
	while (r->filled - r->hashed == RING_NR)
		pthread_cond_wait(&r->turned, &r->lock);
	pthread_mutex_unlock(&r->lock);
}

static void hand_over(struct ring *r, size_t n, bool threaded)
{
	size_t i = r->filled;

	r->n[i % RING_NR] = n;
	if (!threaded)
		hash_piece(r, i);
	pthread_mutex_lock(&r->lock);
	r->filled++;
	if (!threaded)
		r->hashed++;
	pthread_cond_signal(&r->turned);
	pthread_mutex_unlock(&r->lock);
}

static int read_all(struct ring *r, int fd, int out, const char *name, bool threaded,
		    struct sink *sink, int64_t *bytes, struct err *e)
{
	int64_t total = 0, behind = 0;

	for (;;) {
		uint8_t *p = r->buffer + r->filled % RING_NR * RING_N;
		ssize_t n;

		if ((r->filled & ASK_MASK) == ASK_MASK) {
			sink_tick(sink, (ASK_MASK + 1) * RING_N);
			if (interrupt_check(e) < 0)
				return ERR_CANCELED;
		}
		if (threaded)
			wait_for_room(r);
		n = sys_read(fd, p, RING_N);
		if (n < 0)
			return err_sys(e, "read", name);
		if (n == 0)
			break;
		total += n;
		/* The hasher reads it at the same time: neither changes it. */
		hand_over(r, (size_t)n, threaded);
		if (out >= 0 && sys_write(out, p, (size_t)n) < 0)
			return err_sys(e, "write", name);
		if (out >= 0 && total - behind >= BEHIND_N) {
			sys_write_behind(out, behind, total - behind);
			behind = total;
		}
		if ((size_t)n < RING_N)
			break;
	}
	*bytes = total;
	return 0;
}

int odb_pump(int fd, int out, const struct oid *like, const char *name, struct sink *sink,
	     uint8_t digest[16], int64_t *bytes, struct err *e)
{
	struct ring r = {.is_text_aware = like->algo == OID_LEGACY && !like->is_dir};
	pthread_t hasher;
	bool threaded;
	int ret;

	pthread_mutex_init(&r.lock, NULL);
	pthread_cond_init(&r.turned, NULL);
	r.block = xmalloc(RING_NR * RING_N + PAGE_N);
	r.buffer =
		(uint8_t *)(((uintptr_t)r.block + PAGE_N - 1) & ~(uintptr_t)(PAGE_N - 1));
	if (r.is_text_aware)
		hash_dos2unix_begin(&r.dos2unix);
	else
		hash_begin_md5(&r.md5);
	/* Where no more threads are to be had, this one does both. */
	threaded = pthread_create(&hasher, NULL, hash_ring, &r) == 0;
	ret = read_all(&r, fd, out, name, threaded, sink, bytes, e);
	if (threaded) {
		pthread_mutex_lock(&r.lock);
		r.ended = true;
		pthread_cond_signal(&r.turned);
		pthread_mutex_unlock(&r.lock);
		pthread_join(hasher, NULL);
	}
	if (r.is_text_aware)
		hash_dos2unix_end(&r.dos2unix, digest);
	else
		hash_end(&r.md5, digest);
	hash_dos2unix_release(&r.dos2unix);
	hash_release(&r.md5);
	free(r.block);
	pthread_cond_destroy(&r.turned);
	pthread_mutex_destroy(&r.lock);
	return ret;
}
