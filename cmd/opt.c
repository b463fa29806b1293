#include "cmd/opt.h"

#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/parse.h"
#include "store/base/slice.h"
#include "store/base/text.h"
#include "store/base/vec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	GROUPS_MAX = 16
};

struct state {
	struct opt_parse *p;
	int argc;
	char *const *argv;
	int i;					/* the next argument */
	const struct opt *in_group[GROUPS_MAX]; /* the first given of each group */
	struct opt_list words;			/* operands */
	struct opt_list unknown;
};

/* An option as it was found, with the struct its field is in. */
struct match {
	const struct opt *o;
	void *base;
};

void opt_list_release(struct opt_list *list)
{
	/* The words are argv's; the vector alone is ours. */
	free((void *)list->v);
	*list = (struct opt_list){0};
}

static void list_push(struct opt_list *list, const char *word)
{
	if (list->nr == list->cap)
		list->v = vec_grow((void *)list->v, &list->cap, list->nr + 1,
				   sizeof(*list->v));
	list->v[list->nr++] = word;
}

static void *field(void *base, size_t at)
{
	return (char *)base + at;
}

void opt_release(const struct opt *opts, const struct operand *operands, void *base)
{
	for (; opts && opts->kind != OPT_KIND_END; opts++)
		if (opts->kind == OPT_KIND_LIST || opts->kind == OPT_KIND_MANY)
			opt_list_release(field(base, opts->at));
	for (; operands && operands->kind != OPERAND_END; operands++)
		if (operands->kind == OPERAND_SOME || operands->kind == OPERAND_ANY)
			opt_list_release(field(base, operands->at));
}

bool opt_takes_value(const struct opt *o)
{
	return o->kind >= OPT_KIND_INT;
}

/* "-j/--jobs", as argparse names an option in its messages. */
static void spell_both(const struct opt *o, struct buf *out)
{
	if (o->letter)
		buf_addf(out, "-%c%s", o->letter, o->name ? "/" : "");
	if (o->name)
		buf_addf(out, "--%s", o->name);
}

static int complain(const struct opt *o, struct err *e, const char *text)
{
	struct buf b = {0};
	int r;

	spell_both(o, &b);
	r = err_set(e, ERR_INVALID, "argument %s: %s", buf_str(&b), text);
	buf_release(&b);
	return r;
}

static int check_choice(const struct opt *o, const char *value, struct err *e)
{
	struct buf b = {0};
	int r;

	if (!o->choices)
		return 0;
	buf_addf(&b, "invalid choice: '%s' (choose from ", value);
	for (size_t i = 0; o->choices[i]; i++) {
		if (strcmp(o->choices[i], value) == 0) {
			buf_release(&b);
			return 0;
		}
		buf_addf(&b, "%s'%s'", i ? ", " : "", o->choices[i]);
	}
	buf_addc(&b, ')');
	r = complain(o, e, buf_str(&b));
	buf_release(&b);
	return r;
}

static int note_group(struct state *s, const struct opt *o, struct err *e)
{
	const struct opt *other;
	struct buf b = {0};
	int r;

	if (o->group <= 0 || o->group >= GROUPS_MAX)
		return 0;
	other = s->in_group[o->group];
	if (!other || other == o) {
		s->in_group[o->group] = o;
		return 0;
	}
	s->p->is_exit2 = (o->flags & OPT_EXIT2) != 0;
	buf_adds(&b, "not allowed with argument ");
	spell_both(other, &b);
	r = complain(o, e, buf_str(&b));
	buf_release(&b);
	return r;
}

static int store_int(const struct match *m, const char *value, struct err *e)
{
	struct buf b = {0};
	int r = 0;

	if (!parse_i64(slice_of(value), field(m->base, m->o->at))) {
		buf_addf(&b, "invalid int value: '%s'", value);
		r = complain(m->o, e, buf_str(&b));
	}
	buf_release(&b);
	return r;
}

