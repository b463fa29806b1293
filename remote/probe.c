#include "remote/probe.h"

#include "remote/transport.h"
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/interrupt.h"
#include "store/base/sink.h"
#include "store/base/sys.h"
#include "store/hash/hash.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
	SMALL = 1024,
	SAMPLES = 20,
	STREAMS = 4,
	FIRST_BYTES = 256 << 10, /* of a stream, to see how fast it is */
	MOST_BYTES = 16 << 20,	 /* of a stream */
	MEASURE_MS = 1500,	 /* about as long as a direction takes */
	PREFIX_FIXED = 11,	 /* "lode/probe-" */
	STALE_AFTER_S = 3600,	 /* another test may be at work */
	STALE_MAX = 1000,
};

void probe_release(struct probe *p)
{
	for (size_t i = 0; i < p->checks.nr; i++)
		free(p->checks.v[i].detail);
	vec_release(&p->checks);
	strvec_release(&p->keys);
	free(p->endpoint);
	free(p->region);
	free(p->provider);
	free(p->source);
	free(p->error);
	*p = (struct probe){0};
}

void probe_add(struct probe *p, const char *name, enum probe_result result,
	       const char *detail, ...)
{
	struct probe_check c = {.name = name, .result = result};
	struct buf b = {0};
	va_list ap;

	va_start(ap, detail);
	buf_vaddf(&b, detail, ap);
	va_end(ap);
	c.detail = buf_detach(&b);
	vec_push(&p->checks, c);
}

const char *probe_key(struct probe *p, const char *name)
{
	char *key = xasprintf("%s%s", p->prefix, name);

	strvec_push(&p->keys, key);
	free(key);
	return p->keys.v[p->keys.nr - 1];
}

void probe_learn(struct probe *p, enum s3_quirk q, bool on)
{
	p->learned.known |= q;
	if (on)
		p->learned.flags |= q;
}

/* A check that every command relies on. */
static int needed(struct probe *p, const char *name, int r, const struct err *e)
{
	char text[2048] = "";

	if (r < 0)
		err_format(e, text, sizeof(text));
	probe_add(p, name, r < 0 ? PROBE_FAILED : PROBE_YES, "%s", text);
	if (r < 0 && p->code == 0) {
		p->code = r;
		p->error = xstrdup(text);
	}
	return r;
}

/* ---- what any remote must do ------------------------------------------------- */

static void fill(char *p, size_t n)
{
	size_t done = 0;

	/* Nothing on the way may pack it. */
	while (done < n) {
		ssize_t got = getrandom(p + done, MIN_OF(n - done, (size_t)256), 0);

		if (got <= 0)
			die("no random bytes");
		done += (size_t)got;
	}
}

static int check_put(struct probe *p, const char *bytes, struct err *e)
{
	struct remote_job job = {.op = REMOTE_PUT_BYTES,
				 .key = probe_key(p, "small"),
				 .data = bytes,
				 .bytes = SMALL};
	int r = remote_do(p->r, &job, e);

	return needed(p, "put", r, e);
}

static int check_get(struct probe *p, const char *bytes, struct err *e)
{
	struct buf got = {0};
	struct remote_job job = {.op = REMOTE_GET_BYTES,
				 .key = p->keys.v[0],
				 .out = &got,
				 .limit = 2 * SMALL};
	int r = remote_do(p->r, &job, e);

	if (r == 0 && (got.n != SMALL || memcmp(got.p, bytes, SMALL) != 0))
		r = err_set(e, ERR_CORRUPT, "other bytes came back than were sent");
	buf_release(&got);
	return needed(p, "get", r, e);
}

static int check_head(struct probe *p, struct err *e)
{
	struct remote_job job = {.op = REMOTE_HEAD, .key = p->keys.v[0]};
	int r = remote_do(p->r, &job, e);

	if (r == 0 && job.bytes != SMALL)
		r = err_set(e, ERR_CORRUPT,
			    "the object is said to have %" PRIu64 " bytes, not %d",
			    job.bytes, SMALL);
	needed(p, "head", r, e);
	if (r == ERR_CANCELED)
		return r;
	job.key = p->keys.v[1];
	r = remote_do(p->r, &job, e);
	if (r == 0)
		r = err_set(e, ERR_CORRUPT, "an object that was never made is there");
	return needed(p, "absence", r == ERR_NOTFOUND ? 0 : r, e);
}

struct listing {
	struct probe *p;
	size_t seen;
	bool is_sorted;
	char *last;
	struct strvec stale;
};

static int on_own(struct remote_job *job, const struct remote_entry *v, size_t nr)
{
	struct listing *l = job->ctx;

	for (size_t i = 0; i < nr; i++) {
		if (l->last && strcmp(l->last, v[i].key) >= 0)
			l->is_sorted = false;
		free(l->last);
		l->last = xstrdup(v[i].key);
		l->seen++;
	}
	return 0;
}

