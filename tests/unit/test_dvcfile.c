/* .dvc files: read strictly, written as DVC writes them. */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/meta/dvcfile.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define MD5_A "5d41402abc4b2a76b9719d911017c592"

static struct stage *load(struct stages *s, const char *file, const char *text)
{
	struct stage *st = NULL;
	struct err e = {0};

	if (dvcfile_parse(s, file, slice_of(text), &st, &e) < 0)
		fail_msg("%s", e.text);
	return st;
}

static void refused(const char *text, int code, const char *because)
{
	struct stages s = {0};
	struct err e = {0};
	char line[4200];

	assert_int_equal(dvcfile_parse(&s, "f.dvc", slice_of(text), NULL, &e), code);
	err_format(&e, line, sizeof(line));
	if (!strstr(line, because))
		fail_msg("'%s' has no '%s'", line, because);
	assert_int_equal(s.nr, 0);
	stages_release(&s);
}

/* Text that reads and is written again without a change keeps its bytes. */
static void keeps(const char *text)
{
	struct stages s = {0};
	struct stage *st = load(&s, "f.dvc", text);
	struct buf made = {0}, edited = {0};
	struct err e = {0};

	assert_int_equal(dvcfile_format(st, &made, &e), 0);
	assert_string_equal(buf_str(&made), text);
	assert_int_equal(dvcfile_edit(st, slice_of(text), &edited, &e), 0);
	assert_string_equal(buf_str(&edited), text);
	buf_release(&made);
	buf_release(&edited);
	stages_release(&s);
}

static void a_plain_file_keeps_its_bytes(void **state)
{
	(void)state;
	keeps("outs:\n- md5: " MD5_A "\n  size: 5\n  isexec: true\n  hash: md5\n"
	      "  path: a.txt\n");
	keeps("outs:\n- md5: d751713988987e9331980363e24189ce.dir\n  size: 0\n"
	      "  nfiles: 0\n  hash: md5\n  path: d\n");
	keeps("outs:\n- md5: " MD5_A "\n  size: 5\n  path: legacy\n");
	keeps("desc: what\nwdir: sub\nouts:\n- md5: '12345678901234567890123456789012'\n"
	      "  size: 5\n  hash: md5\n  path: a.txt\n  desc: d\n  type: t\n  labels:\n"
	      "  - x\n  meta:\n    k: 1\n  cache: false\n  persist: true\n"
	      "  remote: r\n  push: false\nalways_changed: true\nmeta:\n  a:\n  - 1\n  - 2\n");
}

static void imports_keep_their_bytes(void **state)
{
	(void)state;
	keeps("md5: bd04489bdadfaf4bccec1adf9d7a27f3\nfrozen: true\ndeps:\n- path: f\n"
	      "  repo:\n    url: ../src13\n    rev: main\n"
	      "    rev_lock: d8f546eecd8b5058deb4bd58ad87f25566f3f649\nouts:\n"
	      "- md5: 8fa14cdd754f91cc6554c9e71929cce7\n  size: 1\n  hash: md5\n"
	      "  path: ff\n");
	keeps("deps:\n- checksum: '\"abc-123\"'\n  size: 5\n  hash: md5\n"
	      "  path: http://host/f.txt\nouts:\n- md5: " MD5_A
	      "\n  size: 5\n  hash: md5\n  path: f\n");
	keeps("deps:\n- etag: " MD5_A "\n  size: 5\n  version_id: 8baf\n  hash: md5\n"
	      "  path: s3://vers/ext/a.txt\n  fs_config:\n    version_aware: true\nouts:\n"
	      "- md5: " MD5_A "\n  size: 5\n  hash: md5\n  path: f\n  push: false\n");
	keeps("outs:\n- hash: md5\n  path: d\n  files:\n  - relpath: a\n    md5: " MD5_A
	      "\n    size: 2\n    cloud:\n      v:\n        etag: " MD5_A
	      "\n        version_id: 1d4d\n");
	keeps("deps:\n- path: f\n  repo:\n    url: u\nouts:\n- hash: md5\n  path: f\n");
}