static void store_flag(const struct match *m)
{
	void *at = field(m->base, m->o->at);

	if (m->o->kind == OPT_KIND_BOOL)
		*(bool *)at = true;
	else if (m->o->kind == OPT_KIND_CONST)
		*(int *)at = m->o->value;
	else
		(*(int *)at)++;
}

static int store_value(const struct match *m, const char *value, struct err *e)
{
	void *at = field(m->base, m->o->at);
	int r;

	if ((r = check_choice(m->o, value, e)) < 0)
		return r;
	switch (m->o->kind) {
	case OPT_KIND_INT:
		return store_int(m, value, e);
	case OPT_KIND_LIST:
	case OPT_KIND_MANY:
		list_push(at, value);
		return 0;
	default:
		*(const char **)at = value;
		return 0;
	}
}

static bool is_negative_number(const char *word)
{
	double v;

	return word[1] != '\0' && strchr("0123456789.", word[1]) != NULL &&
	       parse_double(slice_of(word), &v);
}

/* A lone dash, a negative number and a text with spaces are values, as in argparse. */
static bool looks_like_option(const char *word)
{
	return word[0] == '-' && word[1] != '\0' && !is_negative_number(word) &&
	       !strchr(word, ' ');
}

static bool next_is_value(const struct state *s)
{
	return s->i < s->argc && !looks_like_option(s->argv[s->i]);
}

/* The value of an option: attached to it, or the words that follow. */
static int take_value(struct state *s, const struct match *m, const char *attached,
		      struct err *e)
{
	int r;

	if (attached)
		return store_value(m, attached, e);
	if (m->o->kind == OPT_KIND_MAYBE) {
		if (next_is_value(s))
			return store_value(m, s->argv[s->i++], e);
		return store_value(m, m->o->choices[0], e);
	}
	if (m->o->kind == OPT_KIND_MANY) {
		while (next_is_value(s))
			if ((r = store_value(m, s->argv[s->i++], e)) < 0)
				return r;
		return 0;
	}
	if (!next_is_value(s))
		return complain(m->o, e, "expected one argument");
	return store_value(m, s->argv[s->i++], e);
}

static bool find_letter(const struct state *s, char letter, struct match *out)
{
	for (size_t i = 0; i < s->p->sets_nr; i++) {
		const struct opt *o = s->p->sets[i].opts;

		for (; o && o->kind != OPT_KIND_END; o++)
			if (o->letter == letter) {
				*out = (struct match){o, s->p->sets[i].base};
				return true;
			}
	}
	return false;
}

/*
 * Find a long option by its name or a unique beginning of it. 1 found, 0 not,
 * or the error for an ambiguous one. A beginning that is unique among a
 * command's own options means that one, whatever the common ones are called:
 * DVC's commands take "--jo 4".
 */
static int find_name(const struct state *s, struct slice name, struct match *out,
		     struct err *e)
{
	struct buf b = {0};
	size_t found = 0, own = 0;
	int r;

	for (size_t i = 0; i < s->p->sets_nr; i++) {
		const struct opt *o = s->p->sets[i].opts;

		if (i == 1)
			own = found;

		for (; o && o->kind != OPT_KIND_END; o++) {
			if (!o->name || strncmp(o->name, name.p, name.n) != 0)
				continue;
			if (found == 0 || strlen(o->name) == name.n)
				*out = (struct match){o, s->p->sets[i].base};
			if (strlen(o->name) == name.n) {
				buf_release(&b);
				return 1;
			}
			buf_addf(&b, "%s--%s", found ? ", " : "", o->name);
			found++;
		}
	}
	r = found == 1 || own == 1 ? 1 : 0;
	if (r == 0 && found > 1)
		r = err_set(e, ERR_INVALID, "ambiguous option: --%.*s could match %s",
			    SLICE_FMT(name), buf_str(&b));
	buf_release(&b);
	return r;
}

