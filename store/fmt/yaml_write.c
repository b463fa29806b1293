/* Writing YAML in block style, laid out as ruamel.yaml does for DVC. */
#include "store/fmt/yaml.h"

#include "store/base/alloc.h"
#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/utf8.h"
#include "store/fmt/value.h"
#include "store/fmt/yaml_scalar.h"

void yamlw_init(struct yamlw *w, struct buf *out)
{
	*w = (struct yamlw){.out = out};
}

static struct yamlw_frame *top(struct yamlw *w)
{
	return &w->frame[w->depth - 1];
}

/* Go to the column of the frame's next key or dash. */
static void begin_line(struct yamlw *w, struct yamlw_frame *f)
{
	if (f->is_open) {
		buf_fill(w->out, ' ', f->column);
		return;
	}
	f->is_open = true;
	if (f->in_line) {
		buf_addc(w->out, ' ');
		return;
	}
	if (w->depth > 1)
		buf_addc(w->out, '\n');
	buf_fill(w->out, ' ', f->column);
}

/* A value is due: in a list, its dash comes first. */
static void begin_value(struct yamlw *w)
{
	struct yamlw_frame *f;

	if (w->depth == 0 || w->after_key)
		return;
	f = top(w);
	begin_line(w, f);
	buf_addc(w->out, '-');
	w->column = f->column + 1;
	w->after_dash = true;
}

static void begin_container(struct yamlw *w, bool is_map)
{
	struct yamlw_frame f = {.is_map = is_map, .column = w->base};

	begin_value(w);
	if (w->depth == ARRAY_SIZE(w->frame))
		die("YAML is nested too deeply");
	if (w->depth > 0) {
		bool dash = w->after_dash;

		f.in_line = dash || (w->explicit_key && is_map);
		/* A list in a map keeps the map's column. */
		f.column = top(w)->column + (dash || is_map ? 2 : 0);
	}
	w->after_key = w->after_dash = w->explicit_key = false;
	w->frame[w->depth++] = f;
}

void yamlw_map(struct yamlw *w)
{
	begin_container(w, true);
}

void yamlw_list(struct yamlw *w)
{
	begin_container(w, false);
}

void yamlw_end(struct yamlw *w)
{
	struct yamlw_frame f = *top(w);

	w->depth--;
	if (f.is_open)
		return;
	if (w->depth > 0)
		buf_addc(w->out, ' ');
	else
		buf_fill(w->out, ' ', f.column);
	buf_adds(w->out, f.is_map ? "{}\n" : "[]\n");
}

static size_t line_start(const struct buf *b)
{
	size_t i = b->n;

	while (i > 0 && b->p[i - 1] != '\n')
		i--;
	return i;
}

static void set_column(struct yamlw *w)
{
	size_t from = line_start(w->out);

	w->column = (unsigned)utf8_count(w->out->p + from, w->out->n - from);
}

static void end_key(struct yamlw *w, bool explicit_key)
{
	if (explicit_key) {
		buf_addc(w->out, '\n');
		buf_fill(w->out, ' ', top(w)->column);
	}
	buf_addc(w->out, ':');
	set_column(w);
	w->after_key = true;
	w->explicit_key = explicit_key;
}

void yamlw_key_slice(struct yamlw *w, struct slice key)
{
	struct yamlw_frame *f = top(w);
	bool simple = yaml_scalar_simple_key(key);
	struct yaml_place at = {f->column, f->column, simple, false};

	begin_line(w, f);
	if (!simple) {
		buf_adds(w->out, "? ");
		at.column += 2;
		at.indent += 2;
	}
	yaml_scalar_str(w->out, key, &at);
	end_key(w, !simple);
}

void yamlw_key(struct yamlw *w, const char *key)
{
	yamlw_key_slice(w, slice_of(key));
}

