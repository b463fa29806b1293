/* Editing YAML in place: the difference of two trees as splices of the text. */
#include "store/fmt/yaml.h"

#include <stdlib.h>

#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/vec.h"
#include "store/fmt/value.h"
#include "store/fmt/yaml_scalar.h"

/* Replace [begin, end) by text. seq keeps insertions at one place in order. */
struct edit {
	size_t begin, end, seq;
	struct slice text;
};

struct update {
	struct buf src; /* without BOM and CR, with a newline at its end */
	struct arena arena;
	VEC_OF(struct edit) edits;
	bool impossible; /* what a splice cannot say */
};

static bool is_seq(const struct value *v)
{
	return v->kind == VALUE_LIST || v->kind == VALUE_TUPLE || v->kind == VALUE_SET;
}

/* As value_same, but the order of keys is free and any sequence is a list. */
static bool alike(const struct value *a, const struct value *b)
{
	if (is_seq(a) && is_seq(b)) {
		if (a->nr != b->nr)
			return false;
		for (size_t i = 0; i < a->nr; i++) {
			if (!alike(a->items[i], b->items[i]))
				return false;
		}
		return true;
	}
	if (a->kind == VALUE_MAP && b->kind == VALUE_MAP) {
		if (a->nr != b->nr)
			return false;
		for (size_t i = 0; i < a->nr; i++) {
			const struct value_pair *p = value_find(b, a->pairs[i].key);

			if (!p || !alike(a->pairs[i].key, p->key) ||
			    !alike(a->pairs[i].value, p->value))
				return false;
		}
		return true;
	}
	if (a->kind == VALUE_BYTES || b->kind == VALUE_BYTES)
		return slice_eq(a->text, b->text);
	return value_same(a, b);
}

static void edit(struct update *u, size_t begin, size_t end, const struct buf *text)
{
	struct edit ed = {.begin = begin, .end = end, .seq = u->edits.nr};

	ed.text.p = arena_strndup(&u->arena, buf_str(text), text->n);
	ed.text.n = text->n;
	vec_push(&u->edits, ed);
}

/* ---- places in the text -------------------------------------------------- */

static size_t line_begin(const struct update *u, size_t at)
{
	while (at > 0 && u->src.p[at - 1] != '\n')
		at--;
	return at;
}

/* Behind the newline of the line that a node ending at `at` ends in. A block
 * scalar ends there already; the blank lines behind it are not its own. */
static size_t line_after(const struct update *u, size_t at)
{
	if (at > 0 && u->src.p[at - 1] == '\n') {
		while (at > 1 && u->src.p[at - 2] == '\n')
			at--;
		return at;
	}
	while (at < u->src.n && u->src.p[at] != '\n')
		at++;
	return MIN_OF(at + 1, u->src.n);
}

static bool first_in_line(const struct update *u, size_t at)
{
	while (at > 0 && u->src.p[at - 1] == ' ')
		at--;
	return at == 0 || u->src.p[at - 1] == '\n';
}

static unsigned column_of(const struct update *u, size_t at)
{
	return (unsigned)(at - line_begin(u, at));
}

/* Behind the colon of a key that ends at `at`. */
static bool colon_end(const struct update *u, size_t at, size_t *out)
{
	while (at < u->src.n && (u->src.p[at] == ' ' || u->src.p[at] == '\n'))
		at++;
	if (at >= u->src.n || u->src.p[at] != ':')
		return false;
	*out = at + 1;
	return true;
}

/* The dash of an item that begins at `at`. */
static bool dash_of(const struct update *u, size_t at, size_t *out)
{
	while (at > 0 && (u->src.p[at - 1] == ' ' || u->src.p[at - 1] == '\n'))
		at--;
	if (at == 0 || u->src.p[at - 1] != '-')
		return false;
	*out = at - 1;
	return true;
}

/* ---- replacing a node ---------------------------------------------------- */

/* What follows ":" or "-" for a value, without the final newline. */
static void render(struct buf *out, const struct value *v, unsigned parent, bool in_list,
		   unsigned column)
{
	struct yamlw w;

	yamlw_init(&w, out);
	w.depth = 1;
	w.frame[0] = (struct yamlw_frame){
		.column = parent, .is_map = !in_list, .is_open = true};
	w.after_key = true;
	w.after_dash = in_list;
	w.column = column;
	yamlw_value(&w, v);
	if (out->n && out->p[out->n - 1] == '\n')
		buf_cut(out, out->n - 1);
}

