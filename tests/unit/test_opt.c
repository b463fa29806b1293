/* The command line: argparse's habits, which scripts that call DVC rely on. */
#include "cmd/opt.h"
#include "store/base/buf.h"
#include "store/base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct args {
	struct opt_list targets, many, each;
	const char *remote, *remote_url, *untracked, *one;
	int64_t jobs;
	int level, loud;
	bool force, cloud;
};

static const char *const choices[] = {"all", "no", NULL};

static const struct opt opts[] = {
	OPT_STR('r', "remote", struct args, remote, "NAME", "a remote"),
	OPT_STR(0, "remote-url", struct args, remote_url, "URL", "a URL"),
	OPT_INT('j', "jobs", struct args, jobs, "N", "jobs"),
	OPT_BOOL('f', "force", struct args, force, "force"),
	OPT_BOOL('c', "cloud", struct args, cloud, "cloud"),
	OPT_COUNT('l', "loud", struct args, loud, "louder"),
	OPT_CONST(0, "global", struct args, level, 1, 3, "global"),
	OPT_CONST(0, "local", struct args, level, 2, 3, "local"),
	{OPT_FIELD(OPT_KIND_MAYBE, 0, "untracked", struct args, untracked),
	 .value_name = "no|all", .help = "untracked", .choices = choices},
	OPT_MANY('p', "projects", struct args, many, "PATH", "projects"),
	OPT_LIST(0, "rev", struct args, each, "REV", "revisions"),
	OPT_END,
};

static const struct operand any[] = {
	OPERAND(OPERAND_ANY, "targets", struct args, targets, "targets"),
	OPERANDS_END,
};

static const struct operand one_and_some[] = {
	OPERAND(OPERAND_ONE, "one", struct args, one, "one"),
	OPERAND(OPERAND_SOME, "targets", struct args, targets, "targets"),
	OPERANDS_END,
};

enum {
	WORDS_MAX = 16
};

struct run {
	struct args a;
	struct opt_parse p;
	struct err e;
	int r;
};

/* Split a line at spaces; "_" stands for a space within a word. */
static void parse(struct run *run, const struct operand *operands, const char *line)
{
	static char text[256];
	struct opt_set set = {opts, &run->a};
	char *argv[WORDS_MAX], *at = text;
	int argc = 0;

	memset(run, 0, sizeof(*run));
	snprintf(text, sizeof(text), "%s", line);
	while (*at && argc < WORDS_MAX) {
		argv[argc++] = at;
		while (*at && *at != ' ') {
			if (*at == '_')
				*at = ' ';
			at++;
		}
		if (*at)
			*at++ = '\0';
	}
	run->p = (struct opt_parse){.sets = &set,
				    .sets_nr = 1,
				    .operands = operands,
				    .operands_base = &run->a};
	run->r = opt_parse(&run->p, argc, argv, &run->e);
}

static void done(struct run *run)
{
	opt_release(opts, any, &run->a);
}

static void fails(const struct operand *operands, const char *line, const char *story)
{
	struct run run;

	parse(&run, operands, line);
	assert_int_equal(run.r, ERR_INVALID);
	assert_string_equal(run.e.text, story);
	done(&run);
}

static void an_option_takes_its_value_in_every_spelling(void **state)
{
	static const char *const lines[] = {
		"-r x", "-rx", "-r=x", "--remote x", "--remote=x", "-fr x", "-fcrx",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct run run;

		parse(&run, any, lines[i]);
		assert_int_equal(run.r, 0);
		assert_string_equal(run.a.remote, "x");
		assert_int_equal(run.a.targets.nr, 0);
		done(&run);
	}
}

static void a_unique_beginning_is_enough_and_a_whole_name_wins(void **state)
{
	struct run run;

	(void)state;
	parse(&run, any, "--fo --remote-u=u --lou --loud --remote r");
	assert_int_equal(run.r, 0);
	assert_true(run.a.force);
	assert_string_equal(run.a.remote_url, "u");
	assert_string_equal(run.a.remote, "r");
	assert_int_equal(run.a.loud, 2);
	done(&run);
	fails(any, "--re x",
	      "ambiguous option: --re could match --remote, --remote-url, --rev");
}

static void operands_mix_with_options_and_all_follow_a_double_dash(void **state)
{
	struct run run;

	(void)state;
	parse(&run, any, "a -f b -- -c --force --");
	assert_int_equal(run.r, 0);
	assert_true(run.a.force);
	assert_false(run.a.cloud);
	assert_int_equal(run.a.targets.nr, 5);
	assert_string_equal(run.a.targets.v[2], "-c");
	assert_string_equal(run.a.targets.v[4], "--");
	done(&run);
}

static void a_dash_a_negative_number_and_a_text_with_spaces_are_no_options(void **state)
{
	struct run run;

	(void)state;
	parse(&run, any, "- -5 -j -3 -odd_name");
	assert_int_equal(run.r, 0);
	assert_int_equal(run.a.jobs, -3);
	assert_int_equal(run.a.targets.nr, 3);
	assert_string_equal(run.a.targets.v[2], "-odd name");
	done(&run);
}

