#include "remote/http.h"

#include "remote/aimd.h"
#include "remote/http_conn.h"
#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/interrupt.h"
#include "store/base/log.h"
#include "store/base/sys.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	TICK_MS = 200, /* how late an interrupt may be seen */
	WATCH_MS = 500,
	EVENTS = 64,
	RATE_SHARE = 16 << 10, /* bytes/s a transfer has at least under a limit */
	BUFFER_MIN = 16 << 10, /* a socket's, under a limit */
	BUFFER_MAX = 512 << 10,
	HURRY_SAMPLES = 32, /* before we know what is usual */
	HURRY_SHARE = 20,   /* one in so many requests at most */
};

#define NUDGE_NS    (INT64_C(1000000) * TICK_MS)
#define HURRY_NS    INT64_C(1000000000)
#define USUAL_MAX   INT64_C(5000000000)
#define CLEAN_UP_NS INT64_C(5000000000)

struct list {
	struct http_req *head, **tail;
};

struct http {
	struct http_base base;
	CURLM *multi;
	struct http_socks socks;
	int wakefd;
	struct aimd aimd;
	struct list ready, delayed;
	struct http_conn *active, *spare;
	int64_t timer_ns; /* libcurl wants to be called then; 0: not */
	int64_t watch_ns, nudge_ns, cancel_ns;
	int64_t usual_ns; /* until the first byte of those that may be hurried */
	uint64_t answers, hurried;
	pthread_mutex_t lock; /* mailbox, started, leaving */
	struct http_task *mail, **mail_tail;
	bool started, leaving;
	atomic_bool canceled;
	pthread_t thread;
};

static void list_init(struct list *l)
{
	l->head = NULL;
	l->tail = &l->head;
}

static void list_add(struct list *l, struct http_req *q)
{
	q->next = NULL;
	*l->tail = q;
	l->tail = &q->next;
}

static struct http_req *list_take(struct list *l)
{
	struct http_req *q = l->head;

	if (!q)
		return NULL;
	l->head = q->next;
	if (!l->head)
		l->tail = &l->head;
	q->next = NULL;
	return q;
}

static void list_remove(struct list *l, struct http_req *q)
{
	for (struct http_req **p = &l->head; *p; p = &(*p)->next)
		if (*p == q) {
			*p = q->next;
			if (l->tail == &q->next)
				l->tail = p;
			q->next = NULL;
			return;
		}
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *sock_ctx)
{
	struct http *h = ctx;

	(void)easy, (void)sock_ctx;
	return http_sock_want(&h->socks, fd, what);
}

static int on_timer(CURLM *multi, long ms, void *ctx)
{
	struct http *h = ctx;

	(void)multi;
	h->timer_ns = ms < 0 ? 0 : clock_mono_ns() + (int64_t)ms * 1000000;
	return 0;
}

static void curl_start(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		die("libcurl cannot be initialised");
}

/* Few bytes a second are for few transfers: servers do not wait for ever either. */
static void limit(uint64_t per_s, unsigned *transfers, int *buffer)
{
	uint64_t most = per_s / RATE_SHARE;

	if (per_s == 0)
		return;
	*transfers = (unsigned)MAX_OF(MIN_OF((uint64_t)*transfers, most), UINT64_C(1));
	*buffer = (int)MIN_OF(MAX_OF(per_s / 16, (uint64_t)BUFFER_MIN),
			      (uint64_t)BUFFER_MAX);
}

static void set_rates(struct http *h)
{
	struct http_options *o = &h->base.o;
	int64_t now = clock_mono_ns();

	if (o->transfers_max == 0)
		o->transfers_max = 64;
	rate_init(&h->base.up, o->rate_up, now);
	rate_init(&h->base.down, o->rate_down, now);
	limit(o->rate_up, &o->transfers_max, &h->socks.send_buffer);
	limit(o->rate_down, &o->transfers_max, &h->socks.receive_buffer);
}

