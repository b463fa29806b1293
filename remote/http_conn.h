/*
 * One easy handle and what hangs on it, between http.c (when) and http_conn.c
 * (how). Nothing else includes it.
 */
#ifndef REMOTE_HTTP_CONN_H
#define REMOTE_HTTP_CONN_H

#include "remote/http.h"
#include "remote/rate.h"

#define CURL_DISABLE_DEPRECATION /* curl_multi_socket_all */
#include <curl/curl.h>

/* A socket's state in epoll; the table is indexed by descriptor. */
struct http_sock {
	unsigned char events;
	bool in_epoll;
	bool is_wanted; /* libcurl waits for it now */
	bool is_ours;	/* opened by our callback: we hear of its close */
};

struct http_socks {
	int epfd;
	struct http_sock *v;
	size_t nr;
	int send_buffer, receive_buffer; /* 0: the system's */
};

struct http_conn {
	CURL *easy;
	struct http_req *q;
	struct http_conn *next; /* in the list of free or active ones */
	struct curl_slist *headers;
	char error[CURL_ERROR_SIZE];
	struct http_base *base;
	uint64_t sent; /* of a file's body */
	/* A limit of the rate holds it back: since when, and which one. */
	bool is_paused, is_paused_up;
	int64_t paused_ns;
	/* The stall watch: bytes at the last mark. */
	uint64_t mark_bytes;
	int64_t mark_ns;
	int mark_phase;
};

struct http_wire {
	CURL *easy;
	struct curl_slist *headers;
};

/* What all requests share. */
struct http_base {
	struct http_options o;
	char *ca;
	bool ca_is_dir;
	struct rate up, down;
	size_t active_nr, paused_nr;
};

struct http_sock *http_sock_at(struct http_socks *s, int fd);
int http_sock_want(struct http_socks *s, int fd, int what); /* a CURL_POLL_ value */

/* Make the handle ready for c->q: options, prepare, body. */
int http_conn_set_up(struct http_conn *c, const struct http_base *b,
		     struct http_socks *socks, struct err *e) MUST_CHECK;
void http_conn_clean(struct http_conn *c); /* after a transfer */
void http_conn_free(struct http_conn *c);

bool http_conn_is_connecting(const struct http_conn *c);

/* 0, or ERR_NET with the sentence when nothing moved for too long. */
int http_conn_watch(struct http_conn *c, const struct http_base *b, int64_t now_ns,
		    struct err *e) MUST_CHECK;

#endif
