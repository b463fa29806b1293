#include "store/fmt/json.h"

#include <math.h>

#include "store/base/arena.h"
#include "store/base/err.h"
#include "store/base/parse.h"
#include "store/fmt/jsonp.h"
#include "store/fmt/value.h"

struct reader {
	struct jsonp p;
	struct arena *a;
	struct err *e;
};

static struct value *number(struct arena *a, struct slice s)
{
	struct value *v;
	double f = 0;

	if (!memchr(s.p, '.', s.n) && !memchr(s.p, 'e', s.n) && !memchr(s.p, 'E', s.n) &&
	    !memchr(s.p, 'N', s.n) && !memchr(s.p, 'I', s.n))
		return value_int_text(a, s);
	if (s.n < 100)
		IGNORE_RESULT(parse_double(s, &f));
	else /* longer than parse_double takes */
		f = strtod(arena_strndup(a, s.p, s.n), NULL);
	v = value_float(a, f);
	v->text.p = arena_strndup(a, s.p, s.n);
	v->text.n = s.n;
	return v;
}

static struct value *scalar(struct arena *a, const struct jsonp_token *t)
{
	switch (t->type) {
	case JSONP_STR:
		return value_str(a, t->text);
	case JSONP_NUMBER:
		return number(a, t->text);
	case JSONP_TRUE:
	case JSONP_FALSE:
		return value_bool(a, t->type == JSONP_TRUE);
	default:
		return value_null(a);
	}
}

static int tree(struct reader *r, struct value **root)
{
	struct value *stack[JSON_DEPTH_MAX], *key = NULL, *v;
	struct value *keys[JSON_DEPTH_MAX];
	struct jsonp_token t;
	unsigned depth = 0;
	int ret;

	while ((ret = jsonp_next(&r->p, &t, r->e)) == 0 && t.type != JSONP_END) {
		if (t.type == JSONP_KEY) {
			key = value_str(r->a, t.text);
			continue;
		}
		if (t.type == JSONP_OBJECT_END || t.type == JSONP_ARRAY_END) {
			v = stack[--depth];
			key = keys[depth];
		} else if (t.type == JSONP_OBJECT || t.type == JSONP_ARRAY) {
			if (depth == JSON_DEPTH_MAX)
				return err_set(r->e, ERR_CORRUPT, "nested too deeply");
			keys[depth] = key;
			stack[depth++] = t.type == JSONP_OBJECT ? value_map(r->a)
								: value_list(r->a);
			key = NULL;
			continue;
		} else {
			v = scalar(r->a, &t);
		}
		if (depth == 0)
			*root = v;
		else if (stack[depth - 1]->kind == VALUE_MAP)
			value_set_pair(r->a, stack[depth - 1], key, v);
		else
			value_add(r->a, stack[depth - 1], v);
	}
	return ret;
}

int json_read(struct slice text, const char *name, struct arena *a, struct value **root,
	      struct err *e)
{
	struct reader r = {.a = a};
	struct err why = {0};
	int ret;

	if (slice_starts(text, "\xEF\xBB\xBF")) {
		text.p += 3;
		text.n -= 3;
	}
	jsonp_init(&r.p, text);
	r.e = &why;
	ret = tree(&r, root);
	jsonp_release(&r.p);
	if (ret < 0)
		return err_set(e, ret, "%s%s%s", name ? name : "", name ? ": " : "",
			       why.text);
	return 0;
}
