#include "remote/retry.h"

#include "store/base/clock.h"
#include "store/base/compiler.h"
#include "store/base/parse.h"
#include "store/base/slice.h"

#include <curl/curl.h>

#include <stddef.h>
#include <string.h>

enum {
	BUCKET_SIZE = 500,
	COST_THROTTLED = 5,
	COST_OTHER = 14,
	GIVE_BACK = 1,
	BASE_MS = 50,
	BASE_THROTTLED_MS = 1000,
	TRIES_RESOLVE = 2,
};

enum class {
	FINAL,
	THROTTLE,
	TRANSIENT,
	ONCE, /* damage on the wire: a second time it is the file */
	CLOCK,
	REGION,
	CREDENTIALS,
};

static const struct {
	const char *code;
	enum class class;
} codes[] = {
	{"SlowDown", THROTTLE},
	{"SlowDownRead", THROTTLE},
	{"SlowDownWrite", THROTTLE},
	{"ServiceUnavailable", THROTTLE},
	{"Throttling", THROTTLE},
	{"ThrottlingException", THROTTLE},
	{"ThrottledException", THROTTLE},
	{"RequestThrottled", THROTTLE},
	{"RequestThrottledException", THROTTLE},
	{"RequestLimitExceeded", THROTTLE},
	{"BandwidthLimitExceeded", THROTTLE},
	{"TooManyRequests", THROTTLE},
	{"InternalError", TRANSIENT},
	{"InternalServerError", TRANSIENT},
	{"RequestTimeout", TRANSIENT},
	{"PriorRequestNotComplete", TRANSIENT},
	{"IncompleteBody", TRANSIENT},
	{"OperationAborted", TRANSIENT},
	{"ConditionalRequestConflict", TRANSIENT},
	{"XMinioServerNotInitialized", TRANSIENT},
	{"BadDigest", ONCE},
	{"XAmzContentSHA256Mismatch", ONCE},
	{"XAmzContentChecksumMismatch", ONCE},
	{"RequestTimeTooSkewed", CLOCK},
	{"RequestExpired", CLOCK},
	{"PermanentRedirect", REGION},
	{"TemporaryRedirect", REGION},
	{"Redirect", REGION},
	{"AuthorizationHeaderMalformed", REGION},
	{"IllegalLocationConstraintException", REGION},
	{"ExpiredToken", CREDENTIALS},
	{"ExpiredTokenException", CREDENTIALS},
	{"TokenRefreshRequired", CREDENTIALS},
	{"InvalidToken", CREDENTIALS},
};

static enum class class_of_status(int status) {
	switch (status){case 429 : case 503 : return THROTTLE; case 408 : case 500 :
				case 502 : case 504 : case 520 : return TRANSIENT;
			case 301 : case 307 : return REGION;
			default : return FINAL;
}
}

static enum class class_of(const struct retry_in *in) {
	if (in->net == RETRY_NET_FINAL) return FINAL;
		if (in->net != RETRY_NET_NONE) return TRANSIENT;
		for (size_t i = 0; i < ARRAY_SIZE(codes);
		     i++) if (strcmp(codes[i].code, in->code) == 0) return codes[i]
			.class;
		/* A code that we do not know speaks for itself, but for the server's own
	 * failures, where it is as good as none. */
		if (in->code[0] && in->status < 500 && in->status != 429 &&
		    in->status != 408) return FINAL;
		return class_of_status(in->status);
}

static unsigned backoff_ms(const struct retry_in *in, bool throttled)
{
	uint64_t top = throttled ? BASE_THROTTLED_MS : BASE_MS;
	unsigned wait;

	for (unsigned i = 1; i < in->tries && top < RETRY_CAP_MS; i++)
		top *= 2;
	top = MIN_OF(top, (uint64_t)RETRY_CAP_MS);
	wait = (unsigned)(top * in->random >> 32);
	if (in->retry_after_ms > wait)
		wait = (unsigned)MIN_OF(in->retry_after_ms, (int64_t)RETRY_CAP_MS);
	return wait;
}

struct retry_out retry_decide(const struct retry_in *in, struct retry_bucket *bucket)
{
	struct retry_out out = {0};
	enum class class = class_of(in);
	unsigned tries_max = in->tries_max;
	int cost;

	if (!bucket->live)
		*bucket = (struct retry_bucket){.tokens = BUCKET_SIZE, .live = true};
	out.throttled = class == THROTTLE;
	if (class == CLOCK || class == REGION || class == CREDENTIALS) {
		/* The caller allows each once; tries bound what it forgets. */
		out.action = class == CLOCK    ? RETRY_CLOCK
			     : class == REGION ? RETRY_REGION
					       : RETRY_CREDENTIALS;
		if (in->tries > tries_max + 2)
			out.action = RETRY_STOP;
		return out;
	}
	if (class == ONCE || in->net == RETRY_NET_RESOLVE)
		tries_max = MIN_OF(tries_max, (unsigned)TRIES_RESOLVE);
	if (class == FINAL || in->tries >= tries_max)
		return out;
	cost = out.throttled ? COST_THROTTLED : COST_OTHER;
	if (bucket->tokens < cost)
		return out;
	bucket->tokens -= cost;
	out.action = RETRY_WAIT;
	out.wait_ms = backoff_ms(in, out.throttled);
	return out;
}

void retry_success(struct retry_bucket *bucket)
{
	if (bucket->live && bucket->tokens < BUCKET_SIZE)
		bucket->tokens += GIVE_BACK;
}

enum retry_net retry_net_of_curl(int curl_code, bool is_reset)
{
	switch (curl_code) {
	case CURLE_OK:
		return RETRY_NET_NONE;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return RETRY_NET_RESOLVE;
	case CURLE_COULDNT_CONNECT:
	case CURLE_PARTIAL_FILE:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_FAIL_REWIND:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL: /* bytes that are no HTTP answer at all */
		return RETRY_NET_BROKEN;
	case CURLE_SSL_CONNECT_ERROR:
		return is_reset ? RETRY_NET_BROKEN : RETRY_NET_FINAL;
	default:
		return RETRY_NET_FINAL;
	}
}

bool retry_curl_is_trust(int curl_code)
{
	switch (curl_code) {
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CRL_BADFILE:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return true;
	default:
		return false;
	}
}

int64_t retry_after_ms(const char *value, int64_t now_ns)
{
	uint64_t seconds;
	int64_t at_ns, ms;

	if (!value)
		return -1;
	if (parse_u64(slice_of(value), &seconds))
		return seconds >= RETRY_CAP_MS / 1000 ? RETRY_CAP_MS
						      : (int64_t)seconds * 1000;
	if (!clock_parse(value, strlen(value), &at_ns))
		return -1;
	ms = (at_ns - now_ns) / 1000000;
	return ms < 0 ? 0 : MIN_OF(ms, (int64_t)RETRY_CAP_MS);
}
