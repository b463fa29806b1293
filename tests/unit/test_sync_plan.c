/* Which objects targets name, for which remote, and what a manifest needs. */
#include "tests/unit/repo_fixture.h"

#include "remote/sync/plan.h"
#include "store/meta/collect.h"
#include "store/odb/manifest.h"

static struct oid oid_of(uint8_t n, bool is_dir)
{
	return (struct oid){.b = {n}, .algo = OID_MD5, .is_dir = is_dir};
}

static void three_members(struct manifest *m)
{
	struct oid a = oid_of(1, false), b = oid_of(2, false);

	manifest_add(m, "s/x", &a, 5);
	manifest_add(m, "s/y", &b, -1);
	manifest_add(m, "z", &a, 5);
	manifest_sort(m);
}

static void each_digest_is_one_object_and_every_membership_counts(void **state)
{
	struct plan p = {0};
	struct manifest m = {0};
	struct plan_root root = {.oid = oid_of(9, true), .name = "d"};
	struct err e = {0};
	size_t group;

	(void)state;
	three_members(&m);
	must(plan_expand(&p, &root, &m, &group, &e), &e);
	assert_int_equal(group, 0);
	assert_int_equal(p.objects.nr, 3); /* two files and the manifest */
	assert_int_equal(p.groups.v[0].nr, 3);
	assert_int_equal(p.members.v[0], p.members.v[2]);
	assert_string_equal(p.objects.v[0].name, "d/s/x");
	assert_int_equal(p.objects.v[0].x.bytes, 5);
	assert_true(p.objects.v[p.groups.v[0].manifest].x.oid.is_dir);
	for (size_t i = 0; i < p.objects.nr; i++)
		assert_true(p.objects.v[i].wanted);
	manifest_release(&m);
	plan_release(&p);
}

static void a_path_inside_makes_only_its_members_wanted(void **state)
{
	struct plan p = {0};
	struct manifest m = {0};
	struct plan_root root = {.oid = oid_of(9, true), .name = "d", .inside = "s/y"};
	struct err e = {0};
	size_t group, wanted = 0;

	(void)state;
	three_members(&m);
	must(plan_expand(&p, &root, &m, &group, &e), &e);
	assert_int_equal(p.groups.v[0].nr, 3);
	for (size_t i = 0; i < p.objects.nr; i++)
		wanted += p.objects.v[i].wanted && !p.objects.v[i].x.oid.is_dir;
	assert_int_equal(wanted, 1);
	root.inside = "s/";
	root.inside = "nowhere";
	assert_int_equal(plan_expand(&p, &root, &m, &group, &e), ERR_NOTFOUND);
	manifest_release(&m);
	plan_release(&p);
}

static void a_prefix_of_a_name_is_not_inside(void **state)
{
	struct plan_root root = {.inside = "s"};

	(void)state;
	assert_true(plan_covers(&root, "s"));
	assert_true(plan_covers(&root, "s/x"));
	assert_false(plan_covers(&root, "sx"));
	root.inside = NULL;
	assert_true(plan_covers(&root, "sx"));
}

static void a_file_has_no_group(void **state)
{
	struct plan p = {0};
	struct plan_root root = {.oid = oid_of(9, false), .name = "f", .bytes = 12};
	size_t group;

	(void)state;
	must(plan_expand(&p, &root, NULL, &group, NULL), &(struct err){0});
	assert_int_equal(group, MAP_NONE);
	assert_int_equal(p.objects.nr, 1);
	assert_int_equal(p.objects.v[0].x.bytes, 12);
	plan_release(&p);
}

struct planned {
	struct collection c;
	struct targets t;
	struct plans ps;
};

static void plan(struct fixture *f, enum plan_kind kind, const char *remote,
		 const char *fallback, struct planned *out)
{
	struct repo_request q = {0};
	struct err e = {0};

	*out = (struct planned){0};
	must(repo_collect_targets(f->repo, &q, &out->c, &out->t, &e), &e);
	plans_add(&out->ps, kind, remote, fallback, &out->t);
}

static void unplan(struct planned *pl)
{
	plans_release(&pl->ps);
	targets_release(&pl->t);
	collection_release(&pl->c);
}

static size_t roots_of(const struct planned *pl, const char *remote)
{
	for (size_t i = 0; i < pl->ps.plans.nr; i++)
		if (strcmp(pl->ps.plans.v[i].remote, remote) == 0)
			return pl->ps.plans.v[i].roots.nr;
	return 0;
}

#define MD5 "acbd18db4cc2f85cedef654fccc4a4d8"

static void outputs_go_where_they_are_bound(void **state)
{
	struct fixture *f = *state;
	struct planned pl;

	put(f, "a.dvc", "outs:\n- md5: " MD5 "\n  path: a\n");
	put(f, "b.dvc", "outs:\n- md5: " MD5 "\n  path: b\n  remote: other\n");
	put(f, "c.dvc", "outs:\n- md5: " MD5 "\n  path: c\n  push: false\n");
	put(f, "d.dvc", "outs:\n- md5: " MD5 "\n  path: d\n  cache: false\n");
	put(f, "n.dvc", "outs:\n- path: n\n");
	plan(f, PLAN_PUSH, NULL, "main", &pl);
	assert_int_equal(roots_of(&pl, "main"), 1);
	assert_int_equal(roots_of(&pl, "other"), 1);
	assert_int_equal(pl.ps.warnings.nr, 1);
	unplan(&pl);
	plan(f, PLAN_FETCH, NULL, "main", &pl);
	assert_int_equal(roots_of(&pl, "main"), 2);
	unplan(&pl);
	plan(f, PLAN_PUSH, "third", "main", &pl);
	assert_int_equal(roots_of(&pl, "third"), 1);
	assert_int_equal(roots_of(&pl, "other"), 0);
	unplan(&pl);
	plan(f, PLAN_PUSH, NULL, NULL, &pl);
	assert_int_equal(roots_of(&pl, ""), 1);
	unplan(&pl);
}

static void the_same_root_in_many_trees_is_one(void **state)
{
	struct fixture *f = *state;
	struct planned pl;

	put(f, "a.dvc", "outs:\n- md5: " MD5 "\n  path: a\n");
	plan(f, PLAN_PUSH, NULL, "main", &pl);
	plans_add(&pl.ps, PLAN_PUSH, NULL, "main", &pl.t);
	plans_add(&pl.ps, PLAN_PUSH, NULL, "main", &pl.t);
	assert_int_equal(roots_of(&pl, "main"), 1);
	unplan(&pl);
}

static void a_hash_that_no_object_can_have_is_refused_by_name(void **state)
{
	struct fixture *f = *state;
	struct planned pl;

	put(f, "a.dvc", "outs:\n- md5: nonsense\n  path: a\n");
	plan(f, PLAN_PUSH, NULL, "main", &pl);
	assert_int_equal(pl.ps.refused.nr, 1);
	assert_string_equal(pl.ps.refused.v[0], "a");
	assert_int_equal(roots_of(&pl, "main"), 0);
	unplan(&pl);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_digest_is_one_object_and_every_membership_counts),
		cmocka_unit_test(a_path_inside_makes_only_its_members_wanted),
		cmocka_unit_test(a_prefix_of_a_name_is_not_inside),
		cmocka_unit_test(a_file_has_no_group),
		T(outputs_go_where_they_are_bound),
		T(the_same_root_in_many_trees_is_one),
		T(a_hash_that_no_object_can_have_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
