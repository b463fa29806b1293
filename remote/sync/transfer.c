#include "remote/sync/transfer.h"

#include "remote/remote.h"
#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"
#include "store/base/log.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "store/base/tmpfile.h"
#include "store/hash/hash.h"
#include "store/odb/odb.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* Bodies up to this are read whole and sent in one write with their header. */
#define SMALL (64u * 1024)

/* Descriptors that are left to everything else when files are held open. */
#define SPARE_FDS 40

#define READ_BLOCK ((size_t)256 * 1024)

struct move {
	struct remote_job job;
	struct transfer_item *item;
	char key[OID_PATH_MAX];
	int fd;	    /* upload of a large one; -1 */
	void *data; /* upload of a small one */
	struct tmpfile tmp;
	int tries;
};

struct mover {
	struct remote *r;
	struct odb *odb;
	struct sink *sink;
	struct err *e;
	size_t in_flight_max;
	int code; /* why the whole stops */
};

static size_t in_flight_max(const struct remote *r)
{
	size_t jobs = 2 * (size_t)remote_traits(r)->jobs;
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur != RLIM_INFINITY) {
		size_t fds = (size_t)lim.rlim_cur;
		size_t room = fds > SPARE_FDS + 4 ? (fds - SPARE_FDS) / 2 : 2;

		jobs = MIN_OF(jobs, room);
	}
	return MAX_OF(jobs, (size_t)1);
}

static bool stops_all(int code)
{
	return code == ERR_CANCELED || code == ERR_AUTH || code == ERR_CONFIG;
}

static void fail(struct mover *m, struct transfer_item *item, int code,
		 const struct err *e)
{
	char text[2048];

	err_format(e, text, sizeof(text));
	item->state = TRANSFER_FAILED;
	item->code = code;
	free(item->error);
	item->error = xstrdup(text);
	if (stops_all(code) && m->code == 0) {
		m->code = code;
		if (m->e)
			*m->e = *e;
	}
}

static void move_free(struct move *mv)
{
	if (mv->fd >= 0)
		sys_close(mv->fd);
	free(mv->data);
	tmpfile_release(&mv->tmp);
	free(mv);
}

static struct move *move_new(struct transfer_item *item, enum remote_op op)
{
	struct move *mv = xcalloc(1, sizeof(*mv));

	mv->item = item;
	mv->fd = -1;
	oid_path(&item->oid, mv->key);
	mv->job.op = op;
	mv->job.key = item->key ? item->key : mv->key;
	mv->job.version = item->version;
	mv->job.ctx = mv;
	return mv;
}

/* Open or read the object; 0 when the job can go. */
static int load(struct mover *m, struct move *mv, struct err *e)
{
	struct filestat st;
	int r = odb_open_object(m->odb, &mv->item->oid, &mv->fd, &st, e);

	if (r < 0) {
		mv->fd = -1;
		return r;
	}
	mv->item->bytes = mv->job.bytes = (uint64_t)st.size;
	memcpy(mv->job.md5, mv->item->oid.b, 16);
	/* A legacy name is the MD5 of other bytes than these: the server gets the
	 * digest from the engine then. */
	mv->job.has_md5 = mv->item->oid.algo == OID_MD5 || mv->item->oid.is_dir;
	if (mv->job.bytes > SMALL) {
		mv->job.fd = mv->fd;
		return 0;
	}
	mv->data = xmalloc((size_t)mv->job.bytes);
	if (sys_pread(mv->fd, mv->data, (size_t)mv->job.bytes, 0) !=
	    (ssize_t)mv->job.bytes)
		return err_set(e, ERR_CORRUPT, "'%s' changed while it was read", mv->key);
	sys_close(mv->fd);
	mv->fd = -1;
	mv->job.op = REMOTE_PUT_BYTES;
	mv->job.data = mv->data;
	return 0;
}

static void end_upload(struct mover *m, struct move *mv)
{
	struct transfer_item *item = mv->item;

	if (mv->job.code == 0) {
		item->state = TRANSFER_DONE;
		sink_add(m->sink, 1, mv->job.op == REMOTE_PUT_BYTES ? item->bytes : 0);
	} else {
		fail(m, item, mv->job.code, &mv->job.err);
	}
	move_free(mv);
}

static void reap(struct mover *m, size_t until,
		 void (*end)(struct mover *m, struct move *mv))
{
	while (remote_in_flight(m->r) > until) {
		struct remote_job *job = remote_next(m->r);

		if (!job)
			break;
		end(m, job->ctx);
	}
}

static uint64_t total_bytes(struct transfer_item **v, size_t nr)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < nr; i++)
		sum += v[i]->bytes;
	return sum;
}

int transfer_upload(struct remote *r, struct odb *odb, struct transfer_item **v,
		    size_t nr, struct sink *sink, struct err *e)
{
	struct mover m = {.r = r, .odb = odb, .sink = sink, .e = e};

	m.in_flight_max = in_flight_max(r);
	log_debug("sync", "%zu objects to upload", nr);
	sink_begin(sink, "uploading", nr, total_bytes(v, nr));
	for (size_t i = 0; i < nr && m.code == 0; i++) {
		struct move *mv;
		struct err why = {0};
		int code;

		if ((m.code = interrupt_check(e)) < 0)
			break;
		mv = move_new(v[i], REMOTE_PUT);
		code = load(&m, mv, &why);
		if (code < 0) {
			if (code == ERR_NOTFOUND)
				v[i]->state = TRANSFER_MISSING;
			else
				fail(&m, v[i], code, &why);
			move_free(mv);
			continue;
		}
		if (mv->job.op == REMOTE_PUT)
			mv->job.sink = sink;
		reap(&m, m.in_flight_max - 1, end_upload);
		remote_submit(r, &mv->job);
	}
	reap(&m, 0, end_upload);
	sink_end(sink);
	return m.code;
}

