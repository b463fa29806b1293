/* gc of a remote that two repositories share, and of one that says no. */
#include "tests/unit/sync_fixture.h"

static struct sync_gc_result got;
static uint64_t planned_at_plan;
static bool had_removed_at_plan;

static void on_plan(void *ctx, const struct sync_gc_result *plan)
{
	struct world *w = ctx;

	planned_at_plan = plan->planned;
	had_removed_at_plan = fakes3_matching(w->x.s3, "POST", "delete") > 0;
}

static int collect(struct world *w, struct fixture *other, int64_t grace_ns, bool dry)
{
	const char *projects[1] = {other ? other->dir : NULL};
	struct gc_scope scope = {
		.workspace = true, .projects = projects, .projects_nr = other ? 1 : 0};
	struct gc_keep keep = {0};
	struct report rep = {0};
	int r;

	report_release(&got.report);
	got = (struct sync_gc_result){.on_plan = on_plan, .ctx = w};
	w->e = (struct err){0};
	must(gc_collect(w->f->repo, &scope, &keep, &rep, &w->e), &w->e);
	r = sync_gc(w->f->repo, "up", &keep, grace_ns, dry, 0, NULL, &got, &w->e);
	gc_keep_release(&keep);
	report_release(&rep);
	return r;
}

/* A second repository that pushed d/{x,y} to the same place. */
static struct fixture *neighbour(struct world *w)
{
	struct world n = *w;
	struct sync_options o = {.max_size = -1};
	struct sync_result res = {0};
	struct err e = {0};
	void *f;

	assert_int_equal(setup_repo(&f, true), 0);
	n.f = f;
	world_config(&n, NULL);
	put(n.f, "d/x", "theirs");
	put(n.f, "d/y", "shared");
	add(n.f, "d");
	must(sync_push(n.f->repo, &o, &res, &e), &e);
	sync_result_release(&res);
	return f;
}

static void part(struct fixture *f)
{
	void *state = f;

	teardown(&state);
}

/* "old" was pushed and is named by nothing any more. */
static void leave_garbage(struct world *w)
{
	put(w->f, "d/a", "shared");
	put(w->f, "d/b", "old");
	add(w->f, "d");
	must_sync(w, sync_push, (struct sync_options){0});
	sh(w->f, "rm -rf d");
	put(w->f, "d/a", "shared");
	put(w->f, "d/b", "new");
	add(w->f, "d");
	must_sync(w, sync_push, (struct sync_options){0});
	fakes3_clear(w->x.s3);
}

static void what_a_named_project_reaches_stays(void **state)
{
	struct world *w = *state;
	struct fixture *n = neighbour(w);

	leave_garbage(w);
	must(collect(w, n, 0, true), &w->e);
	assert_int_equal(got.planned, 2);
	assert_int_equal(fakes3_matching(w->x.s3, "POST", "delete"), 0);
	must(collect(w, n, 0, false), &w->e);
	assert_int_equal(got.removed, 2);
	assert_int_equal(planned_at_plan, 2);
	assert_false(had_removed_at_plan);
	assert_false(fakes3_has(w->x.s3, key_of_text("old")));
	assert_true(fakes3_has(w->x.s3, key_of_text("new")));
	assert_true(fakes3_has(w->x.s3, key_of_text("theirs")));
	assert_true(fakes3_has(w->x.s3, key_of_text("shared")));
	/* Without it, what is only theirs goes; what is ours too stays. */
	must(collect(w, NULL, 0, false), &w->e);
	assert_false(fakes3_has(w->x.s3, key_of_text("theirs")));
	assert_true(fakes3_has(w->x.s3, key_of_text("shared")));
	part(n);
}

static void manifests_go_before_members(void **state)
{
	struct world *w = *state;

	leave_garbage(w);
	fakes3_rule(w->x.s3, (struct fakes3_rule){.method = "POST",
						  .has = "delete",
						  .what = FAKES3_STATUS,
						  .status = 403,
						  .code = "AccessDenied"});
	assert_int_equal(collect(w, NULL, 0, false), ERR_AUTH);
	assert_int_equal(fakes3_matching(w->x.s3, "POST", "delete"), 1);
	assert_true(fakes3_has(w->x.s3, key_of_text("old")));
	fakes3_clear(w->x.s3);
	must(collect(w, NULL, 0, false), &w->e);
	assert_int_equal(fakes3_matching(w->x.s3, "POST", "delete"), 2);
}

static void a_key_that_is_locked_is_told_and_holds_the_members(void **state)
{
	struct world *w = *state;
	char body[512];
	const char *old;

	leave_garbage(w);
	must(collect(w, NULL, 0, true), &w->e);
	old = got.report.items.v[0].path;
	assert_non_null(strstr(old, ".dir"));
	snprintf(body, sizeof(body),
		 "<DeleteResult><Error><Key>pre/fix/%s</Key><Code>AccessDenied</Code>"
		 "<Message>Access Denied because object protected by object lock."
		 "</Message></Error></DeleteResult>",
		 old);
	fakes3_rule(w->x.s3, (struct fakes3_rule){.method = "POST",
						  .has = "delete",
						  .what = FAKES3_BODY,
						  .body = body});
	assert_int_equal(collect(w, NULL, 0, false), ERR_PARTIAL);
	assert_non_null(strstr(w->e.text, "retention lock"));
	assert_int_equal(got.report.items.nr, 1);
	assert_string_equal(got.report.items.v[0].state, "failed");
	assert_non_null(strstr(got.report.items.v[0].error, "object lock"));
	assert_true(fakes3_has(w->x.s3, key_of_text("old")));
	assert_int_equal(fakes3_matching(w->x.s3, "POST", "delete"), 1);
}

static void many_keys_go_by_the_thousand(void **state)
{
	struct world *w = *state;
	unsigned nr = 0;

	leave_garbage(w);
	for (unsigned i = 0; i < 2500; i++) {
		char text[16];

		snprintf(text, sizeof(text), "n%u", i);
		fakes3_put(w->x.s3, key_of_text(text), text, strlen(text));
		nr++;
	}
	fakes3_put(w->x.s3, "pre/fix/files/md5/ab/README", "keep", 4);
	fakes3_put(w->x.s3, "pre/fix/files/md5/ab/.tmp", "keep", 4);
	must(collect(w, NULL, 0, false), &w->e);
	assert_int_equal(got.removed, nr + 2);
	assert_int_equal(got.foreign, 2);
	/* One for the manifest, three for the rest. */
	assert_int_equal(fakes3_matching(w->x.s3, "POST", "delete"), 4);
	assert_true(fakes3_has(w->x.s3, "pre/fix/files/md5/ab/README"));
	must_sync(w, sync_status, (struct sync_options){.deep = true});
	assert_int_equal(w->res.report.items.nr, 0);
}

static void what_is_young_stays(void **state)
{
	struct world *w = *state;

	leave_garbage(w);
	/* fakes3's objects are of 2013. */
	must(collect(w, NULL, INT64_C(100) * 365 * 86400 * 1000000000 / 2, false), &w->e);
	assert_int_equal(got.removed, 0);
	assert_int_equal(got.kept_young, 2);
	assert_true(fakes3_has(w->x.s3, key_of_text("old")));
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_a_named_project_reaches_stays),
		T(manifests_go_before_members),
		T(a_key_that_is_locked_is_told_and_holds_the_members),
		T(many_keys_go_by_the_thousand),
		T(what_is_young_stays),
	};
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	report_release(&got.report);
	return r;
}
