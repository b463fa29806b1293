/*
 * What happens before the first byte of HTTP: names, connections, handshakes,
 * proxies. This program answers getaddrinfo() for names in ".test" itself.
 */
#include "tests/lib/fakes3_fix.h"

#include "store/base/alloc.h"
#include "store/base/clock.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY "files/md5/5d/41402abc4b2a76b9719d911017c592"

static atomic_int questions; /* for names in ".test" */

typedef int (*getaddrinfo_fn)(const char *node, const char *service,
			      const struct addrinfo *hints, struct addrinfo **out);

static getaddrinfo_fn real_getaddrinfo(void)
{
	union {
		void *p;
		getaddrinfo_fn fn;
	} u = {.p = dlsym(RTLD_NEXT, "getaddrinfo")};

	return u.fn;
}

static int digit_in(const char *name)
{
	name += strcspn(name, "123456789");
	return *name ? *name - '0' : 0;
}

/* "late-N.test" is known at the N-th question; "dead.test" has two addresses where
 * nobody answers, "half.test" a good one besides. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **out)
{
	static const char *const dead[] = {"127.0.0.2", "127.0.0.3", NULL};
	static const char *const half[] = {"127.0.0.2", "127.0.0.3", "127.0.0.1", NULL};
	static const char *const good[] = {"127.0.0.1", NULL};
	const char *const *v = good;
	struct addrinfo **tail = out;
	size_t n = node ? strlen(node) : 0;

	if (n < 5 || strcmp(node + n - 5, ".test") != 0)
		return real_getaddrinfo()(node, service, hints, out);
	if (atomic_fetch_add(&questions, 1) + 1 < digit_in(node))
		return EAI_AGAIN;
	if (strncmp(node, "dead", 4) == 0)
		v = dead;
	else if (strncmp(node, "half", 4) == 0)
		v = half;
	for (size_t i = 0; v[i]; i++) {
		int r = real_getaddrinfo()(v[i], service, hints, tail);

		if (r != 0)
			return r;
		while (*tail)
			tail = &(*tail)->ai_next;
	}
	return 0;
}

/* ---- servers that go wrong early ---------------------------------------------- */

struct rude {
	int fd, port;
	pthread_t thread;
	atomic_int connections;
	atomic_bool stop;
	bool resets;	    /* else it closes */
	const char *answer; /* to whatever comes; NULL: none */
};

static void *be_rude(void *arg)
{
	struct rude *s = arg;

	while (!atomic_load(&s->stop)) {
		struct pollfd p = {.fd = s->fd, .events = POLLIN};
		struct linger l = {.l_onoff = 1};
		char buf[2048];
		int fd;

		if (poll(&p, 1, 20) <= 0 || (fd = accept(s->fd, NULL, NULL)) < 0)
			continue;
		atomic_fetch_add(&s->connections, 1);
		IGNORE_RESULT(recv(fd, buf, sizeof(buf), 0) < 0);
		if (s->answer)
			IGNORE_RESULT(
				send(fd, s->answer, strlen(s->answer), MSG_NOSIGNAL) < 0);
		if (s->resets)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
		close(fd);
	}
	return NULL;
}

static int bound(const char *address, int port, int backlog)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(inet_pton(AF_INET, address, &a.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

static void rude_start(struct rude *s)
{
	struct sockaddr_in a;
	socklen_t n = sizeof(a);

	s->fd = bound("127.0.0.1", 0, 64);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &n), 0);
	s->port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, be_rude, s), 0);
}