int transfer_digest(const struct oid *oid, int fd, uint8_t digest[16], struct err *e)
{
	struct hash_dos2unix h = {0};
	int64_t at = 0;
	char *block;
	ssize_t n;

	if (oid->algo != OID_LEGACY || oid->is_dir)
		return 0;
	block = xmalloc(READ_BLOCK);
	hash_dos2unix_begin(&h);
	while ((n = sys_pread(fd, block, READ_BLOCK, at)) > 0) {
		hash_dos2unix_update(&h, block, (size_t)n);
		at += n;
	}
	hash_dos2unix_end(&h, digest);
	hash_dos2unix_release(&h);
	free(block);
	return n < 0 ? err_sys(e, "read", NULL) : 0;
}

static int keep(struct remote_job *job, uint64_t *inode, struct err *e)
{
	struct move *mv = job->ctx;
	char name[TMPFILE_NAME_N + 1];
	struct stat st;
	int r;

	tmpfile_name_of(mv->item->oid.b, name);
	if (sys_fstat(mv->tmp.fd, &st) < 0)
		return err_sys(e, "stat", mv->tmp.name);
	if ((r = tmpfile_rename(&mv->tmp, name, e)) == 0)
		*inode = st.st_ino;
	return r;
}

/* In place of the fresh one: what a run that did not end left of this object. */
static int reuse(struct remote_job *job, uint64_t inode, struct err *e)
{
	struct move *mv = job->ctx;
	char name[TMPFILE_NAME_N + 1];
	struct tmpfile old = {0};
	struct stat st;
	int r;

	tmpfile_name_of(mv->item->oid.b, name);
	if ((r = tmpfile_adopt(&old, mv->tmp.dirfd, name, e)) < 0)
		return r;
	if (sys_fstat(old.fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    st.st_ino != inode) {
		tmpfile_keep(&old); /* whoever's it is */
		return err_set(e, ERR_NOTFOUND, "'%s' is another file", name);
	}
	tmpfile_release(&mv->tmp);
	mv->tmp = old;
	job->fd = old.fd;
	return 0;
}

static int start_download(struct mover *m, struct move *mv, struct err *e)
{
	int r = odb_stage(m->odb, &mv->item->oid, &mv->tmp, e);

	if (r < 0)
		return r;
	mv->job.fd = mv->tmp.fd;
	mv->job.sink = m->sink;
	mv->job.keep = keep;
	mv->job.reuse = reuse;
	mv->tries++;
	remote_submit(m->r, &mv->job);
	return 0;
}

/* The bytes came, but are not what the name says: once more, then the remote is
 * to blame. Returns true when the job is on its way again. */
static bool fetch_again(struct mover *m, struct move *mv)
{
	struct err why = {0};
	int code;

	tmpfile_release(&mv->tmp);
	if (mv->job.resumed > 0)
		mv->tries = 0; /* the part of an earlier run may be to blame */
	if (mv->tries > 1) {
		code = err_set(
			&why, ERR_CORRUPT,
			"'%s' is damaged on the remote: its bytes have another digest",
			mv->job.key);
		fail(m, mv->item, code, &why);
		return false;
	}
	log_debug("sync", "%s arrived with another digest, fetching once more", mv->key);
	memset(&mv->job.err, 0, sizeof(mv->job.err));
	mv->job.code = 0;
	mv->job.bytes = mv->job.resumed = 0;
	code = start_download(m, mv, &why);
	if (code < 0)
		fail(m, mv->item, code, &why);
	return code == 0;
}

static void end_download(struct mover *m, struct move *mv)
{
	struct transfer_item *item = mv->item;
	struct err why = {0};
	int code = mv->job.code;

	if (code == ERR_NOTFOUND) {
		item->state = TRANSFER_MISSING;
	} else if (code < 0 && code != ERR_CORRUPT) {
		fail(m, item, code, &mv->job.err);
		if (mv->job.kept)
			tmpfile_keep(&mv->tmp);
	} else {
		item->bytes = mv->job.bytes;
		if (code == 0)
			code = transfer_digest(&item->oid, mv->tmp.fd, mv->job.digest,
					       &why);
		if (code == 0)
			code = odb_publish(m->odb, &item->oid, &mv->tmp, mv->job.digest,
					   &why);
		if (code == ERR_CORRUPT && fetch_again(m, mv))
			return;
		if (code == 0) {
			item->state = TRANSFER_DONE;
			sink_add(m->sink, 1, 0);
		} else if (item->state != TRANSFER_FAILED) {
			fail(m, item, code, &why);
		}
	}
	move_free(mv);
}

int transfer_download(struct remote *r, struct odb *odb, struct transfer_item **v,
		      size_t nr, struct sink *sink, struct err *e)
{
	struct mover m = {.r = r, .odb = odb, .sink = sink, .e = e};

	m.in_flight_max = in_flight_max(r);
	log_debug("sync", "%zu objects to download", nr);
	sink_begin(sink, "downloading", nr, total_bytes(v, nr));
	for (size_t i = 0; i < nr && m.code == 0; i++) {
		struct move *mv;
		struct err why = {0};
		int code;

		if ((m.code = interrupt_check(e)) < 0)
			break;
		reap(&m, m.in_flight_max - 1, end_download);
		mv = move_new(v[i], REMOTE_GET);
		code = start_download(&m, mv, &why);
		if (code < 0) {
			fail(&m, v[i], code, &why);
			move_free(mv);
		}
	}
	reap(&m, 0, end_download);
	sink_end(sink);
	return m.code;
}
