#include "tests/lib/fakes3.h"

#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/parse.h"
#include "tests/lib/fakes3_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct conn {
	struct fakes3 *f;
	int fd;
	struct buf in; /* read and not yet used */
};

static bool stopping(struct fakes3 *f)
{
	bool is;

	pthread_mutex_lock(&f->lock);
	is = f->stopping;
	pthread_mutex_unlock(&f->lock);
	return is;
}

static ssize_t receive(struct conn *c)
{
	char p[65536];
	ssize_t n = recv(c->fd, p, sizeof(p), 0);

	if (n > 0)
		buf_add(&c->in, p, (size_t)n);
	return n;
}

static bool send_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k <= 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

static void reset(int fd)
{
	struct linger l = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

/* Until the client goes away or the server stops. */
static void hang(struct conn *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};

	while (!stopping(c->f) && poll(&p, 1, 20) == 0)
		;
}

static bool matches(const char *method, const char *has, const char *got_method,
		    const char *target)
{
	return (!method || strcmp(method, got_method) == 0) &&
	       (!has || strstr(target, has));
}

static struct fakes3_rule bite(struct fakes3 *f, const struct request *q)
{
	struct fakes3_rule none = {0};

	for (size_t i = 0; i < f->rules.nr; i++) {
		struct fakes3_rule *r = &f->rules.v[i];

		if (!matches(r->method, r->has, q->method, q->target))
			continue;
		r->hits++;
		if (r->hits > r->skip && (!r->times || r->hits <= r->skip + r->times))
			return *r;
	}
	return none;
}

static bool read_head(struct conn *c, struct request *q)
{
	const char *end, *sp;
	size_t n;

	while (!(end = c->in.n ? strstr(buf_str(&c->in), "\r\n\r\n") : NULL))
		if (c->in.n > 1 << 20 || receive(c) <= 0)
			return false;
	n = (size_t)(end - c->in.p) + 4;
	q->head = xmemdup0(c->in.p, n);
	buf_splice(&c->in, 0, n, NULL, 0);
	sp = strchr(q->head, ' ');
	if (!sp || sp - q->head >= (int)sizeof(q->method))
		return false;
	memcpy(q->method, q->head, (size_t)(sp - q->head));
	sp++;
	/* "GET http://host/..." is how a proxy is asked: we are every host behind it. */
	if (strncmp(sp, "http://", 7) == 0)
		sp += 7 + strcspn(sp + 7, "/ \r\n");
	q->target = xmemdup0(sp, strcspn(sp, " \r\n"));
	n = strcspn(q->target, "?");
	if (strncmp(q->target, "/" FAKES3_BUCKET, strlen(FAKES3_BUCKET) + 1) != 0)
		q->wrong_bucket = true;
	else if (n > strlen(FAKES3_BUCKET) + 2)
		q->key = fake_decode(q->target + strlen(FAKES3_BUCKET) + 2,
				     n - strlen(FAKES3_BUCKET) - 2);
	return true;
}

/* At most limit bytes of the body; false when the client went. */
static bool read_body(struct conn *c, struct request *q, int64_t limit)
{
	char *length = fake_header(q->head, "content-length");
	uint64_t n = 0;

	if (length)
		IGNORE_RESULT(parse_u64(slice_of(length), &n));
	free(length);
	if (limit >= 0 && n > (uint64_t)limit)
		n = (uint64_t)limit;
	while (c->in.n < n)
		if (receive(c) <= 0)
			return false;
	buf_add(&q->body, c->in.p, (size_t)n);
	buf_splice(&c->in, 0, (size_t)n, NULL, 0);
	return true;
}

static void note_request(struct fakes3 *f, const struct request *q)
{
	struct log_entry l = {.target = xstrdup(q->target), .head = xstrdup(q->head)};

	memcpy(l.method, q->method, sizeof(l.method));
	vec_push(&f->log, l);
	f->active++;
	f->max_active = MAX_OF(f->max_active, f->active);
}