static bool is_scalar(const struct value *v)
{
	return v->kind != VALUE_MAP && !is_seq(v);
}

/* Where a value stands: behind the colon or dash that ends at `lead`. */
struct place {
	bool is_flow, in_list, is_root;
	unsigned parent; /* column of the map's keys or the list's dashes */
	size_t lead;
	bool has_lead;
};

static size_t node_end(const struct update *u, const struct value *v)
{
	size_t end = v->span.end;

	/* A block scalar has eaten its newline. */
	while (end > v->span.begin && u->src.p[end - 1] == '\n')
		end--;
	return end;
}

static void replace_flow(struct update *u, const struct value *old,
			 const struct value *want)
{
	struct buf text = {0};
	size_t at = old->span.begin;

	if (old->span.begin == old->span.end) /* "{a: }" or "{a}" */
		buf_adds(&text, at > 0 && u->src.p[at - 1] == ':' ? " " : ": ");
	yaml_flow_write(&text, want);
	edit(u, at, old->span.end, &text);
	buf_release(&text);
}

static void replace(struct update *u, const struct value *old, const struct value *want,
		    const struct place *at)
{
	struct buf text = {0};
	size_t begin = at->lead;

	if (at->is_flow) {
		replace_flow(u, old, want);
		return;
	}
	if (at->is_root) {
		yaml_write(want, &text);
		buf_cut(&text, text.n - 1);
		edit(u, old->span.begin, node_end(u, old), &text);
	} else if (!at->has_lead) {
		u->impossible = true;
	} else {
		render(&text, want, at->parent, at->in_list, column_of(u, at->lead));
		/* The spaces behind a colon are the user's. */
		if (is_scalar(old) && is_scalar(want) && want->kind != VALUE_NULL &&
		    old->span.end > old->span.begin) {
			size_t p = at->lead;

			while (u->src.p[p] == ' ')
				p++;
			if (p == old->span.begin && p > begin) {
				begin = p;
				buf_splice(&text, 0, 1, "", 0);
			}
		}
		edit(u, begin, MAX_OF(node_end(u, old), begin), &text);
	}
	buf_release(&text);
}

/* ---- maps ---------------------------------------------------------------- */

static void diff(struct update *u, const struct value *old, const struct value *want,
		 const struct place *at);

/* How pairs of old and want meet. */
struct tally {
	size_t own, kept, added;
	bool lost; /* an inherited key is not wanted */
};

static struct tally count(const struct value *old, const struct value *want)
{
	struct tally t = {0};

	for (size_t i = 0; i < old->nr; i++) {
		const struct value_pair *p = value_find(want, old->pairs[i].key);

		if (old->pairs[i].key->is_alias) {
			t.lost |= !p;
			continue;
		}
		t.own++;
		t.kept += p != NULL;
	}
	for (size_t i = 0; i < want->nr; i++) {
		const struct value_pair *p = value_find(old, want->pairs[i].key);

		t.added += !p ||
			   (p->key->is_alias && !alike(p->value, want->pairs[i].value));
	}
	return t;
}

/* Returns up to where the text is gone: keys before that need no edit. */
static size_t delete_pair(struct update *u, const struct value *old,
			  const struct value *want, size_t i)
{
	const struct value_pair *p = &old->pairs[i];
	size_t begin = p->key->span.begin, end = line_after(u, p->value->span.end);
	const struct buf none = {0};

	if (first_in_line(u, begin)) {
		edit(u, line_begin(u, begin), end, &none);
		return end;
	}
	/* Behind a dash: the next key that stays comes up to its place. */
	for (size_t k = 0; k < old->nr; k++) {
		const struct value *next = old->pairs[k].key;

		if (!next->is_alias && next->span.begin >= end &&
		    value_find(want, next)) {
			edit(u, begin, next->span.begin, &none);
			return next->span.begin;
		}
	}
	u->impossible = true;
	return end;
}

static void added_pairs(const struct value *old, const struct value *want,
			struct arena *a, struct value *out)
{
	for (size_t i = 0; i < want->nr; i++) {
		const struct value_pair *p = value_find(old, want->pairs[i].key);

		if (!p || (p->key->is_alias && !alike(p->value, want->pairs[i].value)))
			value_set_pair(a, out, want->pairs[i].key, want->pairs[i].value);
	}
}

