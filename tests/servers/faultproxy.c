/*
 * faultproxy HOST:PORT FILE [PERCENT SEED]: an HTTP proxy on loopback that passes
 * all on to the server at HOST:PORT, and does harm where it is told to. FILE gets
 * the port it listens at. With PERCENT, so many of the requests meet a fault of
 * some kind; which ones and which kind follows from SEED and the request's number.
 *
 * It answers three requests itself:
 *   PUT /_rules   the body: rules, one a line, the first that fits bites
 *   GET /_stats   requests, connections, faults, bytes up and down (bodies)
 *   GET /_reset   the counters and the rules are gone
 *
 * A rule is "METHOD TEXT WHAT[=ARG]..." METHOD and TEXT (a part of the target)
 * may be "*". WHAT:
 *   skip=N times=N      let N such requests pass first; then bite N times (0: ever)
 *   status=CODE[/NAME]  answer so, with an <Error> of that name; the body is read
 *   reset=N             reset both sides after N bytes of the request's body
 *   lose                pass it on, then reset instead of the answer
 *   cut=N               close after N bytes of the answer's body
 *   stall=N             silence after N bytes of the answer's body
 *   flip=N flipup=N     a bit of byte N of the answer's (request's) body is wrong
 *   delay=MS            before it is passed on
 *   hang                take the request, pass nothing on, answer nothing
 *   mute                pass it on, answer nothing
 *   trickle=N           N bytes of the answer a second
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	HEAD_MAX = 1 << 17,
	BLOCK = 1 << 16,
	RULES_MAX = 64,
};

enum what {
	STATUS = 1u << 0,
	RESET = 1u << 1,
	LOSE = 1u << 2,
	CUT = 1u << 3,
	STALL = 1u << 4,
	FLIP = 1u << 5,
	FLIPUP = 1u << 6,
	HANG = 1u << 7,
	TRICKLE = 1u << 8,
	MUTE = 1u << 9,
};

struct rule {
	char method[8], text[200], name[64];
	unsigned what, skip, times, hits;
	int status, delay_ms;
	long long at;
};

/* A socket and what was read from it and not yet used. */
struct stream {
	int fd;
	char buf[HEAD_MAX];
	size_t n;
};

struct head {
	char text[HEAD_MAX];
	size_t n;
	char method[8], target[4096];
	int status;
	long long length; /* of the body, -1: chunked or to the end */
	bool chunked, close;
};

struct conn {
	int fd;
};

static struct sockaddr_in backend;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rule rules[RULES_MAX];
static size_t rules_nr;
static unsigned long long requests, connections, faults, up, down;
static double percent;
static uint64_t seed;

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

static void count(unsigned long long *what, unsigned long long n)
{
	pthread_mutex_lock(&lock);
	*what += n;
	pthread_mutex_unlock(&lock);
}

static void sleep_ms(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&ts, NULL);
}

static void wait_for_end(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};

	while (poll(&p, 1, 100) == 0)
		;
}

static ssize_t fill(struct stream *s)
{
	ssize_t n = recv(s->fd, s->buf + s->n, sizeof(s->buf) - 1 - s->n, 0);

	if (n > 0)
		s->n += (size_t)n;
	return n;
}

static void take(struct stream *s, size_t n)
{
	memmove(s->buf, s->buf + n, s->n - n);
	s->n -= n;
}

static const char *header(const struct head *h, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = strstr(h->text, "\r\n"); p; p = strstr(p + 2, "\r\n"))
		if (strncasecmp(p + 2, name, n) == 0 && p[2 + n] == ':')
			return p + 3 + n + strspn(p + 3 + n, " ");
	return NULL;
}

static bool read_head(struct stream *s, struct head *h)
{
	const char *end, *v;

	for (;;) {
		s->buf[s->n] = '\0';
		if ((end = strstr(s->buf, "\r\n\r\n")))
			break;
		if (s->n + 1 >= sizeof(s->buf) || fill(s) <= 0)
			return false;
	}
	h->n = (size_t)(end - s->buf) + 4;
	memcpy(h->text, s->buf, h->n);
	h->text[h->n] = '\0';
	take(s, h->n);
	h->length = 0;
	v = header(h, "transfer-encoding");
	h->chunked = v && strncasecmp(v, "chunked", 7) == 0;
	v = header(h, "content-length");
	if (h->chunked)
		h->length = -1;
	else if (v)
		h->length = strtoll(v, NULL, 10);
	v = header(h, "connection");
	h->close = v && strncasecmp(v, "close", 5) == 0;
	return true;
}