struct http *http_new(const struct http_options *o)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http *h = xcalloc(1, sizeof(*h));
	struct stat st;

	pthread_once(&once, curl_start);
	h->base.o = *o;
	h->base.ca = o->ca ? xstrdup(o->ca) : NULL;
	if (!h->base.ca && curl_version_info(CURLVERSION_NOW)->cainfo)
		h->base.ca = xstrdup(curl_version_info(CURLVERSION_NOW)->cainfo);
	h->base.ca_is_dir =
		h->base.ca && stat(h->base.ca, &st) == 0 && S_ISDIR(st.st_mode);
	h->base.o.ca = h->base.ca;
	list_init(&h->ready);
	list_init(&h->delayed);
	h->mail_tail = &h->mail;
	pthread_mutex_init(&h->lock, NULL);
	set_rates(h);
	aimd_init(&h->aimd, h->base.o.transfers_max, o->transfers_start, clock_mono_ns());
	h->wakefd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	h->socks.epfd = epoll_create1(EPOLL_CLOEXEC);
	h->multi = curl_multi_init();
	if (h->wakefd < 0 || h->socks.epfd < 0 || !h->multi)
		die("cannot set up the network: %s", strerror(errno));
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)h->aimd.max);
	curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	return h;
}

static void detach(struct http *h, struct http_conn *c)
{
	for (struct http_conn **p = &h->active; *p; p = &(*p)->next)
		if (*p == c) {
			*p = c->next;
			break;
		}
	h->base.active_nr--;
	h->base.paused_nr -= c->is_paused;
	c->is_paused = false;
	curl_multi_remove_handle(h->multi, c->easy);
}

static void recycle(struct http *h, struct http_conn *c)
{
	http_conn_clean(c);
	c->next = h->spare;
	h->spare = c;
}

static void end(struct http *h, struct http_req *q, enum http_fault fault)
{
	struct http_conn *c = q->state == HTTP_ACTIVE ? q->conn : NULL;

	if (c)
		detach(h, c);
	else
		q->conn = NULL;
	q->state = HTTP_IDLE;
	q->fault = fault;
	q->on_done(q);
	/* q may be gone, or in a list again; the handle still is ours. */
	if (c)
		recycle(h, c);
}

static void start(struct http *h, struct http_req *q)
{
	struct http_conn *c = h->spare;
	CURLMcode mc;

	if (c) {
		h->spare = c->next;
	} else {
		c = xcalloc(1, sizeof(*c));
		c->easy = curl_easy_init();
		if (!c->easy)
			die("out of memory for a transfer");
	}
	c->q = q;
	c->base = &h->base;
	q->conn = c;
	if (http_conn_set_up(c, &h->base, &h->socks, &q->err) < 0) {
		q->conn = NULL;
		recycle(h, c);
		end(h, q, HTTP_OWN);
		return;
	}
	if (q->body)
		rate_take(&h->base.up, q->body_bytes); /* leaves in one write */
	q->state = HTTP_ACTIVE;
	c->next = h->active;
	h->active = c;
	h->base.active_nr++;
	mc = curl_multi_add_handle(h->multi, c->easy);
	if (mc != CURLM_OK) {
		err_set(&q->err, ERR_NET, "cannot start a transfer: %s",
			curl_multi_strerror(mc));
		end(h, q, HTTP_OWN);
	}
}

static void describe(struct http_req *q, CURLcode code)
{
	static const char *const cuts[] = {"reset by peer", "unexpected eof",
					   "SSL_ERROR_SYSCALL"};
	long os = 0, proxy = 0;

	curl_easy_getinfo(q->conn->easy, CURLINFO_OS_ERRNO, &os);
	curl_easy_getinfo(q->conn->easy, CURLINFO_HTTP_CONNECTCODE, &proxy);
	q->curl_code = (int)code;
	q->proxy_status = proxy >= 300 ? (int)proxy : 0;
	q->curl_reset = os == ECONNRESET;
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++)
		q->curl_reset |= strstr(q->conn->error, cuts[i]) != NULL;
	err_set(&q->err, ERR_NET, "%s",
		q->conn->error[0] ? q->conn->error : curl_easy_strerror(code));
	q->err.sys = (int)os;
}

static void note_answer(struct http *h, const struct http_req *q)
{
	int64_t took = q->first_byte_ns - q->start_ns;

	if (!q->may_hurry || !q->first_byte_ns)
		return;
	h->usual_ns +=
		(took - h->usual_ns) / (h->answers < 16 ? (int64_t)h->answers + 1 : 16);
	h->answers++;
}

