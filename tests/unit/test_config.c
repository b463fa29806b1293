/* Configuration: levels, schema, and files rewritten as DVC rewrites them. */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/meta/config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* The environment is read once a process: all tests share these two. */
static char world[] = "/tmp/lode-config-XXXXXX";

struct fixture {
	char *root, *dvc;
	int fd;
	struct config_edit ed;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->root = xasprintf("%s/repo-XXXXXX", world);
	assert_non_null(mkdtemp(f->root));
	f->dvc = xasprintf("%s/.dvc", f->root);
	assert_int_equal(fs_mkdirs(AT_FDCWD, f->dvc, 0, NULL), 0);
	f->fd = open(f->dvc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->ed = (struct config_edit){f->dvc, CONFIG_REPO, f->root};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char *global = xasprintf("%s/global", world);

	close(f->fd);
	IGNORE_RESULT(fs_remove_tree(AT_FDCWD, f->root, NULL) < 0);
	IGNORE_RESULT(fs_remove_tree(AT_FDCWD, global, NULL) < 0);
	free(global);
	free(f->root);
	free(f->dvc);
	free(f);
	return 0;
}

static void put(struct fixture *f, const char *name, const char *text)
{
	assert_int_equal(fs_write(f->fd, name, slice_of(text), 0666, FS_SYNC_NONE, NULL),
			 0);
}

static void is_file(struct fixture *f, const char *name, const char *want)
{
	struct buf b = {0};

	assert_int_equal(fs_read(f->fd, name, 0, &b, NULL), 0);
	assert_string_equal(buf_str(&b), want);
	buf_release(&b);
}

static struct config *load(struct fixture *f)
{
	struct config *c = NULL;
	struct err e = {0};