static void an_optional_value_has_a_default(void **state)
{
	struct run run;

	(void)state;
	parse(&run, any, "--untracked -f");
	assert_string_equal(run.a.untracked, "all");
	done(&run);
	parse(&run, any, "--untracked no");
	assert_string_equal(run.a.untracked, "no");
	assert_int_equal(run.a.targets.nr, 0);
	done(&run);
	parse(&run, any, "--untracked=no t");
	assert_string_equal(run.a.untracked, "no");
	assert_int_equal(run.a.targets.nr, 1);
	done(&run);
	fails(any, "--untracked=some",
	      "argument --untracked: invalid choice: 'some' (choose from 'all', 'no')");
}

static void lists_take_one_or_all_words(void **state)
{
	struct run run;

	(void)state;
	parse(&run, any, "-p a b c -f --rev x --rev=y t");
	assert_int_equal(run.r, 0);
	assert_int_equal(run.a.many.nr, 3);
	assert_int_equal(run.a.each.nr, 2);
	assert_int_equal(run.a.targets.nr, 1);
	done(&run);
}

static void required_operands_are_filled_before_the_rest(void **state)
{
	struct run run;

	(void)state;
	parse(&run, one_and_some, "x y z");
	assert_int_equal(run.r, 0);
	assert_string_equal(run.a.one, "x");
	assert_int_equal(run.a.targets.nr, 2);
	done(&run);
	fails(one_and_some, "x", "the following arguments are required: targets");
	fails(one_and_some, "-f", "the following arguments are required: one, targets");
}

static void wrong_lines_are_told_as_argparse_does(void **state)
{
	(void)state;
	fails(any, "--bogus", "unrecognized arguments: --bogus");
	fails(any, "--forse",
	      "unrecognized arguments: --forse (did you mean '--force'?)");
	fails(any, "-x -y", "unrecognized arguments: -x -y");
	fails(NULL, "stray", "unrecognized arguments: stray");
	fails(any, "-j", "argument -j/--jobs: expected one argument");
	fails(any, "-r -f", "argument -r/--remote: expected one argument");
	fails(any, "-j abc", "argument -j/--jobs: invalid int value: 'abc'");
	fails(any, "-j 99999999999999999999",
	      "argument -j/--jobs: invalid int value: '99999999999999999999'");
	fails(any, "--global --local",
	      "argument --local: not allowed with argument --global");
	fails(any, "--force=1", "argument -f/--force: takes no value");
}

static void the_same_of_a_group_twice_is_no_conflict(void **state)
{
	struct run run;

	(void)state;
	parse(&run, any, "--local --local");
	assert_int_equal(run.r, 0);
	assert_int_equal(run.a.level, 2);
	done(&run);
}

static void help_ends_the_checks(void **state)
{
	struct run run;

	(void)state;
	parse(&run, one_and_some, "--bogus -h");
	assert_int_equal(run.r, 0);
	assert_true(run.p.has_help);
	done(&run);
	parse(&run, one_and_some, "--he");
	assert_true(run.p.has_help);
	done(&run);
}

static void parsing_can_stop_at_the_command(void **state)
{
	char *argv[] = {(char[]){"-f"}, (char[]){"add"}, (char[]){"--weird"}};
	struct args a = {0};
	struct opt_set set = {opts, &a};
	struct opt_parse p = {.sets = &set, .sets_nr = 1, .stop_at_operand = true};

	(void)state;
	assert_int_equal(opt_parse(&p, 3, argv, NULL), 0);
	assert_int_equal(p.used, 1);
	assert_true(a.force);
}

static void a_commands_own_option_wins_over_a_common_one(void **state)
{
	static const struct opt common[] = {
		OPT_COUNT(0, "json", struct args, loud, "one document"),
		OPT_END,
	};
	char *argv[] = {(char[]){"--jo"}, (char[]){"4"}, (char[]){"--js"}};
	struct args a = {0};
	struct opt_set sets[] = {{opts, &a}, {common, &a}};
	struct opt_parse p = {.sets = sets, .sets_nr = 2};

	(void)state;
	assert_int_equal(opt_parse(&p, 3, argv, NULL), 0);
	assert_int_equal(a.jobs, 4);
	assert_int_equal(a.loud, 1);
}

static void usage_shows_what_the_tables_say(void **state)
{
	struct buf b = {0};

	(void)state;
	opt_usage(opts, one_and_some, &b);
	assert_string_equal(buf_str(&b),
			    " [-r NAME] [--remote-url URL] [-j N] [-f] [-c] [-l] "
			    "[--global | --local] [--untracked[=no|all]] [-p PATH...] "
			    "[--rev REV] one targets...");
	buf_reset(&b);
	opt_spell(&opts[0], &b);
	assert_string_equal(buf_str(&b), "-r, --remote NAME");
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_option_takes_its_value_in_every_spelling),
		cmocka_unit_test(a_unique_beginning_is_enough_and_a_whole_name_wins),
		cmocka_unit_test(operands_mix_with_options_and_all_follow_a_double_dash),
		cmocka_unit_test(
			a_dash_a_negative_number_and_a_text_with_spaces_are_no_options),
		cmocka_unit_test(an_optional_value_has_a_default),
		cmocka_unit_test(lists_take_one_or_all_words),
		cmocka_unit_test(required_operands_are_filled_before_the_rest),
		cmocka_unit_test(wrong_lines_are_told_as_argparse_does),
		cmocka_unit_test(the_same_of_a_group_twice_is_no_conflict),
		cmocka_unit_test(help_ends_the_checks),
		cmocka_unit_test(parsing_can_stop_at_the_command),
		cmocka_unit_test(a_commands_own_option_wins_over_a_common_one),
		cmocka_unit_test(usage_shows_what_the_tables_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