static void the_stage_checksum_is_dvcs(void **state)
{
	struct stages s = {0};
	struct stage *st = load(
		&s, "ff.dvc",
		"md5: x123\nfrozen: true\ndesc: no part of it\ndeps:\n- path: f\n  repo:\n"
		"    url: ../src13\n    rev: main\n"
		"    rev_lock: 7ff333f5c720b7a02c8dc3aca35101b16374e608\nouts:\n"
		"- md5: 526c99b323b35b0926f1140b1d7d6707\n  size: 4\n  hash: md5\n"
		"  path: ff\n");
	char md5[33];

	(void)state;
	assert_int_equal(dvcfile_stage_md5(st, md5, NULL), 0);
	assert_string_equal(md5, "908ac086410187d3cb62c237dab732f4");
	assert_int_equal(st->kind, STAGE_IMPORT_REPO);
	stages_release(&s);
}

static void an_edit_keeps_comments_and_other_lines(void **state)
{
	static const char old[] = "# mine\nouts:\n- path: a.txt   # here\n  md5: " MD5_A
				  "\n  size: 5\n  hash: md5\n\n# end\n";
	static const char want[] = "# mine\nouts:\n- path: a.txt   # here\n"
				   "  md5: b026324c6904b2a9cb4b88d6d61c81d1\n  size: 2\n"
				   "  hash: md5\n\n# end\n";
	struct stages s = {0};
	struct stage *st = load(&s, "a.txt.dvc", old);
	struct oid oid;
	struct buf b = {0};
	struct err e = {0};

	(void)state;
	assert_true(
		oid_parse(SLICE_LIT("b026324c6904b2a9cb4b88d6d61c81d1"), OID_MD5, &oid));
	pinned_set(&s, &st->outs[0].at, &oid, 2, -1, false);
	assert_int_equal(dvcfile_edit(st, slice_of(old), &b, &e), 0);
	assert_string_equal(buf_str(&b), want);
	buf_release(&b);
	stages_release(&s);
}

static void a_legacy_entry_that_changes_gets_its_hash_name_last(void **state)
{
	static const char old[] = "outs:\n- md5: " MD5_A "\n  size: 5\n  path: f\n";
	struct stages s = {0};
	struct stage *st = load(&s, "f.dvc", old);
	struct oid oid = st->outs[0].at.oid;
	struct buf b = {0};
	struct err e = {0};

	(void)state;
	assert_true(st->outs[0].is_legacy);
	assert_int_equal(oid.algo, OID_LEGACY);
	oid.algo = OID_MD5;
	oid.b[0] ^= 1;
	pinned_set(&s, &st->outs[0].at, &oid, 6, -1, false);
	assert_int_equal(dvcfile_edit(st, slice_of(old), &b, &e), 0);
	assert_string_equal(buf_str(&b),
			    "outs:\n- md5: 5c41402abc4b2a76b9719d911017c592\n"
			    "  size: 6\n  path: f\n  hash: md5\n");
	buf_release(&b);
	stages_release(&s);
}

static void a_broken_schema_is_told_with_its_place(void **state)
{
	(void)state;
	refused("outs:\n- path: f\n  bogus: 1\n", ERR_CORRUPT,
		"extra keys not allowed, in outs -> 0 -> bogus, line 3, column 3");
	refused("outs:\n- path: f\n  size: '5'\n", ERR_CORRUPT, "expected int");
	refused("outs:\n- path: f\n  isexec: 1\n", ERR_CORRUPT, "expected bool");
	refused("outs:\n- path: f\n  md5: ab\n", ERR_CORRUPT,
		"not a valid value, in outs -> 0 -> md5, line 3");
	refused("outs: 5\n", ERR_CORRUPT, "expected a list");
	refused("- a\n", ERR_CORRUPT, "expected a dictionary");
	refused("cmd: x\n", ERR_CORRUPT, "extra keys not allowed, in cmd");
	refused("outs:\n- md5: " MD5_A "\n", ERR_CORRUPT, "path");
	refused("outs:\n- path: f\n  path: g\n", ERR_CORRUPT, "f.dvc");
	refused("<<<<<<< HEAD\nouts: []\n", ERR_CORRUPT, "possible merge conflicts");
	refused("outs: [\n", ERR_CORRUPT, "f.dvc");
	refused("outs:\n- path: \"a\\0b\"\n", ERR_CORRUPT, "NUL");
}

