#include "cmd/json.h"

#include "cmd/cmd.h"
#include "store/base/err.h"
#include "store/repo/report.h"

struct jsonw *json_start(const struct ctx *ctx, struct json *doc)
{
	*doc = (struct json){0};
	jsonw_init(&doc->w, &doc->text, ctx->print.is_terminal ? 2 : 0);
	return &doc->w;
}

void json_write(struct ctx *ctx, struct json *doc)
{
	buf_addc(&doc->text, '\n');
	print_bytes(&ctx->print, buf_slice(&doc->text));
	buf_release(&doc->text);
	ctx->json_done = true;
}

static void add_item(struct jsonw *j, const struct report_item *it)
{
	char oid[OID_TEXT_MAX];

	jsonw_object(j);
	json_key_str(j, "path", it->path);
	if (it->old_path)
		json_key_str(j, "old_path", it->old_path);
	json_key_str(j, "oid", oid_known(&it->oid) ? oid_text(&it->oid, oid) : NULL);
	json_key_str(j, "state", it->state);
	json_key_str(j, "error", it->error);
	if (it->bytes >= 0)
		json_key_int(j, "bytes", it->bytes);
	jsonw_end(j);
}

void json_items(struct jsonw *j, const struct report *rep)
{
	jsonw_array(j);
	for (size_t i = 0; i < rep->items.nr; i++)
		add_item(j, &rep->items.v[i]);
	jsonw_end(j);
}

static void add_error(struct jsonw *j, int code, const char *message, const char *path)
{
	jsonw_object(j);
	json_key_str(j, "code", err_code_name(code));
	json_key_str(j, "message", message);
	json_key_str(j, "path", path);
	jsonw_end(j);
}

void json_open_common(struct ctx *ctx, struct jsonw *j, const struct report *rep,
		      const struct err *failure)
{
	static const struct report none;
	bool is_ok = !failure && (!rep || rep->errors.nr == 0);

	if (!rep)
		rep = &none;
	jsonw_object(j);
	json_key_str(j, "command", ctx->name);
	jsonw_key(j, "ok");
	jsonw_bool(j, is_ok);
	jsonw_key(j, "counts");
	jsonw_object(j);
	for (size_t i = 0; i < rep->counts.nr; i++)
		json_key_int(j, rep->counts.v[i].name, (int64_t)rep->counts.v[i].n);
	jsonw_end(j);
	json_key_int(j, "bytes", (int64_t)rep->bytes);
	jsonw_key(j, "items");
	json_items(j, rep);
	jsonw_key(j, "errors");
	jsonw_array(j);
	for (size_t i = 0; i < rep->errors.nr; i++)
		add_error(j, rep->errors.v[i].code, rep->errors.v[i].message,
			  rep->errors.v[i].path);
	if (failure) {
		char text[sizeof(failure->text)];

		err_format(failure, text, sizeof(text));
		add_error(j, failure->code, text, NULL);
	}
	jsonw_end(j);
}

void json_report(struct ctx *ctx, const struct report *rep, const struct err *failure)
{
	struct json doc;
	struct jsonw *j = json_start(ctx, &doc);

	json_open_common(ctx, j, rep, failure);
	jsonw_end(j);
	json_write(ctx, &doc);
}

void json_failure(struct ctx *ctx, const struct err *e)
{
	json_report(ctx, NULL, e);
}

void json_nothing(struct ctx *ctx, bool ok)
{
	struct err e = {0};

	if (ok) {
		json_report(ctx, NULL, NULL);
		return;
	}
	err_set(&e, ERR_INVALID, "failed");
	json_report(ctx, NULL, &e);
}