/* At most n bytes of the body, as they come; 0 at the end, -1 on failure. */
static ssize_t read_some(struct stream *s, char *p, size_t n)
{
	if (s->n == 0 && fill(s) <= 0)
		return -1;
	n = n < s->n ? n : s->n;
	memcpy(p, s->buf, n);
	take(s, n);
	return (ssize_t)n;
}

/* Pass a body of known length on, with the harm that the rule does to it. */
static bool relay(struct stream *from, int to, long long length, long long flip_at,
		  long long stop_at, int rate, unsigned long long *counter)
{
	char p[BLOCK];
	long long at = 0;

	while (at < length && (stop_at < 0 || at < stop_at)) {
		long long most = length - at;
		ssize_t n;

		if (stop_at >= 0 && most > stop_at - at)
			most = stop_at - at;
		if (rate > 0 && most > rate / 10 + 1)
			most = rate / 10 + 1;
		n = read_some(from, p, (size_t)(most < BLOCK ? most : BLOCK));
		if (n <= 0)
			return false;
		if (flip_at >= at && flip_at < at + n)
			p[flip_at - at] ^= 1;
		if (to >= 0 && !send_all(to, p, (size_t)n))
			return false;
		at += n;
		if (counter)
			count(counter, (unsigned long long)n);
		if (rate > 0)
			sleep_ms(100);
	}
	return at == length;
}

