/*
 * One small exchange with STS, SSO or a metadata service, waited for. It is apart
 * from the engine: those requests are few, must not pass through its queues, and
 * are made where waiting is allowed.
 */
#include "remote/creds_int.h"

#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/interrupt.h"

#include <curl/curl.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	ANSWER_MAX = 256 << 10,
	BACK_OFF_MS = 100,
};

struct exchange {
	const struct creds_request *q;
	struct creds_answer *a;
	bool is_canceled, is_long;
};

void creds_answer_release(struct creds_answer *a)
{
	if (a->text.p)
		secure_wipe(a->text.p, a->text.cap);
	buf_release(&a->text);
	*a = (struct creds_answer){0};
}

static size_t on_write(char *p, size_t size, size_t nr, void *ctx)
{
	struct exchange *x = ctx;

	if (x->a->text.n + size * nr > ANSWER_MAX) {
		x->is_long = true;
		return 0;
	}
	buf_add(&x->a->text, p, size * nr);
	return size * nr;
}

static bool is_canceled(const struct creds_request *q)
{
	return interrupt_pending() || (q->cancel && atomic_load(q->cancel));
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct exchange *x = ctx;

	(void)a, (void)b, (void)c, (void)d;
	x->is_canceled = is_canceled(x->q);
	return x->is_canceled;
}

static void set_up(CURL *h, const struct creds_request *q, struct exchange *x)
{
	struct stat st;

	curl_easy_setopt(h, CURLOPT_URL, q->url);
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)q->connect_ms);
	curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)q->total_ms);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(h, CURLOPT_XFERINFODATA, x);
	if (q->no_proxy)
		curl_easy_setopt(h, CURLOPT_NOPROXY, "*");
	if (q->ca && stat(q->ca, &st) == 0 && S_ISDIR(st.st_mode))
		curl_easy_setopt(h, CURLOPT_CAPATH, q->ca);
	else if (q->ca)
		curl_easy_setopt(h, CURLOPT_CAINFO, q->ca);
	if (q->body.p) {
		curl_easy_setopt(h, CURLOPT_POST, 1L);
		curl_easy_setopt(h, CURLOPT_POSTFIELDS, q->body.p);
		curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.n);
	}
	curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, q->method);
}

static struct curl_slist *headers_of(const struct creds_request *q)
{
	struct curl_slist *list = NULL;

	for (const char *const *h = q->headers; h && *h; h++) {
		list = curl_slist_append(list, *h);
		if (!list)
			die("out of memory for a header");
	}
	return list;
}

static void free_headers(struct curl_slist *list)
{
	for (struct curl_slist *s = list; s; s = s->next)
		secure_wipe(s->data, strlen(s->data));
	curl_slist_free_all(list);
}

/* "host[:port]" of a URL, for messages. */
static struct slice host_of(const char *url)
{
	const char *p = strstr(url, "://");

	p = p ? p + 3 : url;
	return (struct slice){p, strcspn(p, "/?#")};
}

static int once(const struct creds_request *q, struct creds_answer *out, struct err *e)
{
	struct exchange x = {.q = q, .a = out};
	char text[CURL_ERROR_SIZE] = "";
	struct slice host = host_of(q->url);
	struct curl_slist *headers = headers_of(q);
	CURL *h = curl_easy_init();
	long status = 0;
	CURLcode code;
	int r = 0;

	if (!h)
		die("out of memory for a transfer");
	set_up(h, q, &x);
	curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, text);
	code = curl_easy_perform(h);
	curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	out->status = (int)status;
	if (x.is_canceled)
		r = err_set(e, ERR_CANCELED, "interrupted");
	else if (x.is_long)
		r = err_set(e, ERR_CORRUPT, "the answer of %.*s is longer than %d bytes",
			    SLICE_FMT(host), ANSWER_MAX);
	else if (code != CURLE_OK)
		r = err_set(e, ERR_NET, "%.*s: %s", SLICE_FMT(host),
			    text[0] ? text : curl_easy_strerror(code));
	curl_easy_cleanup(h);
	free_headers(headers);
	return r;
}

static void start_curl(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		die("libcurl cannot be initialised");
}

int creds_http(const struct creds_request *q, struct creds_answer *out, struct err *e)
{
	static pthread_once_t once_only = PTHREAD_ONCE_INIT;
	unsigned tries = MAX_OF(q->tries, 1u);
	int r = 0;

	pthread_once(&once_only, start_curl);
	for (unsigned i = 0; i < tries; i++) {
		creds_answer_release(out);
		if (i > 0)
			clock_sleep_ms(BACK_OFF_MS << (i - 1));
		if (is_canceled(q))
			return err_set(e, ERR_CANCELED, "interrupted");
		r = once(q, out, e);
		if (r < 0 && r != ERR_NET)
			break;
		if (r == 0 && out->status < 500 && out->status != 429)
			break;
	}
	if (r < 0)
		creds_answer_release(out);
	return r;
}