static int take_long(struct state *s, const char *word, struct err *e)
{
	struct slice rest = slice_of(word + 2), name = slice_cut(&rest, '=');
	const char *attached = rest.p;
	struct match m;
	int r;

	if (name.n > 0 && strncmp("help", name.p, name.n) == 0 && !attached) {
		/* Everything that begins like help but is not another option. */
		r = find_name(s, name, &m, NULL);
		if (r == 0) {
			s->p->has_help = true;
			return 0;
		}
	}
	if ((r = find_name(s, name, &m, e)) < 0)
		return r;
	if (r == 0) {
		list_push(&s->unknown, word);
		return 0;
	}
	if ((r = note_group(s, m.o, e)) < 0)
		return r;
	if (opt_takes_value(m.o))
		return take_value(s, &m, attached, e);
	if (attached)
		return complain(m.o, e, "takes no value");
	store_flag(&m);
	return 0;
}

static int take_cluster(struct state *s, const char *word, struct err *e)
{
	struct match m;
	int r;

	for (const char *c = word + 1; *c; c++) {
		if (*c == 'h' && !find_letter(s, 'h', &m)) {
			s->p->has_help = true;
			return 0;
		}
		if (!find_letter(s, *c, &m)) {
			list_push(&s->unknown, word);
			return 0;
		}
		if ((r = note_group(s, m.o, e)) < 0)
			return r;
		if (opt_takes_value(m.o)) {
			const char *attached = c[1] == '=' ? c + 2 : c + 1;

			return take_value(s, &m, c[1] ? attached : NULL, e);
		}
		store_flag(&m);
	}
	return 0;
}

/* Give the words to the operands: each gets what it needs, the first of several
 * kinds that may take more gets the rest. */
static int place_words(struct state *s, struct err *e)
{
	const struct operand *op = s->p->operands;
	struct buf missing = {0};
	size_t need = 0, at = 0;
	int r = 0;

	for (; op && op->kind != OPERAND_END; op++)
		need += op->kind == OPERAND_ONE || op->kind == OPERAND_SOME;
	for (op = s->p->operands; op && op->kind != OPERAND_END; op++) {
		void *f = field(s->p->operands_base, op->at);
		size_t left = s->words.nr - at;
		bool required = op->kind == OPERAND_ONE || op->kind == OPERAND_SOME;
		size_t spare;

		need -= required;
		spare = left > need ? left - need : 0;
		/* The first that lacks words is not the one that is told of. */
		if (required && spare == 0 && left > 0)
			spare = 1;
		if (required && spare == 0) {
			buf_addf(&missing, "%s%s", missing.n ? ", " : "", op->name);
			continue;
		}
		if (op->kind == OPERAND_SOME || op->kind == OPERAND_ANY)
			while (spare-- > 0)
				list_push(f, s->words.v[at++]);
		else if (spare > 0)
			*(const char **)f = s->words.v[at++];
	}
	if (missing.n)
		r = err_set(e, ERR_INVALID, "the following arguments are required: %s",
			    buf_str(&missing));
	for (; at < s->words.nr; at++)
		list_push(&s->unknown, s->words.v[at]);
	buf_release(&missing);
	return r;
}

static const char *suggestion(const struct state *s, const char *word)
{
	struct slice rest = slice_of(word + 2), name = slice_cut(&rest, '=');
	struct strvec names = {0};
	const char *found, *result = NULL;
	struct buf b = {0};

	for (size_t i = 0; i < s->p->sets_nr; i++)
		for (const struct opt *o = s->p->sets[i].opts; o && o->kind; o++)
			if (o->name && !(o->flags & OPT_HIDDEN))
				strvec_push(&names, o->name);
	vec_push(&names, NULL);
	buf_addslice(&b, name);
	found = text_nearest(buf_str(&b), (const char *const *)names.v);
	for (size_t i = 0; found && i < s->p->sets_nr; i++)
		for (const struct opt *o = s->p->sets[i].opts; o && o->kind; o++)
			if (o->name && strcmp(o->name, found) == 0)
				result = o->name;
	names.nr--;
	strvec_release(&names);
	buf_release(&b);
	return result;
}