static void server_date(const struct fakes3 *f, char out[64])
{
	time_t t = (time_t)(clock_wall_ns() / 1000000000 + f->shift_s);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, 64, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

static void drop_header(struct buf *head, const char *name)
{
	size_t n = strcspn(name, ":");

	for (size_t at = 0; at < head->n;) {
		size_t line = strcspn(head->p + at, "\n") + 1;

		if (strncasecmp(head->p + at, name, n) == 0 && head->p[at + n] == ':')
			buf_splice(head, at, line, NULL, 0);
		else
			at += line;
	}
}

static void apply(struct fakes3 *f, const struct fakes3_rule *r, struct answer *a)
{
	if (r->what & FAKES3_STATUS) {
		buf_reset(&a->head);
		buf_reset(&a->body);
		a->status = r->status;
		if (r->code)
			fake_error(a, r->status, r->code, r->extra);
		else if (r->body)
			buf_adds(&a->body, r->body);
	}
	if (r->what & FAKES3_BODY) {
		buf_reset(&a->body);
		buf_adds(&a->body, r->body);
		a->status = 200;
	}
	if (r->what & FAKES3_EMPTY)
		buf_reset(&a->body);
	if ((r->what & FAKES3_FLIP) && (size_t)r->at < a->body.n)
		a->body.p[r->at] ^= 1;
	if (r->what & (FAKES3_HEADER | FAKES3_DROP_HEADER))
		drop_header(&a->head, r->header);
	if (r->what & FAKES3_HEADER)
		buf_addf(&a->head, "%s\r\n", r->header);
	if (r->what & FAKES3_BLANKS) {
		struct buf b = {0};

		buf_fill(&b, ' ', (size_t)r->at);
		buf_splice(&a->body, 0, 0, b.p, b.n);
		buf_release(&b);
	}
	(void)f;
}

static bool send_body(struct conn *c, const struct fakes3_rule *r, const struct answer *a)
{
	size_t n = a->body.n;
	bool cut = r->what & (FAKES3_CLOSE_AT | FAKES3_HANG_AT);
	bool ok = true;

	if (cut)
		n = MIN_OF(n, (size_t)r->at);
	/* Before it goes: a client that has it all may look at the count. */
	pthread_mutex_lock(&c->f->lock);
	c->f->sent += n;
	pthread_mutex_unlock(&c->f->lock);
	if ((r->what & FAKES3_CHUNKED) && n > 0) {
		char line[32];

		IGNORE_RESULT(snprintf(line, sizeof(line), "%zx\r\n", n) < 0);
		ok = send_all(c->fd, line, strlen(line)) &&
		     send_all(c->fd, a->body.p, n) && send_all(c->fd, "\r\n", 2);
	} else if (r->what & FAKES3_TRICKLE) {
		size_t step = (size_t)r->at;

		for (size_t at = 0; ok && at < n && !stopping(c->f); at += step) {
			ok = send_all(c->fd, a->body.p + at, MIN_OF(step, n - at));
			clock_sleep_ms(100);
		}
	} else if (n > 0) {
		ok = send_all(c->fd, a->body.p, n);
	}
	if (ok && (r->what & FAKES3_HANG_AT))
		hang(c);
	if (ok && (r->what & FAKES3_CHUNKED) && !cut)
		ok = send_all(c->fd, "0\r\n\r\n", 5);
	return ok && !cut;
}

static bool send_answer(struct conn *c, const struct fakes3_rule *r,
			const struct answer *a)
{
	struct buf out = {0};
	char date[64];
	bool ok;
	long long length = (long long)a->body.n;

	if (r->what & FAKES3_LENGTH)
		length += r->at;
	server_date(c->f, date);
	buf_addf(&out, "HTTP/1.1 %d Whatever\r\nDate: %s\r\n", a->status, date);
	buf_add(&out, buf_str(&a->head), a->head.n);
	if (r->what & FAKES3_CHUNKED)
		buf_adds(&out, "Transfer-Encoding: chunked\r\n");
	else if (a->status != 204)
		buf_addf(&out, "Content-Length: %lld\r\n", length);
	buf_adds(&out, "\r\n");
	ok = send_all(c->fd, out.p, out.n);
	buf_release(&out);
	if (ok && !a->is_head)
		ok = send_body(c, r, a);
	return ok && !(r->what & (FAKES3_CLOSE_AFTER | FAKES3_LENGTH));
}

static void change(struct fakes3 *f, const struct request *q)
{
	struct object *o = q->key ? fake_find(f, q->key) : NULL;
	char *p;

	if (!o || o->n == 0)
		return;
	p = xmemdup0(o->p, o->n);
	p[o->n / 2]++; /* never back to what it was */
	fake_store(f, q->key, p, o->n, NULL, NULL);
	free(p);
}

static bool answer(struct conn *c, struct request *q, const struct fakes3_rule *r)
{
	struct fakes3 *f = c->f;
	struct answer a = {.status = 500, .is_head = strcmp(q->method, "HEAD") == 0};
	bool stay;

	pthread_mutex_lock(&f->lock);
	if (r->what & FAKES3_CHANGE)
		change(f, q);
	q->no_range = r->what & FAKES3_NO_RANGE;
	/* A scripted refusal is one: nothing is stored. */
	if (!(r->what & FAKES3_STATUS) && fake_check(f, q, &a))
		fake_handle(f, q, &a);
	apply(f, r, &a);
	pthread_mutex_unlock(&f->lock);
	if (r->what & FAKES3_DELAY)
		clock_sleep_ms((int)r->ms);
	if (r->what & FAKES3_HANG) {
		hang(c);
		stay = false;
	} else if (r->what & FAKES3_RST_BEFORE_ANSWER) {
		reset(c->fd);
		stay = false;
	} else {
		stay = send_answer(c, r, &a);
	}
	buf_release(&a.head);
	buf_release(&a.body);
	return stay;
}

static bool serve_one(struct conn *c)
{
	struct fakes3 *f = c->f;
	struct request q = {0};
	struct fakes3_rule r;
	bool stay = false;

	if (!read_head(c, &q))
		goto out;
	pthread_mutex_lock(&f->lock);
	note_request(f, &q);
	r = bite(f, &q);
	pthread_mutex_unlock(&f->lock);
	if (r.what & FAKES3_RST_REQUEST) {
		IGNORE_RESULT(read_body(c, &q, r.at));
		reset(c->fd);
	} else if (r.what & FAKES3_EARLY) {
		IGNORE_RESULT(answer(c, &q, &r));
		/* Let it be read before the close turns into a reset. */
		shutdown(c->fd, SHUT_WR);
		while (receive(c) > 0)
			buf_reset(&c->in);
	} else if (read_body(c, &q, -1)) {
		pthread_mutex_lock(&f->lock);
		f->received += q.body.n;
		pthread_mutex_unlock(&f->lock);
		stay = answer(c, &q, &r);
	}
	pthread_mutex_lock(&f->lock);
	f->active--;
	pthread_mutex_unlock(&f->lock);
out:
	free(q.head);
	free(q.target);
	free(q.key);
	buf_release(&q.body);
	return stay;
}

static void *serve(void *arg)
{
	struct conn *c = arg;
	struct fakes3 *f = c->f;

	while (serve_one(c))
		;
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->socks.nr; i++)
		if (f->socks.v[i] == c->fd)
			f->socks.v[i] = f->socks.v[--f->socks.nr];
	close(c->fd);
	if (--f->conns == 0)
		pthread_cond_broadcast(&f->idle);
	pthread_mutex_unlock(&f->lock);
	buf_release(&c->in);
	free(c);
	return NULL;
}

