#include "remote/http_conn.h"

#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/sys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CONNECT_MS = 5000,
	STALL_MS = 30000,
	STALL_BYTES_S = 1024,
	IDLE_S = 118,
	RECEIVE_BUFFER = 256 << 10,
	SMALL_BUFFER = 32 << 10,
	UPLOAD_BUFFER = 512 << 10,
	DNS_CACHE_S = 5,
	SHARE_MIN = 4096, /* of a limited rate, for one transfer at a time */
};

struct http_sock *http_sock_at(struct http_socks *s, int fd)
{
	size_t i = (size_t)fd;

	if (i >= s->nr) {
		size_t nr = MAX_OF(i + 1, s->nr * 2);

		s->v = xreallocarray(s->v, nr, sizeof(*s->v));
		memset(s->v + s->nr, 0, (nr - s->nr) * sizeof(*s->v));
		s->nr = nr;
	}
	return &s->v[i];
}

/*
 * libcurl stops and starts to watch a kept connection around each request. To
 * follow it would cost two epoll_ctl a request; so a socket of our own stays in
 * the set, and leaves it when it fires unwanted or closes. Others (a resolver's
 * pipe), of whose end we would not hear, leave at once.
 */
int http_sock_want(struct http_socks *s, int fd, int what)
{
	struct http_sock *k = http_sock_at(s, fd);
	struct epoll_event ev = {.data.fd = fd};
	unsigned char want = 0;

	if (what == CURL_POLL_REMOVE) {
		k->is_wanted = false;
		if (k->is_ours || !k->in_epoll)
			return 0;
		k->in_epoll = false;
		k->events = 0;
		return epoll_ctl(s->epfd, EPOLL_CTL_DEL, fd, &ev);
	}
	want |= what & CURL_POLL_IN ? EPOLLIN : 0;
	want |= what & CURL_POLL_OUT ? EPOLLOUT : 0;
	k->is_wanted = true;
	if (k->in_epoll && k->events == want)
		return 0;
	ev.events = want;
	if (epoll_ctl(s->epfd, k->in_epoll ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev) <
		    0 &&
	    epoll_ctl(s->epfd, errno == ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &ev) <
		    0)
		return -1;
	k->in_epoll = true;
	k->events = want;
	return 0;
}

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	struct http_socks *s = ctx;

	(void)purpose;
	if (fd < 0)
		return CURL_SOCKET_BAD;
	/* What lies in the system's buffers has gone past our limits. */
	if (s->send_buffer > 0)
		IGNORE_RESULT(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &s->send_buffer,
					 sizeof(int)) < 0);
	if (s->receive_buffer > 0)
		IGNORE_RESULT(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &s->receive_buffer,
					 sizeof(int)) < 0);
	*http_sock_at(s, fd) = (struct http_sock){.is_ours = true};
	return fd;
}

static int close_socket(void *ctx, curl_socket_t fd)
{
	*http_sock_at(ctx, fd) = (struct http_sock){0}; /* the kernel drops it too */
	return close(fd);
}

static size_t on_header(char *p, size_t size, size_t nr, void *ctx)
{
	struct http_conn *c = ctx;
	struct http_req *q = c->q;
	size_t n = size * nr;
	long status = 0;

	if (!q->first_byte_ns)
		q->first_byte_ns = clock_mono_ns();
	if (n > 2 || (n > 0 && p[0] != '\r' && p[0] != '\n'))
		return n;
	/* The blank line. Those of 1xx answers and of a proxy's CONNECT are others'. */
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200)
		return n;
	q->status = (int)status;
	if (q->on_head && q->on_head(q, &q->err) < 0) {
		q->fault = HTTP_OWN;
		return 0;
	}
	return n;
}

static void hold_back(struct http_conn *c, bool is_up)
{
	c->is_paused = true;
	c->is_paused_up = is_up;
	c->paused_ns = clock_mono_ns();
	c->base->paused_nr++;
}

static size_t on_write(char *p, size_t size, size_t nr, void *ctx)
{
	struct http_conn *c = ctx;
	struct http_req *q = c->q;
	size_t n = size * nr, max = q->text_max ? q->text_max : HTTP_TEXT_MAX;
	bool is_good = q->status >= 200 && q->status < 300;
	struct rate *rate = &c->base->down;

	if (rate->per_s && n > 0) {
		if (rate_room(rate, clock_mono_ns()) <= 0) {
			hold_back(c, false);
			return CURL_WRITEFUNC_PAUSE;
		}
		rate_take(rate, n);
	}
	q->received += n;
	if (is_good && q->on_body) {
		if (q->on_body(q, p, n, &q->err) == 0)
			return n;
		q->fault = HTTP_OWN;
		return n ? 0 : 1;
	}
	if (q->text.n + n > max) {
		if (!is_good) {
			buf_add(&q->text, p, max - q->text.n);
			return n; /* an error page needs no more */
		}
		err_set(&q->err, ERR_CORRUPT, "the answer is longer than %zu bytes", max);
		q->fault = HTTP_OWN;
		return n ? 0 : 1;
	}
	buf_add(&q->text, p, n);
	return n;
}