/* Chunk by chunk, as it is. */
static bool relay_chunks(struct stream *from, int to)
{
	for (;;) {
		char *end;
		long long n;
		size_t line;

		for (;;) {
			from->buf[from->n] = '\0';
			if ((end = strstr(from->buf, "\r\n")))
				break;
			if (fill(from) <= 0)
				return false;
		}
		line = (size_t)(end - from->buf) + 2;
		n = strtoll(from->buf, NULL, 16);
		if (!send_all(to, from->buf, line))
			return false;
		take(from, line);
		if (!relay(from, to, n + 2, -1, -1, 0, NULL))
			return false;
		if (n == 0)
			return true;
	}
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static struct rule by_chance(unsigned long long number, const struct head *h)
{
	static const struct rule kinds[] = {
		{.what = STATUS, .status = 503, .name = "SlowDown"},
		{.what = STATUS, .status = 500, .name = "InternalError"},
		{.what = STATUS, .status = 502},
		{.what = STATUS, .status = 400, .name = "RequestTimeout"},
		{.what = RESET},
		{.what = LOSE},
		{.what = CUT},
		{.what = FLIP},
		{.what = FLIPUP},
		{.delay_ms = 50},
	};
	uint64_t x = mix(seed * UINT64_C(0x9e3779b97f4a7c15) + number);
	struct rule r = {0};

	if (!(percent > 0) || (double)(x % 100000) >= percent * 1000)
		return r;
	x = mix(x);
	r = kinds[x % (sizeof(kinds) / sizeof(kinds[0]))];
	r.at = (long long)(mix(x) % 64);
	if (r.what == RESET && h->length > 0)
		r.at %= h->length;
	return r;
}

static struct rule choose(const struct head *h)
{
	struct rule r = {0};

	pthread_mutex_lock(&lock);
	requests++;
	for (size_t i = 0; i < rules_nr; i++) {
		struct rule *k = &rules[i];

		if ((strcmp(k->method, "*") != 0 && strcmp(k->method, h->method) != 0) ||
		    (strcmp(k->text, "*") != 0 && !strstr(h->target, k->text)))
			continue;
		k->hits++;
		if (k->hits > k->skip && (!k->times || k->hits <= k->skip + k->times)) {
			r = *k;
			break;
		}
	}
	if (!r.what && !r.delay_ms)
		r = by_chance(requests, h);
	if (r.what || r.delay_ms)
		faults++;
	pthread_mutex_unlock(&lock);
	return r;
}

static void parse_rule(char *line)
{
	struct rule r = {0};
	char *save, *word = strtok_r(line, " ", &save);

	for (int i = 0; word; i++, word = strtok_r(NULL, " ", &save)) {
		static const struct {
			const char *name;
			unsigned what;
		} names[] = {{"reset", RESET}, {"lose", LOSE},	   {"cut", CUT},
			     {"stall", STALL}, {"flip", FLIP},	   {"flipup", FLIPUP},
			     {"hang", HANG},   {"status", STATUS}, {"trickle", TRICKLE},
			     {"mute", MUTE}};
		char *arg = strchr(word, '=');
		long long n;

		if (i < 2) {
			snprintf(i ? r.text : r.method,
				 i ? sizeof(r.text) : sizeof(r.method), "%s", word);
			continue;
		}
		if (arg)
			*arg++ = '\0';
		n = arg ? strtoll(arg, NULL, 10) : 0;
		if (strcmp(word, "skip") == 0)
			r.skip = (unsigned)n;
		else if (strcmp(word, "times") == 0)
			r.times = (unsigned)n;
		else if (strcmp(word, "delay") == 0)
			r.delay_ms = (int)n;
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
			if (strcmp(word, names[k].name) == 0) {
				r.what |= names[k].what;
				r.at = n;
			}
		if (strcmp(word, "status") == 0) {
			r.status = (int)n;
			if (arg && strchr(arg, '/'))
				snprintf(r.name, sizeof(r.name), "%s",
					 strchr(arg, '/') + 1);
		}
	}
	if (rules_nr < RULES_MAX && r.text[0])
		rules[rules_nr++] = r;
}

static bool say(int fd, int status, const char *type, const char *body, bool is_head)
{
	char p[1024];
	int n = snprintf(p, sizeof(p),
			 "HTTP/1.1 %d Whatever\r\nContent-Type: %s\r\n"
			 "Content-Length: %zu\r\n\r\n%s",
			 status, type, strlen(body), is_head ? "" : body);

	return send_all(fd, p, (size_t)n);
}

/* One of ours. */
static bool control(struct stream *s, const struct head *h)
{
	char body[8192] = "", *save, *line;
	bool ok = true;

	if (h->length >= (long long)sizeof(body))
		return false;
	for (long long at = 0; at < h->length;) {
		ssize_t n = read_some(s, body + at, (size_t)(h->length - at));

		if (n <= 0)
			return false;
		at += n;
	}
	pthread_mutex_lock(&lock);
	if (strcmp(h->target, "/_rules") == 0) {
		rules_nr = 0;
		for (line = strtok_r(body, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save))
			parse_rule(line);
		body[0] = '\0';
	} else if (strcmp(h->target, "/_reset") == 0) {
		requests = connections = faults = up = down = rules_nr = 0;
	} else {
		snprintf(body, sizeof(body),
			 "requests=%llu\nconnections=%llu\nfaults=%llu\nup=%llu\n"
			 "down=%llu\n",
			 requests, connections, faults, up, down);
	}
	pthread_mutex_unlock(&lock);
	ok = say(s->fd, 200, "text/plain", body, false);
	return ok;
}

static bool pass_answer(struct stream *client, struct stream *server, struct head *q,
			const struct rule *r)
{
	static _Thread_local struct head a;
	bool is_head = strcmp(q->method, "HEAD") == 0;
	long long stop = r->what & (CUT | STALL) ? r->at : -1;

	do {
		if (!read_head(server, &a))
			return false;
		a.status = (int)strtol(a.text + 9, NULL, 10);
		if (!(r->what & LOSE) && !send_all(client->fd, a.text, a.n))
			return false;
	} while (a.status < 200);
	if (r->what & LOSE) {
		reset(client->fd);
		return false;
	}
	if (is_head || a.status == 204 || a.status == 304)
		return !a.close;
	if (a.chunked)
		return relay_chunks(server, client->fd) && !a.close;
	if (!relay(server, client->fd, a.length, r->what & FLIP ? r->at : -1, stop,
		   r->what & TRICKLE ? (int)r->at : 0, &down)) {
		if (r->what & STALL)
			wait_for_end(client->fd);
		return false;
	}
	return !a.close && !(r->what & CUT);
}

static bool scripted(struct stream *client, const struct head *q, const struct rule *r)
{
	char body[256] = "<html>no</html>";

	if (r->name[0])
		snprintf(body, sizeof(body),
			 "<Error><Code>%s</Code><Message>by the proxy</Message></Error>",
			 r->name);
	return relay(client, -1, q->length, -1, -1, 0, NULL) &&
	       say(client->fd, r->status, r->name[0] ? "application/xml" : "text/html",
		   body, strcmp(q->method, "HEAD") == 0);
}

static bool serve_one(struct stream *client, struct stream *server)
{
	static _Thread_local struct head q;
	struct rule r;

	if (!read_head(client, &q) ||
	    sscanf(q.text, "%7s %4095s", q.method, q.target) != 2)
		return false;
	if (q.target[0] == '/' && q.target[1] == '_')
		return control(client, &q);
	r = choose(&q);
	if (r.delay_ms)
		sleep_ms(r.delay_ms);
	if (r.what & STATUS)
		return scripted(client, &q, &r);
	if (r.what & HANG) {
		(void)relay(client, -1, q.length, -1, -1, 0, NULL);
		wait_for_end(client->fd);
		return false;
	}
	if (server->fd < 0) {
		server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connect(server->fd, (struct sockaddr *)&backend, sizeof(backend)) < 0)
			return false;
	}
	if (r.what & RESET) {
		if (send_all(server->fd, q.text, q.n))
			(void)relay(client, server->fd, q.length, -1, r.at, 0, &up);
		reset(client->fd);
		reset(server->fd);
		return false;
	}
	if (!send_all(server->fd, q.text, q.n) ||
	    !relay(client, server->fd, q.length, r.what & FLIPUP ? r.at : -1, -1, 0, &up))
		return false;
	if (r.what & MUTE) {
		wait_for_end(client->fd);
		return false;
	}
	return pass_answer(client, server, &q, &r);
}

