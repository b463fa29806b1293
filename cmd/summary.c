#include "cmd/summary.h"

#include "cmd/cmd.h"
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/text.h"
#include "store/repo/checkout.h"
#include "store/repo/repo.h"
#include "store/repo/report.h"

#include <stdlib.h>
#include <string.h>

void summary_changes(struct ctx *ctx, const struct report *rep)
{
	static const struct {
		const char *state;
		const char *letter;
		const char *sgr;
	} kinds[] = {
		{"modified", "M", "33"},
		{"added", "A", "32"},
		{"deleted", "D", "31"},
	};

	for (size_t i = 0; i < rep->items.nr; i++) {
		const struct report_item *it = &rep->items.v[i];

		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
			char *shown;

			if (strcmp(it->state, kinds[k].state) != 0)
				continue;
			shown = repo_show(ctx->repo, it->path);
			print_colour(&ctx->print, kinds[k].sgr);
			print_column(&ctx->print, kinds[k].letter);
			print_colour(&ctx->print, NULL);
			print_name(&ctx->print, shown);
			print_end(&ctx->print);
			free(shown);
		}
	}
}

void summary_counts(struct ctx *ctx, const struct report *rep)
{
	static const char *const states[] = {"modified", "added", "deleted"};
	uint64_t counts[ARRAY_SIZE(states)];
	size_t nr = 0, done = 0;

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		counts[i] = report_count_of(rep, states[i]);
		nr += counts[i] > 0;
	}
	if (nr == 0)
		print_text(&ctx->print, "No changes.");
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		if (counts[i] == 0)
			continue;
		if (done > 0)
			print_text(&ctx->print, done + 1 == nr ? " and " : ", ");
		print_text(&ctx->print, "%llu file%s %s", (unsigned long long)counts[i],
			   counts[i] == 1 ? "" : "s", states[i]);
		done++;
	}
	print_text(&ctx->print, "\n");
}

void summary_bytes(struct ctx *ctx, const char *what, uint64_t files, uint64_t bytes)
{
	struct buf b = {0};

	text_bytes(&b, bytes);
	print_text(&ctx->print, "%s %llu file%s, %s\n", what, (unsigned long long)files,
		   files == 1 ? "" : "s", buf_str(&b));
	buf_release(&b);
}

/* A name on a line of its own, shown so that it stays on one. */
static void add_name(struct buf *out, const char *dir, const char *name)
{
	struct buf whole = {0};

	buf_addf(&whole, "%s%s%s", dir, dir[0] ? "/" : "", name);
	buf_addc(out, '\n');
	text_escape(out, buf_slice(&whole));
	buf_release(&whole);
}

enum {
	REASONS_SHOWN = 10 /* thousands of files tend to fail for one reason */
};

static void add_reasons(struct buf *b, const struct report *rep)
{
	buf_addf(b, "%zu file%s could not be checked out:", rep->errors.nr,
		 rep->errors.nr == 1 ? "" : "s");
	for (size_t i = 0; i < rep->errors.nr && i < REASONS_SHOWN; i++) {
		const struct report_failure *f = &rep->errors.v[i];

		add_name(b, "", f->path ? f->path : "");
		buf_addf(b, ": %s", f->message);
	}
	if (rep->errors.nr > REASONS_SHOWN)
		buf_addf(b, "\nand %zu more", rep->errors.nr - REASONS_SHOWN);
}

bool summary_checkout_error(struct ctx *ctx, const char *prefix,
			    const struct checkout_result *res, int r)
{
	struct buf b = {0};

	buf_adds(&b, prefix);
	if (r == ERR_CONFLICT && res->unsaved.nr > 0) {
		buf_adds(&b, "Can't remove the following unsaved files without "
			     "confirmation. Use `--force` to force.");
		for (size_t i = 0; i < res->unsaved.nr; i++)
			add_name(&b, repo_root(ctx->repo), res->unsaved.v[i]);
	} else if (r == ERR_MISSING && res->failed.nr > 0) {
		buf_adds(&b, "Checkout failed for following targets:");
		for (size_t i = 0; i < res->failed.nr; i++) {
			char *shown = repo_show(ctx->repo, res->failed.v[i]);

			add_name(&b, "", shown);
			free(shown);
		}
		buf_adds(&b, "\nIs your cache up to date?\n"
			     "<https://error.dvc.org/missing-files>");
	} else if (r == ERR_PARTIAL && res->report.errors.nr > 0) {
		add_reasons(&b, &res->report);
	} else {
		buf_release(&b);
		return false;
	}
	ui_error(&ctx->ui, "%s", buf_str(&b));
	buf_release(&b);
	return true;
}