static int check_list(struct probe *p, struct err *e)
{
	struct listing l = {.p = p, .is_sorted = true};
	struct remote_job job = {
		.op = REMOTE_LIST, .key = p->prefix, .on_page = on_own, .ctx = &l};
	int r;

	if (!remote_traits(p->r)->can_list) {
		probe_add(p, "list", PROBE_NO, "asked object by object");
		return 0;
	}
	r = remote_do(p->r, &job, e);
	if (r == 0 && l.seen != 1)
		r = err_set(e, ERR_CORRUPT, "the listing has %zu objects, not 1", l.seen);
	free(l.last);
	return needed(p, "list", r, e);
}

/* ---- how fast ------------------------------------------------------------------ */

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int measure_latency(struct probe *p, struct err *e)
{
	uint64_t us[SAMPLES];
	int r = 0;

	for (unsigned i = 0; i < SAMPLES && r == 0; i++) {
		struct buf got = {0};
		struct remote_job job = {.op = REMOTE_GET_BYTES,
					 .key = p->keys.v[0],
					 .out = &got,
					 .limit = 2 * SMALL};
		int64_t start = clock_mono_ns();

		r = remote_do(p->r, &job, e);
		us[i] = (uint64_t)(clock_mono_ns() - start) / 1000;
		buf_release(&got);
	}
	if (r < 0)
		return r;
	qsort(us, SAMPLES, sizeof(us[0]), by_size);
	p->samples = SAMPLES;
	p->latency_us = us[SAMPLES / 2];
	p->latency_worst_us = us[SAMPLES - 1];
	return 0;
}

/* Move n bytes by each stream at once; the time it took. */
static int move(struct probe *p, enum remote_op op, const char *const *keys, char *data,
		size_t n, int64_t *ns, struct err *e)
{
	struct remote_job jobs[STREAMS] = {0};
	struct buf got[STREAMS] = {0};
	int64_t start = clock_mono_ns();
	int r = 0;

	for (unsigned i = 0; i < STREAMS; i++) {
		jobs[i] = (struct remote_job){.op = op,
					      .key = keys[i],
					      .data = data,
					      .bytes = n,
					      .out = &got[i],
					      .limit = n};
		remote_submit(p->r, &jobs[i]);
	}
	while (remote_in_flight(p->r) > 0) {
		struct remote_job *job = remote_next(p->r);

		if (job->code < 0 && r == 0) {
			r = job->code;
			if (e)
				*e = job->err;
		}
	}
	*ns = MAX_OF(clock_mono_ns() - start, (int64_t)1);
	for (unsigned i = 0; i < STREAMS; i++)
		buf_release(&got[i]);
	return r;
}

static int measure_speed(struct probe *p, struct err *e)
{
	char *data = xmalloc(MOST_BYTES);
	const char *keys[STREAMS];
	size_t n = FIRST_BYTES;
	int64_t ns;
	int r;

	for (unsigned i = 0; i < STREAMS; i++) {
		char name[16];

		IGNORE_RESULT(snprintf(name, sizeof(name), "speed-%u", i) < 0);
		/* probe_key may move earlier ones' list, not their texts. */
		keys[i] = probe_key(p, name);
	}
	fill(data, MOST_BYTES);
	if ((r = move(p, REMOTE_PUT_BYTES, keys, data, n, &ns, e)) == 0) {
		double want = (double)n * MEASURE_MS * 1e6 / (double)ns;

		n = want < FIRST_BYTES	? FIRST_BYTES
		    : want > MOST_BYTES ? MOST_BYTES
					: (size_t)want;
		r = move(p, REMOTE_PUT_BYTES, keys, data, n, &ns, e);
	}
	if (r == 0) {
		p->upload_bytes_s = (uint64_t)((double)n * STREAMS * 1e9 / (double)ns);
		r = move(p, REMOTE_GET_BYTES, keys, data, n, &ns, e);
	}
	if (r == 0)
		p->download_bytes_s = (uint64_t)((double)n * STREAMS * 1e9 / (double)ns);
	free(data);
	return r;
}

/* ---- the end ------------------------------------------------------------------- */

/* "lode/probe-" and 16 digits: nothing else is ours to remove. */
static bool is_ours(const char *key)
{
	uint8_t raw[8];

	return strncmp(key, "lode/probe-", PREFIX_FIXED) == 0 &&
	       strlen(key) > PREFIX_FIXED + 17 &&
	       hex_decode((struct slice){key + PREFIX_FIXED, 16}, raw, sizeof(raw)) &&
	       key[PREFIX_FIXED + 16] == '/';
}

static int on_stale(struct remote_job *job, const struct remote_entry *v, size_t nr)
{
	struct listing *l = job->ctx;
	int64_t before = clock_wall_ns() - INT64_C(1000000000) * STALE_AFTER_S;

	for (size_t i = 0; i < nr && l->stale.nr < STALE_MAX; i++)
		if (is_ours(v[i].key) &&
		    strncmp(v[i].key, l->p->prefix, strlen(l->p->prefix)) != 0 &&
		    v[i].modified_ns > 0 && v[i].modified_ns < before)
			strvec_push(&l->stale, v[i].key);
	return l->stale.nr >= STALE_MAX;
}

