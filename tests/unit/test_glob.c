#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>

#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/vec.h"
#include "store/fmt/glob.h"

/* One group of tests/golden/data/ignore-*.tsv: ignore files and their verdicts. */
struct group {
	VEC_OF(struct rules {
		char *dir;
		struct glob_list list;
	})
	files;
	struct strvec rows; /* "IGNORED\tKIND\tWHERE\tPATH" */
	char *tree;
	bool refused; /* compiling failed */
};

static char *unescape(struct slice s)
{
	struct buf b = {0};

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '\\' && i + 1 < s.n) {
			c = s.p[++i];
			c = c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c;
		}
		buf_addc(&b, c);
	}
	return buf_detach(&b);
}

static void end_group(struct group *g)
{
	for (size_t i = 0; i < g->files.nr; i++) {
		glob_list_release(&g->files.v[i].list);
		free(g->files.v[i].dir);
	}
	vec_release(&g->files);
	strvec_release(&g->rows);
	free(g->tree);
	*g = (struct group){0};
}

static const struct glob_rule *walk(const struct group *g, const char *path, bool is_dir,
				    const char **dir);

/* DVC does not read an ignore file that the ones above hide. */
static void drop_hidden_files(struct group *g)
{
	struct group above = {0};

	for (size_t i = 0; i < g->files.nr; i++) {
		char name[300];
		const char *dir = "";
		const struct glob_rule *r;

		snprintf(name, sizeof(name), "%s%s.dvcignore", g->files.v[i].dir,
			 g->files.v[i].dir[0] ? "/" : "");
		above.files.v = g->files.v;
		above.files.nr = i;
		r = walk(&above, name, false, &dir);
		if (r && !r->is_negated)
			g->files.v[i].list.nr = 0;
	}
}

/* The verdict on one path alone: the deepest file with a matching rule. */
static const struct glob_rule *verdict(const struct group *g, const char *path,
				       bool is_dir, const char **dir)
{
	const struct glob_rule *best = NULL;
	size_t depth = 0;

	for (size_t i = 0; i < g->files.nr; i++) {
		const char *d = g->files.v[i].dir;
		size_t n = strlen(d);
		const struct glob_rule *r;
		struct slice rel = slice_of(path);

		if (n && (strncmp(path, d, n) != 0 || path[n] != '/'))
			continue;
		if (n) {
			rel.p += n + 1;
			rel.n -= n + 1;
		}
		r = glob_list_match(&g->files.v[i].list, rel, is_dir);
		if (r && (!best || n >= depth)) {
			best = r;
			depth = n;
			*dir = d;
		}
	}
	return best;
}

/* Git asks top down: a path below an ignored directory is ignored by its rule. */
static const struct glob_rule *walk(const struct group *g, const char *path, bool is_dir,
				    const char **dir)
{
	for (const char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
		char *parent = strndup(path, (size_t)(p - path));
		const struct glob_rule *r = verdict(g, parent, true, dir);

		free(parent);
		if (r && !r->is_negated)
			return r;
	}
	return verdict(g, path, is_dir, dir);
}

static int check_path(const struct group *g, const char *path, bool is_dir,
		      const char *row, bool lines)
{
	const char *dir = "";
	const struct glob_rule *r = walk(g, path, is_dir, &dir);
	bool ignored = r && !r->is_negated, want = row && row[0] == '1';
	char where[600] = "-";

	if (r)
		snprintf(where, sizeof(where), "%s:%u", dir, r->line);
	if (ignored == want && (!row || !lines || strstr(row, where)) &&
	    (row || !r || !lines))
		return 0;
	print_error("%s (%c): %s at %s, want %s\n", path, is_dir ? 'd' : 'f',
		    ignored ? "ignored" : "not ignored", where, row ? row : "no row");
	for (size_t i = 0; i < g->files.nr; i++) {
		for (size_t k = 0; k < g->files.v[i].list.nr; k++)
			print_error("    %s: %s\n", g->files.v[i].dir,
				    g->files.v[i].list.v[k].text);
	}
	return 1;
}

static int check_group(const struct group *g, struct slice paths, bool lines)
{
	int bad = 0;

	while (paths.n) {
		struct slice line = slice_cut(&paths, '\n'),
			     tree = slice_cut(&line, '\t'), kind = slice_cut(&line, '\t');
		const char *row = NULL;
		char *path, *raw;

		if (!g->tree || !slice_is(tree, g->tree))
			continue;
		path = unescape(line);
		raw = strndup(line.p, line.n);
		for (size_t i = 0; i < g->rows.nr && !row; i++) {
			const char *last = strrchr(g->rows.v[i], '\t');

			if (strcmp(last + 1, raw) == 0)
				row = g->rows.v[i];
		}
		bad += check_path(g, path, slice_is(kind, "d"), row, lines);
		free(path);
		free(raw);
	}
	return bad;
}

