/*
 * What makes a large download from a web server survive a kill. Bytes come in
 * order, so the file itself tells how many there are; the record, written once,
 * tells which file it is and of which ETag. All of it is hashed before anything
 * is believed, and what follows is bound to the ETag by If-Range.
 */
#include "remote/httpr.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/base/sink.h"
#include "store/base/sys.h"

#include <stdlib.h>
#include <string.h>

static bool is_usable(const struct resume *r, const char *url)
{
	int64_t age = clock_wall_ns() - r->started_ns;

	return strcmp(r->url, url) == 0 && r->part_bytes == HTTPR_RECORD_AT &&
	       r->bytes > HTTPR_RECORD_AT && r->etag[0] == '"' &&
	       strlen(r->etag) < HTTPR_ETAG_MAX && age >= 0 && age < RESUME_AGE_NS;
}

uint64_t httpr_log_open(struct httpr_log *l, const char *dir, const char *url,
			struct remote_job *job, char etag[HTTPR_ETAG_MAX])
{
	struct resume old = {0};
	struct err e = {0};
	struct stat st;
	uint64_t at = 0;

	if (!job->reuse || !resume_open(&l->file, dir, false, url))
		return 0;
	if (resume_load(&l->file, &old) && is_usable(&old, url) &&
	    job->reuse(job, old.inode, &e) == 0 && sys_fstat(job->fd, &st) == 0 &&
	    st.st_size >= (int64_t)HTTPR_RECORD_AT) {
		/* At least one byte is asked for, so that the ETag is compared. */
		at = MIN_OF((uint64_t)st.st_size, old.bytes - 1);
		memcpy(etag, old.etag, strlen(old.etag) + 1);
		l->is_written = true;
		job->resumed = at;
		sink_add(job->sink, 0, at);
		log_debug("http", "'%s': going on with %llu of %llu bytes", job->key,
			  (unsigned long long)at, (unsigned long long)old.bytes);
	} else {
		resume_done(&l->file);
	}
	resume_release(&old);
	return at;
}

void httpr_log_write(struct httpr_log *l, const char *dir, const char *url,
		     struct remote_job *job, uint64_t total, const char *etag)
{
	struct resume_range first = {.got = HTTPR_RECORD_AT};
	struct resume r = {.bytes = total,
			   .part_bytes = HTTPR_RECORD_AT,
			   .started_ns = clock_wall_ns()};
	struct buf text = {0};
	struct err e = {0};

	if (l->is_written || l->is_given_up)
		return;
	l->is_given_up = true; /* whatever happens, once */
	if (!job->keep || (!l->file.live && !resume_open(&l->file, dir, false, url)))
		return;
	if (job->keep(job, &r.inode, &e) < 0) {
		log_debug("http", "'%s' goes without a record: %s", job->key, e.text);
		resume_done(&l->file);
		return;
	}
	r.url = xstrdup(url);
	r.etag = xstrdup(etag);
	vec_push(&r.ranges, first);
	if (resume_format(&r, &text)) {
		resume_save(&l->file, &text);
		l->is_written = true;
	}
	resume_release(&r);
	buf_release(&text);
}

void httpr_log_end(struct httpr_log *l, struct remote_job *job, int code, uint64_t at)
{
	bool stays = l->file.live && l->is_written && at >= HTTPR_RECORD_AT &&
		     (code == ERR_CANCELED || code == ERR_NET || code == ERR_AUTH);

	job->kept = stays;
	if (stays)
		resume_close(&l->file);
	else
		resume_done(&l->file);
}