static void rude_stop(struct rude *s)
{
	atomic_store(&s->stop, true);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

/* Nobody accepts and the queue is full: the kernel drops whoever knocks. */
struct hole {
	int fd, in[8];
};

static void hole_dig(struct hole *h, const char *address, int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	h->fd = bound(address, port, 0);
	assert_int_equal(inet_pton(AF_INET, address, &a.sin_addr), 1);
	for (size_t i = 0; i < ARRAY_SIZE(h->in); i++) {
		h->in[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		IGNORE_RESULT(connect(h->in[i], (struct sockaddr *)&a, sizeof(a)) < 0);
	}
}

static void hole_fill(struct hole *h)
{
	for (size_t i = 0; i < ARRAY_SIZE(h->in); i++)
		close(h->in[i]);
	close(h->fd);
}

static void says(struct fix *x, const char *text)
{
	if (!strstr(x->err.text, text))
		fail_msg("'%s' is not in: %s", text, x->err.text);
}

static void go_to(struct fix *x, const char *scheme, const char *host, int port)
{
	fix_close(x);
	IGNORE_RESULT(snprintf(x->endpoint, sizeof(x->endpoint), "%s://%s:%d", scheme,
			       host, port) < 0);
	if (fix_open(x, &x->err) != 0)
		fail_msg("%s", x->err.text);
	atomic_store(&questions, 0);
}

static void name_that_is_known_late_is_asked_for_again(void **state)
{
	struct fix *x = *state;

	go_to(x, "http", "late-2.test", fakes3_port(x->s3));
	if (fix_put(x, KEY, "abc", 3) != 0)
		fail_msg("%s", x->err.text);
	assert_int_equal(atomic_load(&questions), 2);
}

static void name_that_nobody_knows_ends_soon(void **state)
{
	struct fix *x = *state;
	int64_t start = clock_mono_ns();

	go_to(x, "http", "late-9.test", fakes3_port(x->s3));
	assert_int_equal(fix_put(x, KEY, "abc", 3), ERR_NET);
	says(x, "late-9.test");
	says(x, "after 2 tries");
	assert_int_equal(atomic_load(&questions), 2);
	assert_true(clock_mono_ns() - start < INT64_C(3000000000));
}

static void dead_addresses_are_passed_over(void **state)
{
	struct fix *x = *state;
	int port = fakes3_port(x->s3);
	struct hole a, b;

	hole_dig(&a, "127.0.0.2", port);
	hole_dig(&b, "127.0.0.3", port);
	fix_set(x, "connect_timeout", "2");
	/* Their order is shuffled: several names, so that one begins with a hole. */
	for (int i = 1; i < 4; i++) {
		int64_t start = clock_mono_ns();
		char name[32];

		IGNORE_RESULT(snprintf(name, sizeof(name), "half-%d.test", i) < 0);
		go_to(x, "http", name, port);
		atomic_store(&questions, 8);
		if (fix_put(x, KEY, "abc", 3) != 0)
			fail_msg("%s", x->err.text);
		assert_true(clock_mono_ns() - start < INT64_C(6000000000));
	}
	hole_fill(&a);
	hole_fill(&b);
}

static void connection_that_is_never_made_ends(void **state)
{
	struct fix *x = *state;
	int port = fakes3_port(x->s3);
	int64_t start = clock_mono_ns();
	struct hole a, b;

	hole_dig(&a, "127.0.0.2", port);
	hole_dig(&b, "127.0.0.3", port);
	fix_set(x, "connect_timeout", "1");
	fix_set(x, "retries", "2");
	go_to(x, "http", "dead.test", port);
	assert_int_equal(fix_put(x, KEY, "abc", 3), ERR_NET);
	says(x, "dead.test");
	says(x, "after 2 tries");
	says(x, KEY);
	assert_true(clock_mono_ns() - start < INT64_C(6000000000));
	hole_fill(&a);
	hole_fill(&b);
}

/* A handshake that is cut, by a reset or a close, is the network's fault. */
static void handshake_that_is_cut_is_tried_again(void **state)
{
	struct fix *x = *state;

	for (int i = 0; i < 2; i++) {
		struct rude s = {.resets = i};

		rude_start(&s);
		go_to(x, "https", "127.0.0.1", s.port);
		assert_int_equal(fix_put(x, KEY, "abc", 3), ERR_NET);
		says(x, "after 5 tries");
		assert_in_range(atomic_load(&s.connections), 5, 6);
		rude_stop(&s);
	}
}

static void server_that_speaks_no_tls_is_final(void **state)
{
	struct rude s = {.answer = "HTTP/1.1 400 Bad Request\r\n\r\n"};
	struct fix *x = *state;

	rude_start(&s);
	go_to(x, "https", "127.0.0.1", s.port);
	assert_int_equal(fix_put(x, KEY, "abc", 3), ERR_CONFIG);
	assert_int_equal(atomic_load(&s.connections), 1);
	rude_stop(&s);
}

static void refusing_proxy_is_told_and_asked_once(void **state)
{
	static const struct {
		const char *answer, *says;
		int connections;
	} v[] = {
		{"HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
		 "Content-Length: 0\r\n\r\n",
		 "407", 1},
		{"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", "403", 1},
		{"HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n", "after 5 tries", 5},
	};
	struct fix *x = *state;

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		struct rude s = {.answer = v[i].answer};
		char url[64];

		rude_start(&s);
		IGNORE_RESULT(snprintf(url, sizeof(url), "http://me:pw77@127.0.0.1:%d",
				       s.port) < 0);
		setenv("https_proxy", url, 1);
		go_to(x, "https", "behind.test", 443);
		assert_int_equal(fix_put(x, KEY, "abc", 3),
				 v[i].connections > 1 ? ERR_NET : ERR_CONFIG);
		unsetenv("https_proxy");
		says(x, v[i].says);
		assert_null(strstr(x->err.text, "pw77"));
		assert_int_equal(atomic_load(&s.connections), v[i].connections);
		assert_int_equal(atomic_load(&questions), 0); /* the proxy's to ask */
		rude_stop(&s);
	}
}

static int set_up(void **state)
{
	struct fix *x = xcalloc(1, sizeof(*x));

	fix_start(x);
	*state = x;
	return 0;
}

static int tear_down(void **state)
{
	struct fix *x = *state;

	fix_stop(x);
	free(x);
	return 0;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(name_that_is_known_late_is_asked_for_again),
		TEST(name_that_nobody_knows_ends_soon),
		TEST(dead_addresses_are_passed_over),
		TEST(connection_that_is_never_made_ends),
		TEST(handshake_that_is_cut_is_tried_again),
		TEST(server_that_speaks_no_tls_is_final),
		TEST(refusing_proxy_is_told_and_asked_once),
	};

	return cmocka_run_group_tests_name("s3 net", tests, NULL, NULL);
}