static size_t on_read(char *p, size_t size, size_t nr, void *ctx)
{
	struct http_conn *c = ctx;
	struct http_req *q = c->q;
	size_t want = size * nr;
	struct rate *rate = &c->base->up;
	ssize_t n;

	want = (size_t)MIN_OF((uint64_t)want, q->body_bytes - c->sent);
	if (want == 0)
		return 0;
	if (rate->per_s) {
		int64_t room = rate_room(rate, clock_mono_ns());
		int64_t share = rate->burst / (int64_t)MAX_OF(c->base->active_nr, 1u);

		if (room <= 0) {
			hold_back(c, true);
			return CURL_READFUNC_PAUSE;
		}
		want = MIN_OF(want, (size_t)MAX_OF(share, (int64_t)SHARE_MIN));
	}
	n = sys_pread(q->fd, p, want, q->body_at + (int64_t)c->sent);
	if (n <= 0) {
		if (n < 0)
			err_sys(&q->err, "read", "the file to upload");
		else
			err_set(&q->err, ERR_CORRUPT,
				"the file became shorter while it was uploaded");
		q->fault = HTTP_OWN;
		return CURL_READFUNC_ABORT;
	}
	c->sent += (uint64_t)n;
	rate_take(rate, (uint64_t)n);
	return (size_t)n;
}

/* A kept connection that the server closed meanwhile is replaced by libcurl
 * itself; the body then starts again. */
static int on_seek(void *ctx, curl_off_t at, int origin)
{
	struct http_conn *c = ctx;

	if (origin != SEEK_SET || at < 0 || (uint64_t)at > c->q->body_bytes)
		return CURL_SEEKFUNC_FAIL;
	c->sent = (uint64_t)at;
	return CURL_SEEKFUNC_OK;
}

void http_wire_url(struct http_wire *w, const char *url)
{
	curl_easy_setopt(w->easy, CURLOPT_URL, url);
}

void http_wire_header(struct http_wire *w, const char *name, const char *value)
{
	struct buf line = {0};
	struct curl_slist *longer;

	buf_adds(&line, name);
	buf_adds(&line, !value ? ":" : value[0] ? ": " : ";");
	if (value)
		buf_adds(&line, value);
	longer = curl_slist_append(w->headers, buf_str(&line));
	if (!longer)
		die("out of memory for a header");
	w->headers = longer;
	secure_wipe(line.p, line.n); /* it may be a credential */
	buf_release(&line);
}

static void set_tls(CURL *h, const struct http_base *b)
{
	curl_easy_setopt(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (b->o.insecure) {
		curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	/*
	 * With a CApath libcurl loads the store for every connection; without
	 * one the CURLM keeps it: 64 connections in 0.25 s of CPU instead of 1.4.
	 */
	curl_easy_setopt(h, CURLOPT_CAPATH, b->ca_is_dir ? b->ca : NULL);
	curl_easy_setopt(h, CURLOPT_CAINFO, b->ca_is_dir ? NULL : b->ca);
}

static void set_common(struct http_conn *c, const struct http_base *b,
		       struct http_socks *socks)
{
	CURL *h = c->easy;

	curl_easy_reset(h);
	curl_easy_setopt(h, CURLOPT_PRIVATE, c);
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, c->error);
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L); /* a redirect is signed anew */
	curl_easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(h, CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
	curl_easy_setopt(h, CURLOPT_DNS_CACHE_TIMEOUT, (long)DNS_CACHE_S);
	curl_easy_setopt(h, CURLOPT_MAXAGE_CONN,
			 (long)(b->o.idle_s ? b->o.idle_s : IDLE_S));
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)(b->o.connect_ms ? b->o.connect_ms : CONNECT_MS));
	curl_easy_setopt(h, CURLOPT_BUFFERSIZE,
			 (long)(c->q->on_body ? RECEIVE_BUFFER : SMALL_BUFFER));
	curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(h, CURLOPT_HEADERDATA, c);
	curl_easy_setopt(h, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, socks);
	curl_easy_setopt(h, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	curl_easy_setopt(h, CURLOPT_CLOSESOCKETDATA, socks);
	if (b->o.proxy)
		curl_easy_setopt(h, CURLOPT_PROXY, b->o.proxy);
	set_tls(h, b);
}