static int on_upload(struct remote_job *job, const struct remote_entry *v, size_t nr)
{
	struct listing *l = job->ctx;

	for (size_t i = 0; i < nr; i++)
		if (is_ours(v[i].key)) {
			strvec_push(&l->stale, v[i].key);
			strvec_push(&l->stale, v[i].etag);
		}
	return 0;
}

static int remove_keys(struct probe *p, const struct strvec *keys, struct err *e)
{
	const char **v = xcalloc(keys->nr + 1, sizeof(*v));
	struct remote_job job = {.op = REMOTE_DELETE, .keys = v, .keys_nr = keys->nr};
	int r;

	for (size_t i = 0; i < keys->nr; i++)
		v[i] = keys->v[i];
	r = remote_do(p->r, &job, e);
	free(v);
	return r;
}

/* Uploads in parts that were begun below our prefix and did not end. */
static int abort_uploads(struct probe *p, struct err *e)
{
	struct listing l = {.p = p};
	struct remote_job job = {.op = REMOTE_LIST_UPLOADS,
				 .key = p->prefix,
				 .on_page = on_upload,
				 .ctx = &l};
	int r = remote_traits(p->r)->has_uploads ? remote_do(p->r, &job, e) : 0;

	for (size_t i = 0; i + 1 < l.stale.nr && r == 0; i += 2) {
		struct remote_job end = {.op = REMOTE_ABORT_UPLOAD,
					 .key = l.stale.v[i],
					 .upload_id = l.stale.v[i + 1]};

		r = remote_do(p->r, &end, e);
	}
	strvec_release(&l.stale);
	return r;
}

/* A directory keeps the ones it made for our keys. */
static void remove_directories(const struct probe *p)
{
	const char *path = remote_url(p->r);
	char *dir = xmemdup0(p->prefix, strlen(p->prefix) - 1);
	int fd;

	if (strncmp(path, "file://", 7) == 0)
		path += 7;
	fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
	if (fd >= 0) {
		fs_prune_empty(fd, dir);
		sys_close(fd);
	}
	free(dir);
}

/* Interrupted or not, what was made is removed; a second interrupt ends that too. */
static void clean_up(struct probe *p)
{
	bool was_interrupted = interrupt_pending();
	struct listing l = {.p = p};
	struct remote_job job = {
		.op = REMOTE_LIST, .key = "lode/probe-", .on_page = on_stale, .ctx = &l};
	struct err e = {0};
	int r;

	interrupt_reset();
	r = remove_keys(p, &p->keys, &e);
	if (r == ERR_UNSUPPORTED) {
		probe_add(p, "delete", PROBE_NO, "what was made stays in '%s'",
			  p->prefix);
		r = 0;
	} else {
		needed(p, "delete", r, &e);
	}
	/* Without the right to list uploads there is nothing to be done. */
	if (r == 0 && !interrupt_pending())
		IGNORE_RESULT(abort_uploads(p, NULL) < 0);
	if (r == 0 && !was_interrupted && !interrupt_pending() &&
	    remote_traits(p->r)->can_list && remote_do(p->r, &job, NULL) == 0 &&
	    l.stale.nr > 0)
		IGNORE_RESULT(remove_keys(p, &l.stale, NULL) < 0);
	if (remote_traits(p->r)->local)
		remove_directories(p);
	strvec_release(&l.stale);
	if (was_interrupted)
		interrupt_request();
}

static int all_checks(struct probe *p, struct err *e)
{
	char bytes[SMALL];
	int r;

	fill(bytes, sizeof(bytes));
	if ((r = check_put(p, bytes, e)) < 0)
		return r; /* nothing to look at */
	(void)probe_key(p, "absent");
	if ((r = check_get(p, bytes, e)) == ERR_CANCELED ||
	    (r = check_head(p, e)) == ERR_CANCELED ||
	    (r = check_list(p, e)) == ERR_CANCELED)
		return r;
	if (p->r->ops->probe)
		p->r->ops->probe(p->r, p);
	if ((r = interrupt_check(e)) < 0 || p->code < 0)
		return r;
	if ((r = measure_latency(p, e)) == 0)
		r = measure_speed(p, e);
	if (r < 0 && r != ERR_CANCELED)
		needed(p, "speed", r, e);
	return r;
}

int remote_probe(const struct remote_options *o, struct probe *p, struct err *e)
{
	uint64_t random;
	struct err found = {0};
	int r;

	*p = (struct probe){0};
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		die("no random bytes");
	IGNORE_RESULT(snprintf(p->prefix, sizeof(p->prefix), "lode/probe-%016" PRIx64 "/",
			       random) < 0);
	if ((r = remote_open(&p->r, o, e)) < 0)
		return r;
	sink_begin(o->sink, "testing", 0, 0);
	r = all_checks(p, &found);
	clean_up(p);
	sink_end(o->sink);
	remote_close(p->r);
	p->r = NULL;
	p->learned.at_ns = clock_wall_ns();
	if (r != ERR_CANCELED)
		return 0;
	if (e)
		*e = found;
	return r;
}