static void *accept_all(void *arg)
{
	struct fakes3 *f = arg;

	for (;;) {
		int one = 1, fd = accept(f->fd, NULL, NULL);
		pthread_attr_t attr;
		pthread_t t;
		struct conn *c;

		if (fd < 0)
			return NULL;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		c = xcalloc(1, sizeof(*c));
		*c = (struct conn){.f = f, .fd = fd};
		pthread_mutex_lock(&f->lock);
		if (f->stopping) {
			pthread_mutex_unlock(&f->lock);
			close(fd);
			free(c);
			return NULL;
		}
		vec_push(&f->socks, fd);
		f->conns++;
		f->connections++;
		pthread_mutex_unlock(&f->lock);
		pthread_attr_init(&attr);
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		if (pthread_create(&t, &attr, serve, c) != 0)
			die("fakes3: no thread");
		pthread_attr_destroy(&attr);
	}
}

struct fakes3 *fakes3_start(void)
{
	struct fakes3 *f = xcalloc(1, sizeof(*f));
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);

	signal(SIGPIPE, SIG_IGN);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->idle, NULL);
	f->page = 1000;
	f->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (f->fd < 0 || bind(f->fd, (struct sockaddr *)&a, n) < 0 ||
	    listen(f->fd, 256) < 0 || getsockname(f->fd, (struct sockaddr *)&a, &n) < 0)
		die("fakes3: %s", strerror(errno));
	f->port = ntohs(a.sin_port);
	if (pthread_create(&f->thread, NULL, accept_all, f) != 0)
		die("fakes3: no thread");
	return f;
}

