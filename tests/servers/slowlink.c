/*
 * slowlink HOST:PORT FILE DELAY_MS [LOSS_PERCENT [BYTES_PER_S [SEED]]]: a line
 * with delay and loss, for benchmarks where the kernel has no netem. It listens on
 * a free port of loopback, which FILE gets, and passes bytes on both ways.
 *
 * DELAY_MS is the round trip: half of it each way, and a whole one more before a
 * new connection carries anything, as a handshake would cost. Loss is of segments
 * of 1,448 bytes. A stream cannot lose bytes; what a loss costs is that all behind
 * it waits: a round trip where more is under way (a fast retransmission), else
 * 200 ms more (a time-out). Congestion windows are not modelled. BYTES_PER_S is for
 * each direction of all connections together.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	CONNS_MAX = 1024,
	BLOCK = 32768,
	SEGMENT = 1448,
	QUEUE_MAX = 4 << 20, /* bytes under way in one direction */
	RTO_MS = 200,
};

struct chunk {
	struct chunk *next;
	int64_t due_ns;
	size_t n, at;
	char p[];
};

/* From one socket to another. */
struct way {
	int from, to;
	struct chunk *head, **tail;
	size_t queued;
	int64_t last_ns; /* nothing may come before this */
	bool ended, shut, blocked;
	int64_t end_ns;
};

struct conn {
	bool live;
	struct way up, down;
};

static struct conn conns[CONNS_MAX];
static struct sockaddr_in backend;
static int64_t half_ns, busy_ns[2], per_byte_ps;
static double loss;
static uint64_t seed = 1;

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static bool by_chance(double p)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (double)(seed * UINT64_C(2685821657736338717) >> 11) * 0x1p-53 < p;
}

/* When what was read now arrives at the other end. */
static int64_t arrival(struct way *w, size_t n, int64_t now, int dir)
{
	int64_t due = now + half_ns;
	size_t segments = (n + SEGMENT - 1) / SEGMENT;

	if (per_byte_ps > 0) {
		int64_t start = busy_ns[dir] > now ? busy_ns[dir] : now;

		busy_ns[dir] = start + (int64_t)n * per_byte_ps / 1000;
		due = busy_ns[dir] + half_ns;
	}
	for (size_t i = 0; loss > 0 && i < segments; i++)
		if (by_chance(loss))
			due += 2 * half_ns + (segments < 4 && w->queued == 0
						      ? (int64_t)RTO_MS * 1000000
						      : 0);
	if (due < w->last_ns)
		due = w->last_ns;
	w->last_ns = due;
	return due;
}

static void take_in(struct way *w, int64_t now, int dir)
{
	struct chunk *c = malloc(sizeof(*c) + BLOCK);
	ssize_t n;

	if (!c)
		abort();
	n = recv(w->from, c->p, BLOCK, 0);
	if (n <= 0) {
		free(c);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		w->ended = true;
		w->end_ns = now + half_ns > w->last_ns ? now + half_ns : w->last_ns;
		return;
	}
	c->n = (size_t)n;
	c->at = 0;
	c->next = NULL;
	c->due_ns = arrival(w, c->n, now, dir);
	*w->tail = c;
	w->tail = &c->next;
	w->queued += c->n;
}

/* False when the other side is gone. */
static bool let_out(struct way *w, int64_t now)
{
	w->blocked = false;
	while (w->head && w->head->due_ns <= now) {
		struct chunk *c = w->head;
		ssize_t n = send(w->to, c->p + c->at, c->n - c->at, MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			w->blocked = true;
			return true;
		}
		if (n < 0)
			return false;
		c->at += (size_t)n;
		w->queued -= (size_t)n;
		if (c->at < c->n)
			continue;
		w->head = c->next;
		if (!w->head)
			w->tail = &w->head;
		free(c);
	}
	if (w->ended && !w->head && !w->shut && w->end_ns <= now) {
		w->shut = true;
		shutdown(w->to, SHUT_WR);
	}
	return true;
}

static void way_init(struct way *w, int from, int to, int64_t first_ns)
{
	*w = (struct way){.from = from, .to = to, .last_ns = first_ns};
	w->tail = &w->head;
}

static void way_release(struct way *w)
{
	while (w->head) {
		struct chunk *c = w->head;

		w->head = c->next;
		free(c);
	}
}

static void end(struct conn *c)
{
	close(c->up.from);
	close(c->up.to);
	way_release(&c->up);
	way_release(&c->down);
	c->live = false;
}

