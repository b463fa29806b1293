/*
 * What makes a large download survive a kill: the file keeps a name that the
 * next run finds, and a record beside it tells of which ETag it is and which
 * ranges are there. Their bytes are hashed from the start like all others before
 * anything is believed; each further range is bound to the ETag by If-Match.
 */
#include "remote/s3_get.h"

#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/base/sink.h"
#include "store/base/sys.h"

#include <stdlib.h>
#include <string.h>

#define OBJECT_MAX (UINT64_C(5) << 40)
#define SAVE_NS	   INT64_C(250000000)

static bool is_usable(const struct get *g, const struct resume *r, const char *url)
{
	int64_t age = clock_wall_ns() - r->started_ns;
	uint8_t headers[16];

	s3_headers_digest(g->s3, headers);
	return strcmp(r->url, url) == 0 && r->part_bytes == S3_PART &&
	       r->bytes > S3_PART && r->bytes <= OBJECT_MAX &&
	       strlen(r->etag) < sizeof(g->etag) && r->ranges.nr > 0 && age >= 0 &&
	       age < RESUME_AGE_NS && memcmp(r->headers, headers, 16) == 0;
}

/* The file is as long as the record needs it, and is the one it speaks of. */
static bool is_there(struct get *g, const struct resume *r)
{
	const struct resume_range *last = &r->ranges.v[r->ranges.nr - 1];
	uint64_t end = last->last * r->part_bytes + last->got;
	struct err e = {0};
	struct stat st;

	if (g->job->reuse(g->job, r->inode, &e) < 0) {
		log_debug("s3", "'%s': %s", g->job->key, e.text);
		return false;
	}
	return sys_fstat(g->job->fd, &st) == 0 && st.st_size >= 0 &&
	       (uint64_t)st.st_size >= end;
}

static void take_up(struct get *g, struct resume *r)
{
	g->sized = g->resumed = true;
	g->total = r->bytes;
	g->ranges_nr = (unsigned)((r->bytes + S3_PART - 1) / S3_PART);
	g->done = xcalloc(g->ranges_nr, 1);
	g->had = xcalloc(g->ranges_nr, sizeof(*g->had));
	memcpy(g->etag, r->etag, strlen(r->etag) + 1);
	for (size_t i = 0; i < r->ranges.nr; i++) {
		const struct resume_range *v = &r->ranges.v[i];

		for (unsigned k = v->first; k <= v->last; k++) {
			uint64_t n = k < v->last ? S3_PART : v->got;

			g->had[k] = (uint32_t)n;
			g->done[k] = n == resume_piece(r, k);
			g->job->resumed += n;
		}
	}
	while (g->floor < g->ranges_nr && g->done[g->floor])
		g->floor++;
	sink_add(g->job->sink, 0, g->job->resumed);
	g->log = *r;
	*r = (struct resume){0};
	log_debug("s3", "'%s': going on with %llu of %llu bytes", g->job->key,
		  (unsigned long long)g->job->resumed, (unsigned long long)g->total);
}

void s3_getlog_open(struct get *g)
{
	struct resume old = {0};
	char *url;

	if (!g->s3->has_partials || !g->job->reuse || g->job->op != REMOTE_GET)
		return;
	url = s3_transfer_url(g->s3, g->job->key);
	if (resume_open(&g->file, g->s3->state_dir, false, url)) {
		if (resume_load(&g->file, &old) && is_usable(g, &old, url) &&
		    is_there(g, &old))
			take_up(g, &old);
		else
			resume_done(&g->file);
	}
	resume_release(&old);
	free(url);
}

/* How many bytes of a range are on the disk. */
static uint64_t there(const struct get *g, unsigned index)
{
	if (g->done[index])
		return MIN_OF((uint64_t)S3_PART, g->total - (uint64_t)index * S3_PART);
	for (unsigned i = 0; i < S3_PARTS_IN_FLIGHT; i++)
		if (g->slot[i] && g->slot[i]->is_live && g->slot[i]->index == index)
			return g->slot[i]->got;
	return g->had ? g->had[index] : 0;
}

/* Whole ranges next to each other become one line. */
static void list_ranges(struct get *g)
{
	struct resume *r = &g->log;

	r->ranges.nr = 0;
	for (unsigned i = 0; i < g->ranges_nr; i++) {
		struct resume_range v = {.first = i, .last = i, .got = there(g, i)};
		struct resume_range *before =
			r->ranges.nr ? &r->ranges.v[r->ranges.nr - 1] : NULL;

		if (v.got == 0)
			continue;
		if (before && before->last + 1 == i && before->got == S3_PART) {
			before->last = i;
			before->got = v.got;
		} else {
			vec_push(&r->ranges, v);
		}
	}
}

static bool is_recorded(const struct get *g)
{
	return g->job->keep && g->s3->state_dir && g->sized && !g->whole && g->etag[0] &&
	       g->total > S3_PART && !g->no_log;
}

static void take_down(struct get *g)
{
	struct resume *r = &g->log;

	if (!r->url)
		r->url = s3_transfer_url(g->s3, g->job->key);
	if (!r->etag || strcmp(r->etag, g->etag) != 0) {
		free(r->etag);
		r->etag = xstrdup(g->etag);
		r->started_ns = clock_wall_ns();
	}
	r->bytes = g->total;
	r->part_bytes = S3_PART;
	s3_headers_digest(g->s3, r->headers);
	list_ranges(g);
}

void s3_getlog_due(struct get *g)
{
	int64_t now = clock_mono_ns();

	if (!is_recorded(g) || (g->saved_ns && now - g->saved_ns < SAVE_NS))
		return;
	g->saved_ns = now;
	g->save = true;
	take_down(g);
}

/* The first time the file gets its lasting name; only the lock's holder may. */
static bool settle_in(struct get *g)
{
	struct err e = {0};

	if (g->log.inode && g->file.live)
		return true;
	if (!g->file.live && !resume_open(&g->file, g->s3->state_dir, false, g->log.url))
		return false;
	if (g->job->keep(g->job, &g->log.inode, &e) == 0)
		return true;
	log_debug("s3", "'%s' goes without a record: %s", g->job->key, e.text);
	resume_done(&g->file);
	return false;
}

void s3_getlog_write(struct get *g)
{
	struct buf text = {0};

	g->save = false;
	g->no_log = !settle_in(g);
	if (!g->no_log && resume_format(&g->log, &text))
		resume_save(&g->file, &text);
	buf_release(&text);
}

void s3_getlog_reset(struct get *g)
{
	free(g->had);
	g->had = NULL;
	g->resumed = false;
	g->floor = 0;
	g->saved_ns = 0;
	for (unsigned i = 0; i < S3_PARTS_IN_FLIGHT; i++)
		if (g->slot[i])
			g->slot[i]->is_live = false;
	if (g->file.live)
		resume_drop(&g->file);
}

void s3_getlog_failed(struct get *g, int code)
{
	bool keeps = (code == ERR_CANCELED || code == ERR_NET || code == ERR_AUTH) &&
		     is_recorded(g) && !g->restarting;

	if (keeps) {
		take_down(g);
		if (g->log.ranges.nr > 0)
			s3_getlog_write(g);
		keeps = g->file.live && g->log.ranges.nr > 0;
	}
	g->job->kept = keeps;
	if (keeps)
		resume_close(&g->file);
	else
		resume_done(&g->file);
}