static int complain_unknown(const struct state *s, struct err *e)
{
	const char *near = NULL;
	struct buf b = {0};
	int r;

	for (size_t i = 0; i < s->unknown.nr; i++) {
		buf_addf(&b, " %s", s->unknown.v[i]);
		if (!near && strncmp(s->unknown.v[i], "--", 2) == 0)
			near = suggestion(s, s->unknown.v[i]);
	}
	if (near)
		buf_addf(&b, " (did you mean '--%s'?)", near);
	r = err_set(e, ERR_INVALID, "unrecognized arguments:%s", buf_str(&b));
	buf_release(&b);
	return r;
}

static int parse_words(struct state *s, struct err *e)
{
	bool only_operands = false;
	int r;

	while (s->i < s->argc && !s->p->has_help) {
		const char *word = s->argv[s->i];

		if (only_operands || !looks_like_option(word)) {
			if (s->p->stop_at_operand)
				return 0;
			list_push(&s->words, word);
			s->i++;
			continue;
		}
		s->i++;
		if (strcmp(word, "--") == 0) {
			only_operands = true;
			s->p->dashes = (int)s->words.nr;
		} else if ((r = word[1] == '-' ? take_long(s, word, e)
					       : take_cluster(s, word, e)) < 0)
			return r;
	}
	return 0;
}

int opt_parse(struct opt_parse *p, int argc, char *const *argv, struct err *e)
{
	struct state s = {.p = p, .argc = argc, .argv = argv};
	int r;

	p->is_exit2 = p->has_help = false;
	p->dashes = -1;
	r = parse_words(&s, e);
	p->used = s.i;
	if (r == 0 && !p->has_help) {
		if (!p->stop_at_operand)
			r = place_words(&s, e);
		if (r == 0 && s.unknown.nr > 0)
			r = complain_unknown(&s, e);
	}
	opt_list_release(&s.words);
	opt_list_release(&s.unknown);
	return r;
}

void opt_spell(const struct opt *o, struct buf *out)
{
	struct buf value = {0};

	if (o->kind == OPT_KIND_MAYBE) {
		buf_addf(&value, "[=%s]", o->value_name);
	} else if (opt_takes_value(o)) {
		buf_addf(&value, " %s", o->value_name);
		if (o->kind == OPT_KIND_MANY)
			buf_adds(&value, "...");
	}
	if (o->letter)
		buf_addf(out, "-%c%s", o->letter, o->name ? ", " : buf_str(&value));
	if (o->name)
		buf_addf(out, "--%s%s", o->name, buf_str(&value));
	buf_release(&value);
}

static void usage_opt(const struct opt *o, struct buf *out)
{
	if (o->letter)
		buf_addf(out, "-%c", o->letter);
	else
		buf_addf(out, "--%s", o->name);
	if (o->kind == OPT_KIND_MAYBE)
		buf_addf(out, "[=%s]", o->value_name);
	else if (opt_takes_value(o))
		buf_addf(out, " %s%s", o->value_name,
			 o->kind == OPT_KIND_MANY ? "..." : "");
}

void opt_usage(const struct opt *opts, const struct operand *operands, struct buf *out)
{
	static const char *const shape[] = {
		[OPERAND_ONE] = " %s",
		[OPERAND_OPT] = " [%s]",
		[OPERAND_SOME] = " %s...",
		[OPERAND_ANY] = " [%s...]",
	};
	int group = 0;

	for (; opts && opts->kind != OPT_KIND_END; opts++) {
		if (opts->flags & OPT_HIDDEN)
			continue;
		if (group && opts->group == group) {
			buf_adds(out, " | ");
		} else {
			buf_adds(out, group ? "] [" : " [");
		}
		usage_opt(opts, out);
		group = opts->group;
		if (!group)
			buf_addc(out, ']');
	}
	if (group)
		buf_addc(out, ']');
	for (; operands && operands->kind != OPERAND_END; operands++) {
		const char *s = shape[operands->kind];

		/* The shape is a constant of the table above. */
		for (; *s; s++) {
			if (s[0] == '%' && s[1] == 's') {
				buf_adds(out, operands->name);
				s++;
			} else {
				buf_addc(out, *s);
			}
		}
	}
}