static void reap(struct http *h)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left))) {
		CURLcode code = m->data.result;
		struct http_conn *c = NULL;
		enum http_fault fault = HTTP_OK;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &c);
		if (c->q->fault == HTTP_OWN) {
			fault = HTTP_OWN;
		} else if (code != CURLE_OK) {
			describe(c->q, code);
			fault = HTTP_NET;
		}
		note_answer(h, c->q);
		end(h, c->q, fault);
	}
}

/*
 * libcurl 7.88 turns to the next address of a name when one did not answer, but
 * opens its socket only when the transfer runs again, for which nothing is left to
 * wake it but its end. So whoever connects for long is woken by us.
 */
static void nudge(struct http *h, int64_t now)
{
	bool any = false;
	int running;

	if (now - h->nudge_ns < NUDGE_NS)
		return;
	h->nudge_ns = now;
	for (struct http_conn *c = h->active; c && !any; c = c->next)
		any = http_conn_is_connecting(c) && now - c->q->start_ns > NUDGE_NS;
	if (!any)
		return;
	curl_multi_socket_all(h->multi, &running);
	reap(h);
}

/*
 * A few requests take seconds for no reason of ours, and the last ones of a command
 * then keep all waiting. When nothing else is to be done, one that has no first
 * byte yet though it waits far longer than usual is sent again, on another
 * connection, once. Not where answers are slow as a rule, and not often.
 */
static void hurry(struct http *h, int64_t now)
{
	struct http_conn *c, *next;
	int64_t patience = HURRY_NS + 4 * h->usual_ns;

	if (h->ready.head || h->answers < HURRY_SAMPLES || h->usual_ns > USUAL_MAX)
		return;
	for (c = h->active; c; c = next) {
		struct http_req *q = c->q;

		next = c->next;
		if (now - q->start_ns < patience || !q->may_hurry || q->is_hurried ||
		    q->first_byte_ns || c->is_paused || http_conn_is_connecting(c) ||
		    h->hurried * HURRY_SHARE > h->answers)
			continue;
		log_debug("http", "%s has waited %lld ms, sent again", q->method,
			  (long long)((now - q->start_ns) / 1000000));
		h->hurried++;
		detach(h, c);
		recycle(h, c);
		http_send(h, q);
		q->is_hurried = true;
	}
}

static void watch(struct http *h, int64_t now)
{
	struct http_conn *c, *next;

	if (now - h->watch_ns < (int64_t)WATCH_MS * 1000000)
		return;
	h->watch_ns = now;
	for (c = h->active; c; c = next) {
		struct err e = {0};

		next = c->next;
		if (http_conn_watch(c, &h->base, now, &e) < 0) {
			c->q->err = e;
			end(h, c->q, HTTP_STALLED);
			/* on_done may have canceled others: start over. */
			next = h->active;
		}
	}
}

/* The one that waits longest, if its rate has room again. */
static struct http_conn *next_paused(struct http *h, int64_t now)
{
	bool up = rate_room(&h->base.up, now) > 0;
	bool down = rate_room(&h->base.down, now) > 0;
	struct http_conn *best = NULL;

	for (struct http_conn *c = h->active; c && (up || down); c = c->next)
		if (c->is_paused && (c->is_paused_up ? up : down) &&
		    (!best || c->paused_ns < best->paused_ns))
			best = c;
	return best;
}

static void unpause(struct http *h, int64_t now)
{
	struct http_conn *c;

	while (h->base.paused_nr > 0 && (c = next_paused(h, now))) {
		CURLcode code;

		c->is_paused = false;
		h->base.paused_nr--;
		/* What libcurl kept is written at once, and may be held back again. */
		code = curl_easy_pause(c->easy, CURLPAUSE_CONT);
		if (code == CURLE_OK)
			continue;
		if (c->q->fault == HTTP_OWN) {
			end(h, c->q, HTTP_OWN);
		} else {
			describe(c->q, code);
			end(h, c->q, HTTP_NET);
		}
	}
}

static bool keeps(const struct http *h, const struct http_req *q, int64_t now)
{
	return q->even_canceled && now - h->cancel_ns < CLEAN_UP_NS;
}