static void paths_that_leave_are_refused(void **state)
{
	static const char *const bad[] = {
		"../x",	      "a/../../x", ".git/config", ".git",
		".dvc/cache", "a/.dvc/b",  ".",		  "sub/.GIT/x",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char *text = xasprintf(
			"outs:\n- md5: " MD5_A "\n  hash: md5\n  path: %s\n", bad[i]);

		refused(text, ERR_INVALID, "f.dvc");
		free(text);
	}
	refused("wdir: ../..\nouts:\n- path: f\n", ERR_INVALID, "outside");
	refused("wdir: .git\nouts:\n- path: f\n", ERR_INVALID, ".git");
	refused("outs:\n- path: x.dvc\n", ERR_INVALID, "cannot be an output");
	refused("outs:\n- path: d\n  files:\n  - relpath: ../../etc/passwd\n    md5: " MD5_A
		"\n",
		ERR_INVALID, "f.dvc");
}

static void an_empty_file_tracks_nothing_and_is_blank(void **state)
{
	static const char *const texts[] = {"", "\n# nothing\n", "outs: []\n", "outs:\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct stages s = {0};

		assert_int_equal(load(&s, "f.dvc", texts[i])->outs_nr, 0);
		assert_int_equal(dvcfile_is_blank(slice_of(texts[i])), i < 2);
		stages_release(&s);
	}
}

static void odd_hashes_are_kept_and_name_no_object(void **state)
{
	struct stages s = {0};
	struct stage *st = load(&s, "f.dvc",
				"outs:\n- md5: 5D41402ABC4B2A76B9719D911017C592\n"
				"  hash: md5\n  path: f\n- md5: 123456\n  path: g\n"
				"- md5:\n  path: h\n");

	(void)state;
	assert_true(out_has_hash(&st->outs[0]));
	assert_false(oid_known(&st->outs[0].at.oid));
	assert_string_equal(st->outs[1].at.hash_text, "123456");
	assert_false(out_has_hash(&st->outs[2]));
	stages_release(&s);
}

static void a_new_file_is_dvcs_and_saving_twice_writes_once(void **state)
{
	char dir[] = "/tmp/lode-dvcfile-XXXXXX";
	struct stages s = {0};
	struct stage *st;
	struct oid oid;
	struct buf b = {0};
	bool changed = false;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fs_mkdirs(fd, "sub", 0, NULL), 0);
	st = stages_new_data(&s, "sub/a b.txt");
	assert_true(oid_parse(SLICE_LIT(MD5_A), OID_MD5, &oid));
	pinned_set(&s, &st->outs[0].at, &oid, 5, -1, false);
	assert_int_equal(dvcfile_save(&s, st, fd, FS_SYNC_NONE, &changed, NULL), 0);
	assert_true(changed);
	assert_int_equal(fs_read(fd, "sub/a b.txt.dvc", 0, &b, NULL), 0);
	assert_string_equal(buf_str(&b), "outs:\n- md5: " MD5_A
					 "\n  size: 5\n  hash: md5\n  path: a b.txt\n");
	assert_int_equal(dvcfile_save(&s, st, fd, FS_SYNC_NONE, &changed, NULL), 0);
	assert_false(changed);
	buf_release(&b);
	stages_release(&s);
	close(fd);
	assert_int_equal(fs_remove_tree(AT_FDCWD, dir, NULL), 0);
}