static void begin(int fd, int64_t now)
{
	int one = 1, server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct conn *c = NULL;

	for (size_t i = 0; i < CONNS_MAX && !c; i++)
		if (!conns[i].live)
			c = &conns[i];
	if (!c || server < 0 ||
	    connect(server, (struct sockaddr *)&backend, sizeof(backend)) < 0) {
		close(fd);
		if (server >= 0)
			close(server);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	fcntl(server, F_SETFL, O_NONBLOCK);
	c->live = true;
	way_init(&c->up, fd, server, now + 3 * half_ns);
	way_init(&c->down, server, fd, 0);
}

static int64_t sooner(const struct way *w, int64_t until)
{
	int64_t due = w->head		     ? w->head->due_ns
		      : w->ended && !w->shut ? w->end_ns
					     : until;

	return due < until && !w->blocked ? due : until;
}

static short wanted(const struct way *in, const struct way *out)
{
	return (short)((!in->ended && in->queued < QUEUE_MAX ? POLLIN : 0) |
		       (out->blocked ? POLLOUT : 0));
}

/* One turn for one connection; returns whether it lives on. */
static bool serve(struct conn *c, short client, short server, int64_t now)
{
	if ((client & (POLLIN | POLLHUP | POLLERR)) && !c->up.ended &&
	    c->up.queued < QUEUE_MAX)
		take_in(&c->up, now, 0);
	if ((server & (POLLIN | POLLHUP | POLLERR)) && !c->down.ended &&
	    c->down.queued < QUEUE_MAX)
		take_in(&c->down, now, 1);
	return let_out(&c->up, now) && let_out(&c->down, now) &&
	       !(c->up.shut && c->down.shut);
}

static void run(int fd)
{
	static struct pollfd p[2 * CONNS_MAX + 1];
	static size_t at[CONNS_MAX];

	for (;;) {
		int64_t now = now_ns(), until = now + INT64_C(1000000000);
		nfds_t nr = 1;

		p[0] = (struct pollfd){.fd = fd, .events = POLLIN};
		for (size_t i = 0; i < CONNS_MAX; i++) {
			struct conn *c = &conns[i];

			if (!c->live)
				continue;
			at[i] = nr;
			p[nr++] = (struct pollfd){.fd = c->up.from,
						  .events = wanted(&c->up, &c->down)};
			p[nr++] = (struct pollfd){.fd = c->up.to,
						  .events = wanted(&c->down, &c->up)};
			until = sooner(&c->up, sooner(&c->down, until));
		}
		/* What waits for nothing is not asked: POLLHUP would spin. */
		for (nfds_t i = 1; i < nr; i++)
			if (p[i].events == 0)
				p[i].fd = -1;
		{
			int64_t wait = until - now_ns();
			struct timespec ts = {0, 0};

			if (wait > 0)
				ts = (struct timespec){wait / 1000000000,
						       wait % 1000000000};
			if (ppoll(p, nr, &ts, NULL) < 0 && errno != EINTR)
				return;
		}
		now = now_ns();
		for (size_t i = 0; i < CONNS_MAX; i++)
			if (conns[i].live && !serve(&conns[i], p[at[i]].revents,
						    p[at[i] + 1].revents, now))
				end(&conns[i]);
		if (p[0].revents & POLLIN)
			begin(accept(fd, NULL, NULL), now);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	char host[64];
	unsigned port;
	double rate;
	FILE *out;
	int fd;

	if (argc < 4 || sscanf(argv[1], "%63[^:]:%u", host, &port) != 2)
		return 2;
	backend = (struct sockaddr_in){.sin_family = AF_INET,
				       .sin_port = htons((uint16_t)port)};
	if (inet_pton(AF_INET, host, &backend.sin_addr) != 1)
		return 2;
	half_ns = (int64_t)(strtod(argv[3], NULL) * 500000);
	loss = argc > 4 ? strtod(argv[4], NULL) / 100 : 0;
	rate = argc > 5 ? strtod(argv[5], NULL) : 0;
	per_byte_ps = rate > 0 ? (int64_t)(1e12 / rate) : 0;
	seed = argc > 6 ? strtoull(argv[6], NULL, 10) | 1 : 1;
	signal(SIGPIPE, SIG_IGN);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) < 0 || listen(fd, 512) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) < 0 ||
	    !(out = fopen(argv[2], "w")))
		return 1;
	fprintf(out, "%d\n", ntohs(a.sin_port));
	if (fclose(out) != 0)
		return 1;
	run(fd);
	return 1;
}
