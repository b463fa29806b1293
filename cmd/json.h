/*
 * The one document that --json prints (docs/format/json.md): one line, or
 * indented by two on a terminal. Failures are told in it as well.
 */
#ifndef CMD_JSON_H
#define CMD_JSON_H

#include "store/base/buf.h"
#include "store/fmt/jsonw.h"

#include <stdbool.h>
#include <stdint.h>

struct ctx;
struct err;
struct report;

struct json {
	struct buf text;
	struct jsonw w;
};

/* Start a document for this command's stdout; write it and count it as done. */
struct jsonw *json_start(const struct ctx *ctx, struct json *doc);
void json_write(struct ctx *ctx, struct json *doc);

static inline void json_key_str(struct jsonw *j, const char *key, const char *s)
{
	jsonw_key(j, key);
	jsonw_str(j, s);
}

static inline void json_key_int(struct jsonw *j, const char *key, int64_t n)
{
	jsonw_key(j, key);
	jsonw_int(j, n);
}

/*
 * The common shape. json_open_common writes the object up to and with "errors";
 * a command may add keys of its own before jsonw_end(). failure is NULL, or
 * what the verb returned with; rep may be NULL.
 */
void json_open_common(struct ctx *ctx, struct jsonw *j, const struct report *rep,
		      const struct err *failure);
void json_items(struct jsonw *j, const struct report *rep); /* the "items" array */

void json_report(struct ctx *ctx, const struct report *rep, const struct err *failure);
void json_failure(struct ctx *ctx, const struct err *e); /* nothing but an error */
void json_nothing(struct ctx *ctx, bool ok); /* a command without results of its own */

#endif