static void clear_locked(struct fakes3 *f)
{
	for (size_t i = 0; i < f->log.nr; i++) {
		free(f->log.v[i].target);
		free(f->log.v[i].head);
	}
	vec_release(&f->log);
	vec_release(&f->rules);
	f->connections = f->max_active = f->refused = 0;
	f->sent = f->received = 0;
}

void fakes3_stop(struct fakes3 *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	f->stopping = true;
	shutdown(f->fd, SHUT_RDWR);
	for (size_t i = 0; i < f->socks.nr; i++)
		shutdown(f->socks.v[i], SHUT_RDWR);
	while (f->conns > 0)
		pthread_cond_wait(&f->idle, &f->lock);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->thread, NULL);
	close(f->fd);
	clear_locked(f);
	for (size_t i = 0; i < f->objects.nr; i++) {
		free(f->objects.v[i].key);
		free(f->objects.v[i].p);
		free(f->objects.v[i].meta);
	}
	for (size_t i = 0; i < f->versions.nr; i++) {
		free(f->versions.v[i].key);
		free(f->versions.v[i].p);
	}
	vec_release(&f->versions);
	for (size_t i = 0; i < f->uploads.nr; i++) {
		struct upload *u = &f->uploads.v[i];

		for (size_t k = 0; k < u->parts.nr; k++)
			free(u->parts.v[k].p);
		vec_release(&u->parts);
		free(u->key);
		free(u->meta);
	}
	vec_release(&f->uploads);
	vec_release(&f->objects);
	vec_release(&f->socks);
	map_release(&f->index);
	pthread_cond_destroy(&f->idle);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

int fakes3_port(const struct fakes3 *f)
{
	return f->port;
}

void fakes3_rule(struct fakes3 *f, struct fakes3_rule rule)
{
	pthread_mutex_lock(&f->lock);
	vec_push(&f->rules, rule);
	pthread_mutex_unlock(&f->lock);
}

void fakes3_clear(struct fakes3 *f)
{
	pthread_mutex_lock(&f->lock);
	clear_locked(f);
	pthread_mutex_unlock(&f->lock);
}

void fakes3_clock(struct fakes3 *f, int64_t shift_s)
{
	pthread_mutex_lock(&f->lock);
	f->shift_s = shift_s;
	pthread_mutex_unlock(&f->lock);
}

void fakes3_region(struct fakes3 *f, const char *region)
{
	pthread_mutex_lock(&f->lock);
	f->region = region;
	pthread_mutex_unlock(&f->lock);
}

void fakes3_page(struct fakes3 *f, size_t keys)
{
	pthread_mutex_lock(&f->lock);
	f->page = keys;
	pthread_mutex_unlock(&f->lock);
}

void fakes3_versioned(struct fakes3 *f)
{
	pthread_mutex_lock(&f->lock);
	f->is_versioned = true;
	pthread_mutex_unlock(&f->lock);
}