static void a_clone_may_be_changed_without_its_original(void **state)
{
	struct stages s = {0}, t = {0};
	struct stage *st = load(&s, "f.dvc",
				"outs:\n- md5: " MD5_A
				"\n  hash: md5\n  path: f\n  labels:\n  - a\n  meta:\n"
				"    k: v\n");
	struct stage *c = stages_clone(&t, st);
	struct buf a = {0}, b = {0};

	(void)state;
	pinned_clear(&c->outs[0].at);
	(void)stage_add_out(&t, c, "g");
	assert_true(out_has_hash(&st->outs[0]));
	assert_int_equal(st->outs_nr, 1);
	stages_release(&s); /* nothing of the clone lies there */
	assert_int_equal(dvcfile_format(c, &a, NULL), 0);
	assert_string_equal(buf_str(&a),
			    "outs:\n- hash: md5\n  path: f\n  labels:\n  - a\n  meta:\n"
			    "    k: v\n- hash: md5\n  path: g\n");
	buf_release(&a);
	buf_release(&b);
	stages_release(&t);
}

static void outs_are_found_by_path(void **state)
{
	struct stages s = {0};
	size_t first;

	(void)state;
	(void)load(&s, "x.dvc",
		   "outs:\n- path: a\n- path: a-b\n- path: b/c\n- path: b/d\n");
	stages_index(&s);
	assert_string_equal(stages_out_covering(&s, "a/x/y")->at.path, "a");
	assert_null(stages_out_covering(&s, "b"));
	assert_null(stages_out_at(&s, "a/x"));
	assert_int_equal(stages_outs_below(&s, "b", &first), 2);
	assert_string_equal(s.outs[first]->at.path, "b/c");
	assert_int_equal(stages_outs_below(&s, "a", &first), 0);
	assert_int_equal(stages_outs_below(&s, "", &first), 4);
	assert_int_equal(stages_check_outs(&s, NULL), 0);
	stages_release(&s);
}

static void duplicates_and_overlaps_are_told_in_dvcs_words(void **state)
{
	struct stages s = {0};
	struct err e = {0};
	char line[4200];

	(void)state;
	(void)load(&s, "f.dvc", "outs:\n- path: f\n");
	(void)load(&s, "g.dvc", "outs:\n- path: f\n");
	stages_index(&s);
	assert_int_equal(stages_check_outs(&s, &e), ERR_INVALID);
	err_format(&e, line, sizeof(line));
	assert_string_equal(line,
			    "output 'f' is specified in:\n\t- f.dvc\n\t- g.dvc\nUse "
			    "`lode remove` with any of the above targets to stop "
			    "tracking the overlapping output.");
	stages_release(&s);
	(void)load(&s, "f.dvc", "outs:\n- path: d\n");
	(void)load(&s, "g.dvc", "outs:\n- path: d/x\n");
	stages_index(&s);
	assert_int_equal(stages_check_outs(&s, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "overlap and are thus in the same tracked"));
	stages_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_file_keeps_its_bytes),
		cmocka_unit_test(imports_keep_their_bytes),
		cmocka_unit_test(the_stage_checksum_is_dvcs),
		cmocka_unit_test(an_edit_keeps_comments_and_other_lines),
		cmocka_unit_test(a_legacy_entry_that_changes_gets_its_hash_name_last),
		cmocka_unit_test(a_broken_schema_is_told_with_its_place),
		cmocka_unit_test(paths_that_leave_are_refused),
		cmocka_unit_test(an_empty_file_tracks_nothing_and_is_blank),
		cmocka_unit_test(odd_hashes_are_kept_and_name_no_object),
		cmocka_unit_test(a_new_file_is_dvcs_and_saving_twice_writes_once),
		cmocka_unit_test(a_clone_may_be_changed_without_its_original),
		cmocka_unit_test(outs_are_found_by_path),
		cmocka_unit_test(duplicates_and_overlaps_are_told_in_dvcs_words),
	};

	return cmocka_run_group_tests_name("dvcfile", tests, NULL, NULL);
}