	if (config_load(&c, f->dvc, &e) < 0)
		fail_msg("%s", e.text);
	return c;
}

static void invalid(struct fixture *f, const char *text, const char *because)
{
	struct config *c;
	struct err e = {0};

	put(f, "config", text);
	c = load(f);
	assert_int_equal(config_validate(c, NULL, &e), ERR_CONFIG);
	if (!strstr(e.text, because) || !strstr(e.text, ".dvc/config"))
		fail_msg("'%s' has no '%s'", e.text, because);
	config_free(c);
}

static void later_levels_win_and_tell_where_they_are(void **state)
{
	struct fixture *f = *state;
	struct config_value v;
	struct config *c;
	bool b;

	put(f, "config",
	    "[core]\n    remote = One\n    autostage = True\n"
	    "['remote \"one\"']\n    url = s3://b/x\n");
	put(f, "config.local", "[core]\n    remote = two\n");
	c = load(f);
	assert_true(config_get(c, "core", "remote", &v));
	assert_string_equal(v.text, "two");
	assert_int_equal(v.level, CONFIG_LOCAL);
	assert_int_equal(v.line, 2);
	assert_true(v.trusted);
	assert_true(config_get_at(c, CONFIG_REPO, "core", "remote", &v));
	assert_string_equal(v.text, "One");
	assert_string_equal(v.lower, "one");
	assert_false(v.trusted);
	assert_int_equal(config_bool(c, "core", "autostage", false, &b, NULL), 0);
	assert_true(b);
	assert_false(config_get(c, "core", "no_scm", NULL));
	assert_int_equal(config_validate(c, NULL, NULL), 0);
	config_free(c);
}

static void paths_are_resolved_against_their_file(void **state)
{
	struct fixture *f = *state;
	struct config *c;
	char *dir, *want = xasprintf("%s/cc", f->root);

	put(f, "config", "[cache]\n    dir = ../cc\n");
	c = load(f);
	dir = config_path(c, "cache", "dir");
	assert_string_equal(dir, want);
	assert_null(config_path(c, "cache", "nope"));
	free(dir);
	free(want);
	config_free(c);
}

static void the_schema_is_dvcs(void **state)
{
	struct fixture *f = *state;

	invalid(f, "[core]\nbogus = 1\n",
		"extra keys not allowed @ data['core']['bogus']");
	invalid(f, "[nope]\na = 1\n", "extra keys not allowed @ data['nope']");
	invalid(f, "x = 1\n", "extra keys not allowed @ data['x']");
	invalid(f, "[core]\nautostage = yes\n",
		"expected true or false for dictionary value @ data['core']['autostage']");
	invalid(f, "[core]\nchecksum_jobs = 0\n", "value must be at least 1 for dict");
	invalid(f, "[core]\nchecksum_jobs = x\n", "expected int for dictionary value");
	invalid(f, "[cache]\nshared = all\n", "expected one of group for dictionary");
	invalid(f, "[cache]\ntype = \"copy,foo\"\n",
		"Unsupported cache type(s): foo for");
	invalid(f, "['remote \"gg\"']\nurl = foo://x/y\n",
		"Unsupported URL type foo:// for dictionary value @ data['remote']['gg']");
	invalid(f, "['remote \"gg\"']\njobs = 1\n",
		"expected 'url' for dictionary value @ data['remote']['gg']");
	invalid(f, "['remote \"gg\"']\nurl = /x\nregion = r\n",
		"extra keys not allowed @ data['remote']['gg']['region']");
	invalid(f, "['remote \"gg\"']\nurl = s3://b\ncache_regions = true\n",
		"expected bool");
}

static void unknown_features_only_warn(void **state)
{
	struct fixture *f = *state;
	struct strvec warnings = {0};
	struct config *c;

	put(f, "config", "[feature]\nxyz = 1\nmachine = true\n");
	c = load(f);
	assert_int_equal(config_validate(c, &warnings, NULL), 0);
	assert_int_equal(warnings.nr, 1);
	assert_string_equal(warnings.v[0], "'feature.xyz' config option is unsupported");
	strvec_release(&warnings);
	config_free(c);
}

static void what_cannot_be_read_names_file_and_line(void **state)
{
	struct fixture *f = *state;
	static const char *const bad[] = {
		"[core]\nnonsense\n",
		"[core]\na = 1\na = 2\n",
		"[core]\na = %(b)s\n",
		"[core]\na = %(a)s\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct config *c = NULL;
		struct err e = {0};

		put(f, "config", bad[i]);
		assert_int_equal(config_load(&c, f->dvc, &e), ERR_CONFIG);
		assert_non_null(strstr(e.text, ".dvc/config"));
		assert_non_null(strstr(e.text, "line "));
		assert_null(c);
	}
}

static void a_remote_inherits_from_the_one_it_refers_to(void **state)
{
	struct fixture *f = *state;
	struct config_remote r = {0};
	struct config *c;
	struct err e = {0};

	put(f, "config",
	    "['remote \"base\"']\n    url = s3://bucket/x\n    region = eu\n"
	    "    profile = p\n['remote \"top\"']\n    url = remote://Base/sub\n"
	    "    profile = q\n['remote \"loop\"']\n    url = remote://loop/x\n");
	put(f, "config.local", "['remote \"base\"']\n    secret_access_key = s\n");
	c = load(f);
	assert_int_equal(config_remote_open(c, "TOP", &r, &e), 0);
	assert_string_equal(r.url, "s3://bucket/x/sub");
	assert_string_equal(config_remote_get(&r, "profile"), "q");
	assert_string_equal(config_remote_get(&r, "region"), "eu");
	assert_string_equal(config_remote_get(&r, "url"), "s3://bucket/x/sub");
	assert_true(config_remote_trusted(&r, "secret_access_key"));
	assert_false(config_remote_trusted(&r, "profile"));
	assert_null(config_remote_get(&r, "nope"));
	config_remote_release(&r);
	assert_int_equal(config_remote_open(c, "loop", &r, &e), ERR_CONFIG);
	assert_int_equal(config_remote_open(c, "nope", &r, &e), ERR_CONFIG);
	assert_string_equal(e.text, "config file error: remote 'nope' doesn't exist");
	assert_int_equal(config_remote_open(c, NULL, &r, &e), ERR_CONFIG);
	assert_non_null(strstr(e.text, "no remote specified"));
	config_free(c);
}

static void urls_have_the_schemes_that_dvc_sees(void **state)
{
	static const char *const pairs[][2] = {
		{"s3://b/x", "s3"},	    {"S3://b", "s3"},
		{"/abs", "local"},	    {"rel/x", "local"},
		{"x:foo", "local"},	    {"file:///x", "local"},
		{"s3:///x", "local"},	    {"https://h/x", "https"},
		{"remote://r/x", "remote"}, {"webdavs://h", "webdavs"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		assert_string_equal(config_url_scheme(pairs[i][0]), pairs[i][1]);
	assert_null(config_url_scheme("foo://h/x"));
}

static void edits_write_the_file_as_dvc_does(void **state)
{
	struct fixture *f = *state;

	put(f, "config", "# gone\n[Cache]\n  DIR = ./x/../y   # too\n\n");
	assert_int_equal(config_remote_add(&f->ed, "Storage", "s3://bucket/dvc", false,
					   true, NULL),
			 0);
	is_file(f, "config",
		"[cache]\n    dir = y\n[core]\n    remote = storage\n"
		"['remote \"storage\"']\n    url = s3://bucket/dvc\n");
	assert_int_equal(config_set(&f->ed, "core", "autostage", "True", NULL), 0);
	assert_int_equal(config_remote_add(&f->ed, "x", "y", false, false, NULL), 0);
	assert_int_equal(
		config_remote_modify(&f->ed, "storage", "profile", "a\"b,c", NULL), 0);
	is_file(f, "config",
		"[cache]\n    dir = y\n[core]\n    remote = storage\n    autostage = True\n"
		"['remote \"storage\"']\n    url = s3://bucket/dvc\n    profile = 'a\"b,c'\n"
		"['remote \"x\"']\n    url = ../y\n");
	assert_int_equal(config_unset(&f->ed, "core", "autostage", false, NULL), 0);
	assert_int_equal(config_unset(&f->ed, "cache", "dir", false, NULL), 0);
	assert_int_equal(config_remote_rename(&f->ed, "storage", "s", NULL), 0);
	is_file(f, "config",
		"[core]\n    remote = s\n['remote \"x\"']\n    url = ../y\n"
		"['remote \"s\"']\n    url = s3://bucket/dvc\n"
		"    profile = 'a\"b,c'\n");
	assert_int_equal(config_remote_remove(&f->ed, "s", NULL), 0);
	is_file(f, "config", "['remote \"x\"']\n    url = ../y\n");
	assert_int_equal(config_remote_remove(&f->ed, "x", NULL), 0);
	is_file(f, "config", "\n");
}

static void what_lies_below_a_renamed_remote_follows(void **state)
{
	struct fixture *f = *state;

	put(f, "config",
	    "['remote \"y\"']\n    url = /data\n['remote \"x\"']\n    url = "
	    "remote://Y/sub\n['remote \"z\"']\n    url = remote://yy\n");
	assert_int_equal(config_remote_rename(&f->ed, "y", "new", NULL), 0);
	is_file(f, "config",
		"['remote \"x\"']\n    url = remote://new/sub\n['remote \"z\"']\n    "
		"url = remote://yy\n['remote \"new\"']\n    url = /data\n");
}

static void an_edit_that_breaks_the_schema_writes_nothing(void **state)
{
	struct fixture *f = *state;
	struct config_edit local = f->ed;
	struct err e = {0};

	put(f, "config", "['remote \"x\"']\n    url = /data # kept\n");
	local.level = CONFIG_LOCAL;
	assert_int_equal(config_remote_modify(&local, "x", "user", "u", &e), ERR_CONFIG);
	assert_non_null(strstr(e.text, "data['remote']['x']['user']"));
	assert_false(fs_exists(f->fd, "config.local"));
	assert_int_equal(config_set(&f->ed, "core", "bogus", "1", &e), ERR_CONFIG);
	is_file(f, "config", "['remote \"x\"']\n    url = /data # kept\n");
	assert_int_equal(config_remote_add(&f->ed, "X", "/y", false, false, &e),
			 ERR_CONFIG);
	assert_int_equal(config_remote_modify(&f->ed, "nope", "jobs", "1", &e),
			 ERR_CONFIG);
	assert_int_equal(config_remote_default(&f->ed, "nope", &e), ERR_CONFIG);
	assert_int_equal(config_unset(&f->ed, "core", "remote", false, &e), ERR_CONFIG);
	assert_string_equal(e.text, "config file error: option 'remote' doesn't exist in "
				    "section 'core'");
}

static void our_own_keys_live_in_files_of_ours(void **state)
{
	struct fixture *f = *state;
	struct config_edit local = f->ed;
	struct config *c;
	int64_t n;

	put(f, "config", "");
	put(f, ".gitignore", "/config.local\n/tmp\n/cache\n");
	local.level = CONFIG_LOCAL;
	assert_int_equal(config_set(&f->ed, "lode", "sync", "object", NULL), 0);
	assert_int_equal(config_set(&local, "lode", "gc_grace", "2d", NULL), 0);
	is_file(f, "config", "");
	is_file(f, "lode.config", "[lode]\n    sync = object\n");
	is_file(f, "lode.config.local", "[lode]\n    gc_grace = 2d\n");
	is_file(f, ".gitignore", "/config.local\n/tmp\n/cache\n/lode.config.local\n");
	assert_int_equal(config_set(&f->ed, "lode", "sync", "maybe", NULL), ERR_CONFIG);
	c = load(f);
	assert_int_equal(config_validate(c, NULL, NULL), 0);
	assert_string_equal(config_str(c, "lode", "sync", "batch"), "object");
	assert_int_equal(config_seconds(c, "lode", "gc_grace", 0, &n, NULL), 0);
	assert_int_equal(n, 2 * 86400);
	config_free(c);
}

static void listings_put_remotes_first_and_flag_secrets(void **state)
{
	struct fixture *f = *state;
	struct config_item *v;
	struct config *c;

	put(f, "config",
	    "[core]\n    remote = x\n['remote \"x\"']\n    url = s3://b\n"
	    "    secret_access_key = k\n");
	c = load(f);
	assert_int_equal(config_items(c, CONFIG_ANY, &v), 3);
	assert_string_equal(v[0].section, "remote.x");
	assert_string_equal(v[0].key, "url");
	assert_false(v[0].secret);
	assert_true(v[1].secret);
	assert_string_equal(v[2].section, "core");
	free(v);
	config_free(c);
}

static void names_are_split_as_the_command_takes_them(void **state)
{
	char *section, *key;

	(void)state;
	assert_true(config_split_name("Core.Remote", &section, &key));
	assert_string_equal(section, "core");
	assert_string_equal(key, "remote");
	free(section);
	free(key);
	assert_true(config_split_name("remote.My.url", &section, &key));
	assert_string_equal(section, "remote.my");
	assert_string_equal(key, "url");
	free(section);
	free(key);
	assert_false(config_split_name("core", &section, &key));
	assert_false(config_split_name("a.b.c", &section, &key));
	assert_false(config_split_name("remote.a.b.c", &section, &key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(later_levels_win_and_tell_where_they_are),
		T(paths_are_resolved_against_their_file),
		T(the_schema_is_dvcs),
		T(unknown_features_only_warn),
		T(what_cannot_be_read_names_file_and_line),
		T(a_remote_inherits_from_the_one_it_refers_to),
		T(urls_have_the_schemes_that_dvc_sees),
		T(edits_write_the_file_as_dvc_does),
		T(what_lies_below_a_renamed_remote_follows),
		T(an_edit_that_breaks_the_schema_writes_nothing),
		T(our_own_keys_live_in_files_of_ours),
		T(listings_put_remotes_first_and_flag_secrets),
		T(names_are_split_as_the_command_takes_them),
	};
	char *global, *system;
	int r;

	if (!mkdtemp(world))
		return 1;
	global = xasprintf("%s/global", world);
	system = xasprintf("%s/system", world);
	setenv("DVC_GLOBAL_CONFIG_DIR", global, 1);
	setenv("DVC_SYSTEM_CONFIG_DIR", system, 1);
	setenv("HOME", world, 1);
	r = cmocka_run_group_tests_name("config", tests, NULL, NULL);
	IGNORE_RESULT(fs_remove_tree(AT_FDCWD, world, NULL) < 0);
	free(global);
	free(system);
	return r;
}