static void append_pairs(struct update *u, const struct value *old,
			 const struct value *want, unsigned column)
{
	struct value *added = value_map(&u->arena);
	struct buf text = {0};
	size_t at = old->span.end;

	added_pairs(old, want, &u->arena, added);
	if (old->style == VALUE_STYLE_FLOW) {
		yaml_flow_write(&text, added);
		buf_cut(&text, text.n - 1);
		buf_splice(&text, 0, 1, old->nr ? ", " : "", old->nr ? 2 : 0);
		at--;
		while (at > 0 && (u->src.p[at - 1] == ' ' || u->src.p[at - 1] == '\n'))
			at--;
	} else {
		struct yamlw w;

		yamlw_init(&w, &text);
		w.base = column;
		yamlw_value(&w, added);
		at = line_after(u, at);
	}
	edit(u, at, at, &text);
	buf_release(&text);
}

static void diff_map(struct update *u, const struct value *old, const struct value *want,
		     const struct place *at)
{
	bool flow = old->style == VALUE_STYLE_FLOW;
	struct tally t = count(old, want);
	struct place p = {.is_flow = flow, .has_lead = true};
	size_t gone = 0;

	if (old->nr == 0 && want->nr == 0)
		return;
	if (flow && (t.lost || t.kept < t.own)) {
		replace_flow(u, old, want);
		return;
	}
	if (t.lost || t.own == 0 || t.kept == 0 || want->nr == 0) {
		replace(u, old, want, at);
		return;
	}
	p.parent = column_of(u, old->span.begin);
	for (size_t i = 0; i < old->nr; i++) {
		const struct value_pair *mine = &old->pairs[i];
		const struct value_pair *to = value_find(want, mine->key);

		if (mine->key->is_alias)
			continue;
		if (!to) {
			if (mine->key->span.begin >= gone)
				gone = delete_pair(u, old, want, i);
			continue;
		}
		p.has_lead = colon_end(u, mine->key->span.end, &p.lead);
		diff(u, mine->value, to->value, &p);
	}
	if (t.added)
		append_pairs(u, old, want, p.parent);
}

/* ---- lists --------------------------------------------------------------- */

static void delete_item(struct update *u, const struct value *item)
{
	const struct buf none = {0};
	size_t dash;

	if (!dash_of(u, item->span.begin, &dash) || !first_in_line(u, dash))
		u->impossible = true;
	else
		edit(u, line_begin(u, dash), line_after(u, item->span.end), &none);
}

static void insert_items(struct update *u, const struct value *old,
			 const struct value *want, size_t at, size_t from, size_t n,
			 unsigned column)
{
	struct value *added = value_list(&u->arena);
	struct buf text = {0};
	struct yamlw w;
	size_t where, dash;

	for (size_t i = from; i < from + n; i++)
		value_add(&u->arena, added, want->items[i]);
	yamlw_init(&w, &text);
	w.base = column;
	yamlw_value(&w, added);
	if (at > 0) {
		where = line_after(u, old->items[at - 1]->span.end);
	} else if (dash_of(u, old->items[0]->span.begin, &dash) &&
		   first_in_line(u, dash)) {
		where = line_begin(u, dash);
	} else {
		u->impossible = true;
		where = 0;
	}
	edit(u, where, where, &text);
	buf_release(&text);
}

static void diff_list(struct update *u, const struct value *old, const struct value *want,
		      const struct place *at)
{
	bool flow = old->style == VALUE_STYLE_FLOW;
	size_t head = 0, tail = 0, n_old = old->nr, n_want = want->nr, both, dash;
	struct place p = {.is_flow = flow, .in_list = true};

	if (n_old == 0 && n_want == 0)
		return;
	if (n_old == 0 || n_want == 0 || (flow && n_old != n_want)) {
		if (flow && (n_want == 0 || n_old || at->is_flow))
			replace_flow(u, old, want);
		else
			replace(u, old, want, at);
		return;
	}
	if (n_old != n_want) {
		while (head < MIN_OF(n_old, n_want) &&
		       alike(old->items[head], want->items[head]))
			head++;
		while (tail < MIN_OF(n_old, n_want) - head &&
		       alike(old->items[n_old - 1 - tail],
			     want->items[n_want - 1 - tail]))
			tail++;
	}
	both = MIN_OF(n_old, n_want) - head - tail;
	for (size_t i = 0; i < n_old; i++) {
		size_t to = i < head + both ? i : i + n_want - n_old;

		if (i >= head + both && i < n_old - tail) {
			delete_item(u, old->items[i]);
			continue;
		}
		p.has_lead = flow || dash_of(u, old->items[i]->span.begin, &p.lead);
		p.parent = flow ? 0 : column_of(u, p.lead);
		p.lead++;
		diff(u, old->items[i], want->items[to], &p);
		if (i + 1 == head + both && n_want > n_old)
			insert_items(u, old, want, i + 1, head + both, n_want - n_old,
				     p.parent);
	}
	if (head + both == 0 && n_want > n_old) {
		if (!dash_of(u, old->items[0]->span.begin, &dash))
			u->impossible = true;
		else
			insert_items(u, old, want, 0, 0, n_want - n_old,
				     column_of(u, dash));
	}
}