/* on_done may cancel or send others: look from the start after each. */
static void cancel_list(struct http *h, struct list *l, int64_t now)
{
	struct http_req *q = l->head;

	while (q) {
		if (keeps(h, q, now)) {
			q = q->next;
			continue;
		}
		list_remove(l, q);
		q->state = HTTP_IDLE;
		err_set(&q->err, ERR_CANCELED, "interrupted");
		end(h, q, HTTP_CANCELED);
		q = l->head;
	}
}

/* After an interrupt only what cleans up goes on, and not for long. */
static void cancel(struct http *h, int64_t now)
{
	struct http_conn *c;

	if (!atomic_load(&h->canceled) && !interrupt_pending()) {
		h->cancel_ns = 0;
		return;
	}
	if (!h->cancel_ns)
		h->cancel_ns = now;
	cancel_list(h, &h->ready, now);
	cancel_list(h, &h->delayed, now);
	for (c = h->active; c;) {
		if (keeps(h, c->q, now)) {
			c = c->next;
			continue;
		}
		err_set(&c->q->err, ERR_CANCELED, "interrupted");
		end(h, c->q, HTTP_CANCELED);
		c = h->active;
	}
}

static bool read_mail(struct http *h)
{
	struct http_task *t, *next;
	bool leave;

	pthread_mutex_lock(&h->lock);
	t = h->mail;
	h->mail = NULL;
	h->mail_tail = &h->mail;
	leave = h->leaving && !t;
	pthread_mutex_unlock(&h->lock);
	for (; t; t = next) {
		next = t->next;
		t->fn(t);
	}
	return !leave;
}

static void wake_delayed(struct http *h, int64_t now)
{
	struct http_req *q, *next;

	for (q = h->delayed.head; q; q = next) {
		next = q->next;
		if (q->due_ns > now)
			continue;
		list_remove(&h->delayed, q);
		q->state = HTTP_READY;
		list_add(&h->ready, q);
	}
}

static bool may_start(struct http *h, int64_t now)
{
	const struct http_req *q = h->ready.head;

	return q && h->base.active_nr < h->aimd.limit &&
	       (!q->body || q->body_bytes == 0 || rate_room(&h->base.up, now) > 0);
}

static int wait_ms(struct http *h, int64_t now)
{
	int64_t until = now + (int64_t)TICK_MS * 1000000;

	if (!h->active && !h->ready.head && !h->delayed.head)
		return -1;
	if (may_start(h, now))
		return 0;
	if (h->base.paused_nr > 0 || h->ready.head) {
		int64_t up = rate_wait_ns(&h->base.up, now);
		int64_t down = rate_wait_ns(&h->base.down, now);

		until = up > 0 ? MIN_OF(until, now + up) : until;
		until = down > 0 ? MIN_OF(until, now + down) : until;
	}
	if (h->timer_ns)
		until = MIN_OF(until, h->timer_ns);
	for (const struct http_req *q = h->delayed.head; q; q = q->next)
		until = MIN_OF(until, q->due_ns);
	return until <= now ? 0 : (int)((until - now + 999999) / 1000000);
}

static void fire_timer(struct http *h)
{
	int running;

	if (!h->timer_ns || h->timer_ns > clock_mono_ns())
		return;
	h->timer_ns = 0;
	curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	reap(h);
}

static void handle_event(struct http *h, const struct epoll_event *ev)
{
	struct http_sock *k;
	int running, mask = 0, fd = ev->data.fd;

	if (fd == h->wakefd) {
		uint64_t n;

		IGNORE_RESULT(read(fd, &n, sizeof(n)) < 0); /* only to silence it */
		return;
	}
	k = http_sock_at(&h->socks, fd);
	if (!k->is_wanted) {
		/* A kept connection that the server closed, or our own leftover. */
		k->in_epoll = false;
		k->events = 0;
		IGNORE_RESULT(epoll_ctl(h->socks.epfd, EPOLL_CTL_DEL, fd, NULL) < 0);
		return;
	}
	mask |= ev->events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0;
	mask |= ev->events & EPOLLOUT ? CURL_CSELECT_OUT : 0;
	mask |= ev->events & EPOLLERR ? CURL_CSELECT_ERR : 0;
	curl_multi_socket_action(h->multi, fd, mask, &running);
}

