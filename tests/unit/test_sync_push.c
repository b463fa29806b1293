/* push and status -c against a server that may lie. */
#include "tests/unit/sync_fixture.h"

static void one_file(struct world *w)
{
	put(w->f, "a", "one");
	add(w->f, "a");
}

static void a_directory(struct world *w)
{
	put(w->f, "d/a", "one");
	put(w->f, "d/b", "two");
	add(w->f, "d");
}

static void what_was_pushed_is_not_asked_for_again_within_the_hour(void **state)
{
	struct world *w = *state;

	a_directory(w);
	must_sync(w, sync_push, (struct sync_options){0});
	assert_int_equal(w->res.moved, 3);
	fakes3_clear(w->x.s3);
	must_sync(w, sync_push, (struct sync_options){0});
	assert_int_equal(w->res.moved, 0);
	assert_true(w->res.confirmed_ns > 0);
	assert_int_equal(fakes3_requests(w->x.s3), 0);
	must_sync(w, sync_push, (struct sync_options){.refresh = true});
	assert_int_equal(w->res.confirmed_ns, 0);
	assert_true(fakes3_requests(w->x.s3) > 0);
}

static void verify_reads_back_every_byte(void **state)
{
	struct world *w = *state;

	a_directory(w);
	must_sync(w, sync_push, (struct sync_options){.verify = true});
	assert_int_equal(w->res.moved, 3);
	assert_true(fakes3_matching(w->x.s3, "GET", "files/md5/") >= 3);
}

static void verify_finds_other_bytes_of_the_same_size(void **state)
{
	struct world *w = *state;

	one_file(w);
	fakes3_rule(w->x.s3, (struct fakes3_rule){.method = "GET",
						  .has = "files/md5/",
						  .what = FAKES3_FLIP});
	assert_int_equal(do_sync(w, sync_push, (struct sync_options){.verify = true}),
			 ERR_PARTIAL);
	assert_string_equal(told(w, "a"), "failed");
	assert_int_equal(w->res.moved, 0);
	assert_int_equal(w->res.failed, 1);
	/* Nothing of it is on record. */
	fakes3_clear(w->x.s3);
	must_sync(w, sync_push, (struct sync_options){0});
	assert_true(fakes3_requests(w->x.s3) > 0);
}

static void verify_finds_that_an_accepted_object_is_not_there(void **state)
{
	struct world *w = *state;

	one_file(w);
	fakes3_rule(w->x.s3, (struct fakes3_rule){.method = "GET",
						  .has = "files/md5/",
						  .what = FAKES3_STATUS,
						  .status = 404,
						  .code = "NoSuchKey"});
	assert_int_equal(do_sync(w, sync_push, (struct sync_options){.verify = true}),
			 ERR_PARTIAL);
	assert_string_equal(told(w, "a"), "failed");
	assert_non_null(strstr(w->res.report.errors.v[0].message, "does not have"));
}

static void verify_of_a_large_object_goes_through_a_temporary(void **state)
{
	struct world *w = *state;
	char *p = fix_bytes(700000, 3);
	struct err e = {0};

	must(fs_write(w->f->fd, "a", (struct slice){p, 700000}, 0644, FS_SYNC_NONE, &e),
	     &e);
	free(p);
	add(w->f, "a");
	must_sync(w, sync_push, (struct sync_options){.verify = true});
	sh(w->f, "! ls -A .dvc/tmp/lode | grep '[.]tmp$'");
}

static void status_tells_nothing_when_all_is_there(void **state)
{
	struct world *w = *state;

	a_directory(w);
	must_sync(w, sync_push, (struct sync_options){0});
	must_sync(w, sync_status, (struct sync_options){.deep = true});
	assert_int_equal(w->res.report.items.nr, 0);
}

static void deep_status_tells_a_manifest_that_promises_too_much(void **state)
{
	struct world *w = *state;

	a_directory(w);
	must_sync(w, sync_push, (struct sync_options){0});
	fakes3_remove(w->x.s3, key_of_text("one"));
	must_sync(w, sync_status, (struct sync_options){0});
	assert_string_equal(told(w, "d/a"), "new");
	assert_string_equal(told(w, "d"), "");
	must_sync(w, sync_status, (struct sync_options){.deep = true});
	assert_string_equal(told(w, "d/a"), "new");
	assert_string_equal(told(w, "d"), "incomplete");
	forget(w);
	must_sync(w, sync_status, (struct sync_options){.deep = true});
	assert_string_equal(told(w, "d/a"), "missing");
	assert_string_equal(told(w, "d/b"), "deleted");
}

static void deep_status_tells_another_size_and_a_wrong_manifest(void **state)
{
	struct world *w = *state;

	a_directory(w);
	must_sync(w, sync_push, (struct sync_options){0});
	fakes3_put(w->x.s3, key_of_text("two"), "twoo", 4);
	fakes3_put(w->x.s3, key_of_oid(recorded(w->f, "d.dvc")), "[]", 2);
	must_sync(w, sync_status, (struct sync_options){0});
	assert_int_equal(w->res.report.items.nr, 0);
	must_sync(w, sync_status, (struct sync_options){.deep = true});
	assert_string_equal(told(w, "d/b"), "damaged");
	assert_string_equal(told(w, "d"), "damaged");
	assert_string_equal(told(w, "d/a"), "");
}

static void a_manifest_waits_for_a_member_that_failed(void **state)
{
	struct world *w = *state;
	const char *has = strstr(key_of_text("two"), "files");

	a_directory(w);
	fakes3_rule(w->x.s3, (struct fakes3_rule){.method = "PUT",
						  .has = has,
						  .what = FAKES3_STATUS,
						  .status = 403,
						  .code = "InvalidObjectState"});
	assert_true(do_sync(w, sync_push, (struct sync_options){0}) < 0);
	assert_false(fakes3_has(w->x.s3, key_of_oid(recorded(w->f, "d.dvc"))));
	fakes3_clear(w->x.s3);
	must_sync(w, sync_push, (struct sync_options){0});
	assert_true(fakes3_has(w->x.s3, key_of_oid(recorded(w->f, "d.dvc"))));
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_was_pushed_is_not_asked_for_again_within_the_hour),
		T(verify_reads_back_every_byte),
		T(verify_finds_other_bytes_of_the_same_size),
		T(verify_finds_that_an_accepted_object_is_not_there),
		T(verify_of_a_large_object_goes_through_a_temporary),
		T(status_tells_nothing_when_all_is_there),
		T(deep_status_tells_a_manifest_that_promises_too_much),
		T(deep_status_tells_another_size_and_a_wrong_manifest),
		T(a_manifest_waits_for_a_member_that_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