char *fakes3_version(struct fakes3 *f, const char *key)
{
	const struct object *o;
	char *id;

	pthread_mutex_lock(&f->lock);
	o = fake_find(f, key);
	id = o && o->id[0] ? xstrdup(o->id) : NULL;
	pthread_mutex_unlock(&f->lock);
	return id;
}

void fakes3_anonymous(struct fakes3 *f, bool allowed)
{
	pthread_mutex_lock(&f->lock);
	f->anonymous = allowed;
	pthread_mutex_unlock(&f->lock);
}

void fakes3_put(struct fakes3 *f, const char *key, const void *p, size_t n)
{
	pthread_mutex_lock(&f->lock);
	fake_store(f, key, p, n, NULL, NULL);
	pthread_mutex_unlock(&f->lock);
}

bool fakes3_has(struct fakes3 *f, const char *key)
{
	bool has;

	pthread_mutex_lock(&f->lock);
	has = fake_find(f, key) != NULL;
	pthread_mutex_unlock(&f->lock);
	return has;
}

char *fakes3_get(struct fakes3 *f, const char *key, size_t *n)
{
	const struct object *o;
	char *p = NULL;

	pthread_mutex_lock(&f->lock);
	o = fake_find(f, key);
	if (o) {
		p = xmemdup0(o->p, o->n);
		*n = o->n;
	}
	pthread_mutex_unlock(&f->lock);
	return p;
}

void fakes3_remove(struct fakes3 *f, const char *key)
{
	struct object *o;

	pthread_mutex_lock(&f->lock);
	o = fake_find(f, key);
	if (o)
		o->gone = true;
	pthread_mutex_unlock(&f->lock);
}

size_t fakes3_objects(struct fakes3 *f)
{
	size_t nr = 0;

	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->objects.nr; i++)
		nr += !f->objects.v[i].gone;
	pthread_mutex_unlock(&f->lock);
	return nr;
}

size_t fakes3_uploads(struct fakes3 *f)
{
	size_t nr = 0;

	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->uploads.nr; i++)
		nr += f->uploads.v[i].open;
	pthread_mutex_unlock(&f->lock);
	return nr;
}

unsigned fakes3_matching(struct fakes3 *f, const char *method, const char *has)
{
	unsigned nr = 0;

	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->log.nr; i++)
		nr += matches(method, has, f->log.v[i].method, f->log.v[i].target);
	pthread_mutex_unlock(&f->lock);
	return nr;
}

unsigned fakes3_requests(struct fakes3 *f)
{
	return fakes3_matching(f, NULL, NULL);
}

static unsigned read_counter(struct fakes3 *f, const unsigned *p)
{
	unsigned v;

	pthread_mutex_lock(&f->lock);
	v = *p;
	pthread_mutex_unlock(&f->lock);
	return v;
}

static uint64_t read_bytes(struct fakes3 *f, const uint64_t *p)
{
	uint64_t v;

	pthread_mutex_lock(&f->lock);
	v = *p;
	pthread_mutex_unlock(&f->lock);
	return v;
}

uint64_t fakes3_sent(struct fakes3 *f)
{
	return read_bytes(f, &f->sent);
}

uint64_t fakes3_received(struct fakes3 *f)
{
	return read_bytes(f, &f->received);
}

unsigned fakes3_connections(struct fakes3 *f)
{
	return read_counter(f, &f->connections);
}

unsigned fakes3_max_active(struct fakes3 *f)
{
	return read_counter(f, &f->max_active);
}

unsigned fakes3_refused(struct fakes3 *f)
{
	return read_counter(f, &f->refused);
}

char *fakes3_last_header(struct fakes3 *f, const char *method, const char *has,
			 const char *name)
{
	char *v = NULL;

	pthread_mutex_lock(&f->lock);
	for (size_t i = f->log.nr; i-- > 0;)
		if (matches(method, has, f->log.v[i].method, f->log.v[i].target)) {
			v = fake_header(f->log.v[i].head, name);
			break;
		}
	pthread_mutex_unlock(&f->lock);
	return v;
}
