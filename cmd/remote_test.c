#include "cmd/remote_test.h"

#include "cmd/json.h"
#include "cmd/grid.h"
#include "remote/probe.h"
#include "remote/sync/sync.h"
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/text.h"

#include <stdlib.h>
#include <string.h>

struct test_args {
	const char *name;
};

static const struct opt test_opts[] = {
	OPT_END,
};

static const struct operand test_operands[] = {
	{.kind = OPERAND_OPT,
	 .name = "name",
	 .at = offsetof(struct test_args, name),
	 .help = "the remote; the default one when not given",
	 .flags = OPT_REMOTE},
	OPERANDS_END,
};

static const char *word(enum probe_result r)
{
	static const char *const words[] = {
		[PROBE_YES] = "yes",
		[PROBE_NO] = "no",
		[PROBE_FAILED] = "FAILED",
		[PROBE_SKIPPED] = "unknown",
	};

	return words[r];
}

static const char *json_word(enum probe_result r)
{
	return r == PROBE_FAILED ? "failed" : word(r);
}

static void row(struct grid *t, const char *a, const char *b, const char *c)
{
	grid_cell(t, a);
	grid_cell(t, b);
	grid_cell(t, c);
}

static void add_figures(struct grid *t, const struct probe *p)
{
	struct buf b = {0};

	if (p->samples > 0) {
		buf_addf(&b, "%.1f ms", (double)p->latency_us / 1000);
		char *worst = xasprintf("median of %u; the worst %.1f ms", p->samples,
					(double)p->latency_worst_us / 1000);

		row(t, "latency", buf_str(&b), worst);
		free(worst);
	}
	if (p->upload_bytes_s > 0) {
		buf_reset(&b);
		text_bytes(&b, p->upload_bytes_s);
		buf_adds(&b, "/s");
		row(t, "upload", buf_str(&b), "4 at a time");
	}
	if (p->download_bytes_s > 0) {
		buf_reset(&b);
		text_bytes(&b, p->download_bytes_s);
		buf_adds(&b, "/s");
		row(t, "download", buf_str(&b), "4 at a time");
	}
	buf_release(&b);
}

static void show(struct ctx *ctx, const char *name, const struct probe *p)
{
	struct grid t = {.columns = 3};

	print_text(&ctx->print, "Remote '");
	print_name(&ctx->print, name);
	print_text(&ctx->print, "'");
	if (p->endpoint) {
		print_text(&ctx->print, " at ");
		print_name(&ctx->print, p->endpoint);
		print_text(&ctx->print, " (");
		if (p->provider[0]) {
			print_name(&ctx->print, p->provider);
			print_text(&ctx->print, ", ");
		}
		print_text(&ctx->print, "region ");
		print_name(&ctx->print, p->region);
		print_text(&ctx->print, ")\nCredentials from ");
		print_name(&ctx->print, p->source);
	}
	print_text(&ctx->print, "\n");
	row(&t, "CHECK", "RESULT", "");
	for (size_t i = 0; i < p->checks.nr; i++)
		row(&t, p->checks.v[i].name, word(p->checks.v[i].result),
		    p->checks.v[i].detail);
	add_figures(&t, p);
	grid_plain(&t, &ctx->print);
	grid_release(&t);
}

static void write_checks(struct jsonw *j, const struct probe *p)
{
	jsonw_key(j, "checks");
	jsonw_array(j);
	for (size_t i = 0; i < p->checks.nr; i++) {
		const struct probe_check *c = &p->checks.v[i];

		jsonw_object(j);
		json_key_str(j, "name", c->name);
		json_key_str(j, "result", json_word(c->result));
		json_key_str(j, "detail", c->detail[0] ? c->detail : NULL);
		jsonw_end(j);
	}
	jsonw_end(j);
}

static void add_int(struct jsonw *j, const char *key, bool is_there, uint64_t n)
{
	jsonw_key(j, key);
	if (is_there)
		jsonw_uint(j, n);
	else
		jsonw_null(j);
}

static void document(struct ctx *ctx, const char *name, const struct probe *p,
		     const struct err *failure)
{
	struct json doc;
	struct jsonw *j = json_start(ctx, &doc);

	json_open_common(ctx, j, NULL, failure);
	json_key_str(j, "remote", name);
	json_key_str(j, "endpoint", p->endpoint);
	json_key_str(j, "provider", p->provider && p->provider[0] ? p->provider : NULL);
	json_key_str(j, "region", p->region);
	json_key_str(j, "credentials", p->source);
	write_checks(j, p);
	jsonw_key(j, "clock_ahead_ms");
	if (p->has_clock)
		jsonw_int(j, p->ahead_ms);
	else
		jsonw_null(j);
	add_int(j, "latency_us", p->samples > 0, p->latency_us);
	add_int(j, "latency_worst_us", p->samples > 0, p->latency_worst_us);
	add_int(j, "upload_bytes_s", p->upload_bytes_s > 0, p->upload_bytes_s);
	add_int(j, "download_bytes_s", p->download_bytes_s > 0, p->download_bytes_s);
	jsonw_end(j);
	json_write(ctx, &doc);
}

static int test_run(struct ctx *ctx, void *arg, struct err *e)
{
	const struct test_args *args = arg;
	struct probe p = {0};
	char *name = NULL;
	struct err found = {0};
	int r = sync_test(ctx->repo, args->name, &ctx->ui.sink, &name, &p, &found);

	if (r == 0 && p.code < 0)
		r = err_set(&found, p.code, "the remote is not fit for use: %s", p.error);
	if (ctx->global.json && p.checks.nr > 0)
		document(ctx, name, &p, r < 0 ? &found : NULL);
	else if (p.checks.nr > 0)
		show(ctx, name, &p);
	if (r < 0 && e)
		*e = found;
	probe_release(&p);
	free(name);
	return r;
}

const struct cmd cmd_remote_test = {
	.name = "test",
	.brief = "Find out what a remote can do, and how fast",
	.opts = test_opts,
	.operands = test_operands,
	.args_size = sizeof(struct test_args),
	.needs = NEED_REPO,
	.run = test_run,
};