static int check_file(const char *file, enum glob_dialect dialect)
{
	struct buf paths = {0}, text = {0};
	struct group g = {0};
	struct slice rest;
	int bad = 0, groups = 0;
	bool want_error = false;

	assert_int_equal(fs_read(AT_FDCWD, "tests/golden/data/ignore-paths.tsv", 1 << 20,
				 &paths, NULL),
			 0);
	assert_int_equal(fs_read(AT_FDCWD, file, 16 << 20, &text, NULL), 0);
	rest = buf_slice(&text);
	for (;;) {
		struct slice line = rest.n ? slice_cut(&rest, '\n') : (struct slice){0};
		struct slice body = line, tag = slice_cut(&body, '\t');

		if (line.n == 0) {
			groups += g.tree != NULL;
			if (want_error != g.refused) {
				print_error("%s\n", want_error ? "accepted" : "refused");
				bad++;
			} else if (!want_error) {
				if (dialect == GLOB_DVC)
					drop_hidden_files(&g);
				bad += check_group(&g, buf_slice(&paths),
						   dialect == GLOB_GIT);
			}
			end_group(&g);
			want_error = false;
			if (rest.n == 0)
				break;
		} else if (slice_is(tag, "T")) {
			g.tree = strndup(body.p, body.n);
		} else if (slice_is(tag, "F")) {
			struct rules r = {0};
			char *content;

			r.dir = unescape(slice_cut(&body, '\t'));
			content = unescape(body);
			g.refused |= glob_compile(&r.list, slice_of(content), dialect,
						  "f", NULL) < 0;
			free(content);
			vec_push(&g.files, r);
		} else if (slice_is(tag, "E")) {
			want_error = true;
		} else {
			strvec_take(&g.rows, strndup(line.p, line.n));
		}
	}
	buf_release(&paths);
	buf_release(&text);
	assert_true(groups > 100);
	return bad;
}

static void gits_verdicts_are_reproduced(void **state)
{
	(void)state;
	assert_int_equal(check_file("tests/golden/data/ignore-git.tsv", GLOB_GIT), 0);
}

static void dvcs_verdicts_are_reproduced(void **state)
{
	(void)state;
	assert_int_equal(check_file("tests/golden/data/ignore-dvc.tsv", GLOB_DVC), 0);
}

static void hostile_patterns_cost_no_more_than_their_product(void **state)
{
	struct buf p = {0}, s = {0};
	struct glob_list l = {0};

	(void)state;
	for (int i = 0; i < 200; i++) {
		buf_adds(&p, "**/a*");
		buf_adds(&s, "aaaaaaaaaa/");
		if (i < 199)
			buf_adds(&p, "/");
	}
	buf_adds(&p, "b");
	buf_adds(&s, "a");
	assert_int_equal(glob_compile(&l, buf_slice(&p), GLOB_GIT, NULL, NULL), 0);
	assert_false(glob_rule_match(&l.v[0], buf_slice(&s), false));
	glob_list_release(&l);
	buf_reset(&p);
	buf_reset(&s);
	for (int i = 0; i < 1000; i++)
		buf_adds(&p, "*a");
	buf_adds(&p, "b");
	buf_fill(&s, 'a', 5000);
	assert_int_equal(glob_compile(&l, buf_slice(&p), GLOB_GIT, NULL, NULL), 0);
	assert_false(glob_rule_match(&l.v[0], buf_slice(&s), false));
	assert_false(glob_fnmatch(buf_slice(&p), buf_slice(&s)));
	glob_list_release(&l);
	buf_release(&p);
	buf_release(&s);
}

static void shell_wildcards_match_as_python_globs_do(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool match;
	} rows[] = {
		{"*", "a", true},
		{"*", ".a", false},
		{".*", ".a", true},
		{"*", "a/b", false},
		{"*/b", "a/b", true},
		{"a?c", "abc", true},
		{"a?c", "a/c", false},
		{"[ab]", "b", true},
		{"[!ab]", "b", false},
		{"[!ab]", "c", true},
		{"[", "[", true},
		{"**", "a/b/c", true},
		{"**", "a/.b/c", false},
		{"**/c", "c", true},
		{"**/c", "a/b/c", true},
		{"**/c", "a/.b/c", false},
		{"a/**/c", "a/c", true},
		{"a/**/c", "a/x/y/c", true},
		{"a/**", "a", false},
		{"a/**", "a/b", true},
		{"**/*.csv", "d/e.csv", true},
		{"**/*.csv", "d/.e.csv", false},
		{"a*b*c", "aXbYbc", true},
		{"", "a", false},
		{"?", "\xc3\xa9", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (glob_match(slice_of(rows[i].pattern), slice_of(rows[i].path)) !=
		    rows[i].match)
			fail_msg("%s on %s", rows[i].pattern, rows[i].path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gits_verdicts_are_reproduced),
		cmocka_unit_test(dvcs_verdicts_are_reproduced),
		cmocka_unit_test(hostile_patterns_cost_no_more_than_their_product),
		cmocka_unit_test(shell_wildcards_match_as_python_globs_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