static void *run(void *arg)
{
	struct http *h = arg;
	struct epoll_event ev[EVENTS], wake = {.events = EPOLLIN, .data.fd = h->wakefd};

	if (epoll_ctl(h->socks.epfd, EPOLL_CTL_ADD, h->wakefd, &wake) < 0)
		die("cannot watch an eventfd: %s", strerror(errno));
	for (;;) {
		bool stay = read_mail(h);
		int64_t now = clock_mono_ns();
		int nr;

		cancel(h, now);
		if (!stay && !h->active && !h->ready.head && !h->delayed.head)
			break;
		wake_delayed(h, now);
		while (may_start(h, now))
			start(h, list_take(&h->ready));
		unpause(h, now);
		fire_timer(h);
		nr = epoll_wait(h->socks.epfd, ev, EVENTS, wait_ms(h, clock_mono_ns()));
		for (int i = 0; i < nr; i++)
			handle_event(h, &ev[i]);
		reap(h);
		now = clock_mono_ns();
		nudge(h, now);
		watch(h, now);
		hurry(h, now);
	}
	return NULL;
}

void http_post(struct http *h, struct http_task *t)
{
	uint64_t one = 1;
	bool first;

	t->next = NULL;
	pthread_mutex_lock(&h->lock);
	first = !h->mail;
	*h->mail_tail = t;
	h->mail_tail = &t->next;
	if (!h->started) {
		sigset_t all, old;

		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &old);
		if (pthread_create(&h->thread, NULL, run, h) != 0)
			die("cannot start the network thread");
		pthread_sigmask(SIG_SETMASK, &old, NULL);
		h->started = true;
	}
	pthread_mutex_unlock(&h->lock);
	if (first)
		IGNORE_RESULT(write(h->wakefd, &one, sizeof(one)) <
			      0); /* cannot be full */
}

void http_cancel_all(struct http *h)
{
	uint64_t one = 1;

	atomic_store(&h->canceled, true);
	IGNORE_RESULT(write(h->wakefd, &one, sizeof(one)) < 0);
}

void http_free(struct http *h)
{
	bool started;

	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	h->leaving = true;
	started = h->started;
	pthread_mutex_unlock(&h->lock);
	http_cancel_all(h);
	if (started)
		pthread_join(h->thread, NULL);
	while (h->spare) {
		struct http_conn *c = h->spare;

		h->spare = c->next;
		http_conn_free(c);
	}
	curl_multi_cleanup(h->multi);
	close(h->socks.epfd);
	close(h->wakefd);
	pthread_mutex_destroy(&h->lock);
	free(h->socks.v);
	free(h->base.ca);
	free(h);
}

void http_send(struct http *h, struct http_req *q)
{
	q->state = HTTP_READY;
	q->is_hurried = false;
	q->conn = NULL;
	list_add(&h->ready, q);
}

void http_send_after(struct http *h, struct http_req *q, unsigned ms)
{
	if (ms == 0) {
		http_send(h, q);
		return;
	}
	q->state = HTTP_DELAYED;
	q->conn = NULL;
	q->due_ns = clock_mono_ns() + (int64_t)ms * 1000000;
	list_add(&h->delayed, q);
}

void http_cancel(struct http *h, struct http_req *q)
{
	struct http_conn *c = q->conn;

	switch (q->state) {
	case HTTP_IDLE:
		return;
	case HTTP_READY:
		list_remove(&h->ready, q);
		break;
	case HTTP_DELAYED:
		list_remove(&h->delayed, q);
		break;
	case HTTP_ACTIVE:
		detach(h, c);
		recycle(h, c);
		break;
	}
	q->state = HTTP_IDLE;
	q->conn = NULL;
	q->fault = HTTP_CANCELED;
}

const char *http_header(const struct http_req *q, const char *name)
{
	struct curl_header *v;

	if (!q->conn ||
	    curl_easy_header(q->conn->easy, name, 0, CURLH_HEADER, -1, &v) != CURLHE_OK)
		return NULL;
	return v->value;
}

void http_throttled(struct http *h)
{
	aimd_throttled(&h->aimd, clock_mono_ns());
	log_debug("http", "slowed down: %u transfers at a time", h->aimd.limit);
}

void http_success(struct http *h, uint64_t bytes)
{
	aimd_success(&h->aimd, bytes, h->ready.head != NULL, clock_mono_ns());
}