static void diff(struct update *u, const struct value *old, const struct value *want,
		 const struct place *at)
{
	if (want->rewrite)
		replace(u, old, want, at);
	else if (old->is_alias || old->has_props) {
		if (!alike(old, want))
			replace(u, old, want, at);
	} else if (old->kind == VALUE_MAP && want->kind == VALUE_MAP)
		diff_map(u, old, want, at);
	else if (is_seq(old) && is_seq(want))
		diff_list(u, old, want, at);
	else if (!alike(old, want))
		replace(u, old, want, at);
}

/* ---- the whole ----------------------------------------------------------- */

static void normalize(struct update *u, struct slice old)
{
	size_t i = slice_starts(old, "\xEF\xBB\xBF") ? 3 : 0;

	buf_reserve(&u->src, old.n + 1);
	for (; i < old.n; i++) {
		if (old.p[i] != '\r' || i + 1 >= old.n || old.p[i + 1] != '\n')
			buf_addc(&u->src, old.p[i]);
	}
	if (u->src.n && u->src.p[u->src.n - 1] != '\n')
		buf_addc(&u->src, '\n');
}

static int by_place(const void *x, const void *y)
{
	const struct edit *a = x, *b = y;
	bool a_inserts = a->begin == a->end, b_inserts = b->begin == b->end;

	if (a->begin != b->begin)
		return a->begin < b->begin ? -1 : 1;
	if (a_inserts != b_inserts)
		return a_inserts ? -1 : 1;
	return a->seq < b->seq ? -1 : 1;
}

static bool apply(struct update *u, struct buf *out)
{
	size_t at = 0;

	if (u->edits.nr)
		qsort(u->edits.v, u->edits.nr, sizeof(*u->edits.v), by_place);
	for (size_t i = 0; i < u->edits.nr; i++) {
		const struct edit *ed = &u->edits.v[i];

		if (ed->begin < at || ed->end < ed->begin)
			return false; /* two edits of one place */
		buf_add(out, u->src.p + at, ed->begin - at);
		buf_addslice(out, ed->text);
		at = ed->end;
	}
	buf_add(out, buf_str(&u->src) + at, u->src.n - at);
	return true;
}

static bool too_deep(const struct value *v, unsigned depth)
{
	if (depth > YAML_DEPTH_MAX)
		return true;
	for (size_t i = 0; i < v->nr; i++) {
		if (too_deep(v->kind == VALUE_MAP ? v->pairs[i].value : v->items[i],
			     depth + 1))
			return true;
	}
	return false;
}

int yaml_update(struct slice old, const char *name, const struct value *want,
		struct buf *out, struct err *e)
{
	struct update u = {0};
	struct buf text = {0};
	struct place at = {.is_root = true, .has_lead = true};
	struct value *root, *back;
	int r;

	normalize(&u, old);
	r = yaml_read(buf_slice(&u.src), name, &u.arena, &root, e);
	if (r < 0)
		goto out;
	if (too_deep(want, 0)) {
		r = err_set(e, ERR_UNSUPPORTED, "%s: nested too deeply",
			    name ? name : "YAML");
		goto out;
	}
	if (root->span.line == 0) { /* comments at most */
		buf_addslice(&text, buf_slice(&u.src));
		if (want->kind != VALUE_NULL)
			yaml_write(want, &text);
	} else {
		diff(&u, root, want, &at);
		if (u.impossible || !apply(&u, &text))
			buf_reset(&text);
	}
	if ((u.impossible ||
	     yaml_read(buf_slice(&text), name, &u.arena, &back, NULL) < 0 ||
	     !alike(back, want))) {
		r = err_set(
			e, ERR_UNSUPPORTED,
			"%s: this change cannot be made in place; aliases and comments "
			"inside values stand in the way",
			name ? name : "YAML");
		goto out;
	}
	buf_addslice(out, buf_slice(&text));
out:
	vec_release(&u.edits);
	arena_release(&u.arena);
	buf_release(&u.src);
	buf_release(&text);
	return r;
}
