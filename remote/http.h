/*
 * The engine: one thread owns the CURLM and every easy handle, waits in epoll
 * and is woken by an eventfd. It sends requests one by one as a place is free,
 * asks for each to be prepared (and so signed) at that moment, watches for
 * stalls, and hands every ended request back by its on_done.
 *
 * All callbacks run on the network thread and must not block. http_send,
 * http_send_after, http_cancel, http_throttled and http_success belong there
 * too; only http_post may be called from any thread. A request is its owner's;
 * it stays untouched by the engine after on_done.
 */
#ifndef REMOTE_HTTP_H
#define REMOTE_HTTP_H

#include "store/base/buf.h"
#include "store/base/compiler.h"
#include "store/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http;
struct http_conn;
struct http_wire;

struct http_options {
	unsigned transfers_max;	     /* the ceiling of transfers at a time */
	unsigned transfers_start;    /* how many it begins with; 0: 8 */
	uint64_t rate_up, rate_down; /* bytes of bodies a second; 0: no limit */
	bool insecure;		     /* no certificate is checked */
	const char *ca;	     /* a bundle or a directory; NULL: the system's; copied */
	const char *proxy;   /* NULL: the environment says; borrowed */
	unsigned connect_ms; /* 0: 5 s */
	unsigned stall_ms;   /* 0: 30 s below 1 KiB/s, or without a first byte */
	unsigned idle_s;     /* reuse no connection idle for longer; 0: 118 s */
};

enum http_fault {
	HTTP_OK = 0,  /* an answer came, whatever its status */
	HTTP_NET,     /* curl_code tells; err has the sentence */
	HTTP_STALLED, /* no progress in a phase; err names it */
	HTTP_OWN,     /* a callback gave an error; it is in err */
	HTTP_CANCELED,
};

struct http_task {
	void (*fn)(struct http_task *t);
	struct http_task *next; /* the engine's */
};

enum {
	HTTP_TEXT_MAX = 65536 /* of an answer that is kept as text */
};

struct http_req {
	/* Set by the owner. */
	const char *method;
	/* Fill the URL and the headers, just before sending; may fail (HTTP_OWN). */
	int (*prepare)(struct http_req *q, struct http_wire *w, struct err *e);
	/* The status and all headers are known, nothing of the body was seen. */
	int (*on_head)(struct http_req *q, struct err *e); /* or NULL */
	/* A piece of a 2xx body. NULL: it is collected in text, up to text_max. */
	int (*on_body)(struct http_req *q, const void *p, size_t n, struct err *e);
	void (*on_done)(struct http_req *q);
	const void *body; /* from memory, or NULL */
	int fd;		  /* from a file by pread, if body_is_file */
	int64_t body_at;
	uint64_t body_bytes;
	bool body_is_file;
	bool even_canceled; /* cleaning up: sent after an interrupt too, for 5 s */
	/* May be sent again while the server still thinks about it: see hurry(). */
	bool may_hurry;
	unsigned wait_ms; /* for the first byte of the answer; 0: stall_ms */
	size_t text_max;  /* 0: HTTP_TEXT_MAX */

	/* Filled by the engine. */
	enum http_fault fault;
	int status;
	int curl_code;
	bool curl_reset;  /* the connection was cut, the system or TLS says */
	int proxy_status; /* of a proxy that refused to connect, or 0 */
	struct err err;
	struct buf text; /* the owner releases it */
	uint64_t received;
	int64_t first_byte_ns, start_ns;

	/* The engine's. */
	struct http_conn *conn;
	struct http_req *next;
	int64_t due_ns;
	bool is_hurried;
	enum {
		HTTP_IDLE = 0,
		HTTP_READY,
		HTTP_DELAYED,
		HTTP_ACTIVE
	} state;
};

struct http *http_new(const struct http_options *o);
/* Cancel everything, wait for on_done of all, end the thread; accepts NULL. */
void http_free(struct http *h);
void http_cancel_all(struct http *h); /* any thread: as if interrupted, for good */

/* Run t->fn on the network thread; starts it at the first call. */
void http_post(struct http *h, struct http_task *t);

void http_send(struct http *h, struct http_req *q);
void http_send_after(struct http *h, struct http_req *q, unsigned ms);
void http_cancel(struct http *h, struct http_req *q); /* at once, without on_done */

/* For prepare: both copy. value may be "" (the header is sent empty) or NULL
 * (libcurl's own header of that name is not sent). */
void http_wire_url(struct http_wire *w, const char *url);
void http_wire_header(struct http_wire *w, const char *name, const char *value);

/* A header of the answer, in on_head and on_done; NULL if it is not there. */
const char *http_header(const struct http_req *q, const char *name);

/* What the answers say about the number of transfers at a time. */
void http_throttled(struct http *h);
void http_success(struct http *h, uint64_t bytes);

#endif