static void set_body(struct http_conn *c)
{
	struct http_req *q = c->q;
	CURL *h = c->easy;

	c->sent = 0;
	if (q->body_is_file) {
		curl_easy_setopt(h, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(h, CURLOPT_INFILESIZE_LARGE, (curl_off_t)q->body_bytes);
		curl_easy_setopt(h, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER);
		curl_easy_setopt(h, CURLOPT_READFUNCTION, on_read);
		curl_easy_setopt(h, CURLOPT_READDATA, c);
		curl_easy_setopt(h, CURLOPT_SEEKFUNCTION, on_seek);
		curl_easy_setopt(h, CURLOPT_SEEKDATA, c);
	} else if (q->body) {
		/* Header and body leave in one write; libcurl keeps no copy. */
		curl_easy_setopt(h, CURLOPT_POST, 1L);
		curl_easy_setopt(h, CURLOPT_POSTFIELDS, q->body);
		curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)q->body_bytes);
	} else if (strcmp(q->method, "HEAD") == 0) {
		curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
		return;
	}
	curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, q->method);
}

int http_conn_set_up(struct http_conn *c, const struct http_base *b,
		     struct http_socks *socks, struct err *e)
{
	struct http_wire w = {.easy = c->easy};
	struct http_req *q = c->q;
	int r;

	set_common(c, b, socks);
	set_body(c);
	q->fault = HTTP_OK;
	q->status = q->curl_code = 0;
	q->curl_reset = false;
	q->proxy_status = 0;
	q->err = (struct err){0};
	buf_reset(&q->text);
	q->received = 0;
	q->first_byte_ns = 0;
	q->start_ns = clock_mono_ns();
	c->error[0] = '\0';
	c->is_paused = false;
	c->paused_ns = 0;
	c->mark_bytes = 0;
	c->mark_ns = q->start_ns;
	c->mark_phase = -1;
	r = q->prepare(q, &w, e);
	/* Servers that ignore 100-continue would cost a second each. */
	http_wire_header(&w, "Expect", NULL);
	c->headers = w.headers;
	curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
	return r;
}

void http_conn_clean(struct http_conn *c)
{
	/* Authorization and tokens are in there. */
	for (struct curl_slist *s = c->headers; s; s = s->next)
		secure_wipe(s->data, strlen(s->data));
	curl_slist_free_all(c->headers);
	c->headers = NULL;
	c->q = NULL;
}

void http_conn_free(struct http_conn *c)
{
	http_conn_clean(c);
	curl_easy_cleanup(c->easy);
	free(c);
}

bool http_conn_is_connecting(const struct http_conn *c)
{
	curl_off_t pretransfer = 0;

	curl_easy_getinfo(c->easy, CURLINFO_PRETRANSFER_TIME_T, &pretransfer);
	return pretransfer == 0;
}

enum phase {
	CONNECTING,
	SENDING,
	WAITING,
	RECEIVING,
};

static enum phase phase_of(const struct http_conn *c, uint64_t *moved)
{
	curl_off_t up = 0, down = 0, pretransfer = 0;

	curl_easy_getinfo(c->easy, CURLINFO_PRETRANSFER_TIME_T, &pretransfer);
	curl_easy_getinfo(c->easy, CURLINFO_SIZE_UPLOAD_T, &up);
	curl_easy_getinfo(c->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
	*moved = (uint64_t)(up + down);
	if (pretransfer == 0)
		return CONNECTING;
	if (c->q->first_byte_ns)
		return RECEIVING;
	return (uint64_t)up < c->q->body_bytes ? SENDING : WAITING;
}

/*
 * libcurl's own speed limit would also fire while we only wait for an answer,
 * and a progress callback is not called for a transfer on which nothing happens;
 * so the engine looks itself, about once a second.
 */
int http_conn_watch(struct http_conn *c, const struct http_base *b, int64_t now_ns,
		    struct err *e)
{
	static const char *const doing[] = {
		[CONNECTING] = "connecting",
		[SENDING] = "sending",
		[WAITING] = "waiting for the answer",
		[RECEIVING] = "receiving",
	};
	unsigned limit_ms = b->o.stall_ms ? b->o.stall_ms : STALL_MS;
	uint64_t moved;
	enum phase phase = phase_of(c, &moved);
	int64_t quiet_ms;

	if (phase == CONNECTING) {
		c->mark_ns = now_ns; /* CONNECTTIMEOUT counts */
		return 0;
	}
	if (phase == WAITING && c->q->wait_ms)
		limit_ms = c->q->wait_ms;
	/* What we hold back ourselves does not stall. */
	if (c->is_paused || c->paused_ns > c->mark_ns)
		c->mark_ns = now_ns;
	if ((int)phase != c->mark_phase ||
	    (moved - c->mark_bytes) * 1000 >= (uint64_t)limit_ms * STALL_BYTES_S) {
		c->mark_phase = (int)phase;
		c->mark_bytes = moved;
		c->mark_ns = now_ns;
		return 0;
	}
	quiet_ms = (now_ns - c->mark_ns) / 1000000;
	if (quiet_ms < limit_ms)
		return 0;
	return err_set(e, ERR_NET, "stalled while %s: %llu bytes in %lld s", doing[phase],
		       (unsigned long long)(moved - c->mark_bytes),
		       (long long)(quiet_ms / 1000));
}