static void *serve(void *arg)
{
	struct stream *client = calloc(1, sizeof(*client));
	struct stream *server = calloc(1, sizeof(*server));

	if (!client || !server)
		abort();
	client->fd = ((struct conn *)arg)->fd;
	server->fd = -1;
	free(arg);
	while (serve_one(client, server))
		;
	close(client->fd);
	if (server->fd >= 0)
		close(server->fd);
	free(client);
	free(server);
	return NULL;
}

static int listen_somewhere(const char *file)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FILE *out;

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) < 0 || listen(fd, 256) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) < 0 || !(out = fopen(file, "w")))
		return -1;
	fprintf(out, "%d\n", ntohs(a.sin_port));
	return fclose(out) == 0 ? fd : -1;
}

int main(int argc, char **argv)
{
	char host[64];
	unsigned port;
	pthread_attr_t attr;
	int fd;

	if (argc < 3 || sscanf(argv[1], "%63[^:]:%u", host, &port) != 2)
		return 2;
	backend = (struct sockaddr_in){.sin_family = AF_INET,
				       .sin_port = htons((uint16_t)port)};
	if (inet_pton(AF_INET, host, &backend.sin_addr) != 1)
		return 2;
	percent = argc > 3 ? strtod(argv[3], NULL) : 0;
	seed = argc > 4 ? strtoull(argv[4], NULL, 10) : 1;
	signal(SIGPIPE, SIG_IGN);
	if ((fd = listen_somewhere(argv[2])) < 0)
		return 1;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (;;) {
		int one = 1, client = accept(fd, NULL, NULL);
		struct conn *c = malloc(sizeof(*c));
		pthread_t t;

		if (client < 0 || !c)
			return 1;
		setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		c->fd = client;
		count(&connections, 1);
		if (pthread_create(&t, &attr, serve, c) != 0)
			return 1;
	}
}