void yamlw_key_value(struct yamlw *w, const struct value *key)
{
	if (key->kind == VALUE_STR || key->kind == VALUE_BYTES) {
		yamlw_key_slice(w, key->text);
		return;
	}
	begin_line(w, top(w));
	if (key->kind == VALUE_TUPLE || key->kind == VALUE_LIST ||
	    key->kind == VALUE_MAP || key->kind == VALUE_SET)
		yaml_flow_write(w->out, key);
	else
		yaml_scalar_other(w->out, key, true);
	end_key(w, false);
}

/* Before a scalar's text: the space that parts it from its key or dash. */
static void begin_scalar(struct yamlw *w)
{
	begin_value(w);
	if (w->depth > 0) {
		buf_addc(w->out, ' ');
		w->column++;
	} else {
		buf_fill(w->out, ' ', w->base);
		w->column = w->base;
	}
}

static void end_scalar(struct yamlw *w)
{
	buf_addc(w->out, '\n');
	w->after_key = w->after_dash = w->explicit_key = false;
}

void yamlw_str(struct yamlw *w, struct slice s)
{
	struct yaml_place at = {0};

	begin_scalar(w);
	at.column = w->column;
	at.indent = w->depth ? top(w)->column + 2 : w->base;
	yaml_scalar_str(w->out, s, &at);
	end_scalar(w);
}

void yamlw_cstr(struct yamlw *w, const char *s)
{
	yamlw_str(w, slice_of(s));
}

/* Plain text without spaces. Behind a long key it too goes to its own line. */
static void put_word(struct yamlw *w, struct slice s)
{
	unsigned indent;

	begin_scalar(w);
	indent = w->depth ? top(w)->column + 2 : w->base;
	if (s.n + w->column > YAML_WIDTH && w->column > indent) {
		buf_addc(w->out, '\n');
		buf_fill(w->out, ' ', indent);
	}
	buf_addslice(w->out, s);
	end_scalar(w);
}

static void other(struct yamlw *w, const struct value *v)
{
	struct buf text = {0};

	yaml_scalar_other(&text, v, w->depth == 0);
	put_word(w, buf_slice(&text));
	buf_release(&text);
}

void yamlw_int(struct yamlw *w, int64_t i)
{
	struct buf text = {0};

	buf_addf(&text, "%lld", (long long)i);
	put_word(w, buf_slice(&text));
	buf_release(&text);
}

void yamlw_float(struct yamlw *w, double f)
{
	struct value v = {.kind = VALUE_FLOAT, .f = f};

	other(w, &v);
}

void yamlw_bool(struct yamlw *w, bool b)
{
	struct value v = {.kind = VALUE_BOOL, .b = b};

	other(w, &v);
}

void yamlw_null(struct yamlw *w)
{
	struct value v = {.kind = VALUE_NULL};

	if (!w->after_key) { /* in a list it is "- " */
		other(w, &v);
		return;
	}
	end_scalar(w);
}

void yamlw_value(struct yamlw *w, const struct value *v)
{
	switch (v ? v->kind : VALUE_NULL) {
	case VALUE_NULL:
		yamlw_null(w);
		break;
	case VALUE_STR:
	case VALUE_BYTES:
		yamlw_str(w, v->text);
		break;
	case VALUE_MAP:
		yamlw_map(w);
		for (size_t i = 0; i < v->nr; i++) {
			yamlw_key_value(w, v->pairs[i].key);
			yamlw_value(w, v->pairs[i].value);
		}
		yamlw_end(w);
		break;
	case VALUE_LIST:
	case VALUE_TUPLE:
	case VALUE_SET:
		yamlw_list(w);
		for (size_t i = 0; i < v->nr; i++)
			yamlw_value(w, v->items[i]);
		yamlw_end(w);
		break;
	default:
		other(w, v);
		break;
	}
}

void yaml_write(const struct value *v, struct buf *out)
{
	struct yamlw w;

	yamlw_init(&w, out);
	yamlw_value(&w, v);
}
