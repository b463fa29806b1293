#include "store/fmt/value.h"

#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/parse.h"
#include "store/fmt/fmt.h"

#include <math.h>

/* Below this many pairs a search beats a table. */
enum {
	TABLE_FROM = 12
};

/* ---- building ------------------------------------------------------------ */

static struct value *make(struct arena *a, enum value_kind kind)
{
	struct value *v = arena_alloc(a, sizeof(*v));

	v->kind = kind;
	return v;
}

static void set_text(struct arena *a, struct value *v, struct slice s)
{
	v->text.p = arena_strndup(a, s.n ? s.p : "", s.n);
	v->text.n = s.n;
}

struct value *value_null(struct arena *a)
{
	return make(a, VALUE_NULL);
}

struct value *value_bool(struct arena *a, bool b)
{
	struct value *v = make(a, VALUE_BOOL);

	v->b = b;
	v->i = b;
	v->f = b;
	return v;
}

struct value *value_int(struct arena *a, int64_t i)
{
	struct value *v = make(a, VALUE_INT);

	v->i = i;
	v->f = (double)i;
	v->text = slice_of(arena_printf(a, "%lld", (long long)i));
	return v;
}

struct value *value_int_text(struct arena *a, struct slice digits)
{
	struct value *v = make(a, VALUE_INT);

	set_text(a, v, digits);
	if (parse_i64(digits, &v->i)) {
		v->f = (double)v->i;
		return v;
	}
	v->is_big = true;
	if (!parse_double(digits, &v->f))
		v->f = digits.n && digits.p[0] == '-' ? -INFINITY : INFINITY;
	return v;
}

struct value *value_int_base(struct arena *a, struct slice digits, unsigned base,
			     bool neg)
{
	struct buf dec = {0}; /* the lowest digit first, as numbers */
	struct value *v;

	for (size_t i = 0; i < digits.n; i++) {
		unsigned carry = (unsigned)parse_hex_digit(digits.p[i]);

		for (size_t k = 0; k < dec.n; k++) {
			carry += (unsigned)dec.p[k] * base;
			dec.p[k] = (char)(carry % 10);
			carry /= 10;
		}
		for (; carry; carry /= 10)
			buf_addc(&dec, (char)(carry % 10));
	}
	if (dec.n == 0)
		buf_addc(&dec, 0);
	for (size_t i = 0; i < dec.n; i++)
		dec.p[i] = (char)(dec.p[i] + '0');
	if (neg)
		buf_addc(&dec, '-');
	for (size_t i = 0; i < dec.n / 2; i++) {
		char c = dec.p[i];

		dec.p[i] = dec.p[dec.n - 1 - i];
		dec.p[dec.n - 1 - i] = c;
	}
	v = value_int_text(a, buf_slice(&dec));
	buf_release(&dec);
	return v;
}

struct value *value_float(struct arena *a, double f)
{
	struct value *v = make(a, VALUE_FLOAT);
	struct buf b = {0};

	v->f = f;
	fmt_double(&b, f);
	set_text(a, v, buf_slice(&b));
	buf_release(&b);
	return v;
}

struct value *value_str(struct arena *a, struct slice s)
{
	struct value *v = make(a, VALUE_STR);

	set_text(a, v, s);
	return v;
}

struct value *value_cstr(struct arena *a, const char *s)
{
	return s ? value_str(a, slice_of(s)) : value_null(a);
}

struct value *value_list(struct arena *a)
{
	return make(a, VALUE_LIST);
}

struct value *value_map(struct arena *a)
{
	return make(a, VALUE_MAP);
}

/* Room for one more of size bytes; what an arena held before is left to it. */
static void *grow(struct arena *a, void *old, size_t nr, size_t *cap, size_t size)
{
	size_t want;
	void *p;

	if (nr < *cap)
		return old;
	want = *cap ? *cap * 2 : 4;
	p = arena_alloc(a, want * size);
	if (nr)
		memcpy(p, old, nr * size);
	*cap = want;
	return p;
}

void value_add(struct arena *a, struct value *list, struct value *item)
{
	list->items = grow(a, list->items, list->nr, &list->cap, sizeof(*list->items));
	list->items[list->nr++] = item;
}

/* ---- keys ---------------------------------------------------------------- */

static bool is_number(const struct value *v)
{
	return v->kind == VALUE_INT || v->kind == VALUE_FLOAT || v->kind == VALUE_BOOL;
}

/* Python: an int equals a float only if exactly that number. */
static bool int_is_float(int64_t i, double f)
{
	if (!(f >= -9223372036854775808.0 && f < 9223372036854775808.0))
		return false;
	return (int64_t)f == i && (double)(int64_t)f == f;
}

/* Digits without sign and leading zeros, for numbers past 64 bits. */
static struct slice big_digits(struct slice s, bool *neg)
{
	*neg = s.n && s.p[0] == '-';
	if (s.n && (s.p[0] == '-' || s.p[0] == '+')) {
		s.p++;
		s.n--;
	}
	while (s.n > 1 && s.p[0] == '0') {
		s.p++;
		s.n--;
	}
	return s;
}

static bool number_equal(const struct value *a, const struct value *b)
{
	bool a_neg, b_neg;
	struct slice x, y;

	if (a->kind == VALUE_FLOAT && b->kind == VALUE_FLOAT)
		return a->f == b->f;
	if (a->kind == VALUE_FLOAT || b->kind == VALUE_FLOAT) {
		const struct value *f = a->kind == VALUE_FLOAT ? a : b;
		const struct value *i = f == a ? b : a;

		return i->is_big ? i->f == f->f : int_is_float(i->i, f->f);
	}
	if (!a->is_big && !b->is_big)
		return a->i == b->i;
	if (a->is_big != b->is_big)
		return false;
	x = big_digits(a->text, &a_neg);
	y = big_digits(b->text, &b_neg);
	return a_neg == b_neg && slice_eq(x, y);
}

static bool seq_equal(const struct value *a, const struct value *b,
		      bool (*eq)(const struct value *, const struct value *))
{
	if (a->nr != b->nr)
		return false;
	for (size_t i = 0; i < a->nr; i++) {
		if (!eq(a->items[i], b->items[i]))
			return false;
	}
	return true;
}

static bool set_equal(const struct value *a, const struct value *b)
{
	if (a->nr != b->nr)
		return false;
	for (size_t i = 0; i < a->nr; i++) {
		bool found = false;

		for (size_t j = 0; j < b->nr && !found; j++)
			found = value_equal(a->items[i], b->items[j]);
		if (!found)
			return false;
	}
	return true;
}

bool value_equal(const struct value *a, const struct value *b)
{
	if (a == b)
		return true;
	if (!a || !b)
		return false;
	if (is_number(a) && is_number(b))
		return number_equal(a, b);
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case VALUE_NULL:
		return true;
	case VALUE_LIST:
	case VALUE_TUPLE:
		return seq_equal(a, b, value_equal);
	case VALUE_SET:
		return set_equal(a, b);
	case VALUE_MAP:
		if (a->nr != b->nr)
			return false;
		for (size_t i = 0; i < a->nr; i++) {
			const struct value_pair *p = value_find(b, a->pairs[i].key);

			if (!p || !value_equal(a->pairs[i].value, p->value))
				return false;
		}
		return true;
	default:
		return slice_eq(a->text, b->text);
	}
}

bool value_same(const struct value *a, const struct value *b)
{
	if (a == b)
		return true;
	if (!a || !b || a->kind != b->kind)
		return false;
	switch (a->kind) {
	case VALUE_FLOAT: /* nan is the same as nan, -0.0 not as 0.0 */
		return (isnan(a->f) && isnan(b->f)) ||
		       (a->f == b->f && signbit(a->f) == signbit(b->f));
	case VALUE_BOOL:
	case VALUE_INT:
		return number_equal(a, b);
	case VALUE_LIST:
	case VALUE_TUPLE:
	case VALUE_SET:
		return seq_equal(a, b, value_same);
	case VALUE_MAP:
		if (a->nr != b->nr)
			return false;
		for (size_t i = 0; i < a->nr; i++) {
			if (!value_same(a->pairs[i].key, b->pairs[i].key) ||
			    !value_same(a->pairs[i].value, b->pairs[i].value))
				return false;
		}
		return true;
	default:
		return value_equal(a, b);
	}
}

static uint32_t hash_bytes(const char *p, size_t n)
{
	uint64_t h = 1469598103934665603u; /* FNV-1a */

	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)p[i]) * 1099511628211u;
	return (uint32_t)(h ^ h >> 32);
}

/* Numbers that are equal must hash equal: all go by their double. */
static uint32_t hash_key(const struct value *k)
{
	if (is_number(k)) {
		double f = k->f == 0.0 ? 0.0 : k->f;

		return hash_bytes((const char *)&f, sizeof(f));
	}
	if (k->kind == VALUE_LIST || k->kind == VALUE_TUPLE || k->kind == VALUE_SET ||
	    k->kind == VALUE_MAP)
		return (uint32_t)k->kind + (uint32_t)k->nr * 31;
	return hash_bytes(k->text.p, k->text.n) + (uint32_t)k->kind;
}

static void table_put(struct value *map, size_t index)
{
	size_t at = hash_key(map->pairs[index].key) & (map->table_n - 1);

	while (map->table[at])
		at = (at + 1) & (map->table_n - 1);
	map->table[at] = (uint32_t)index + 1;
}

static void table_build(struct arena *a, struct value *map)
{
	size_t n = 32;

	while (n < map->nr * 4)
		n *= 2;
	map->table = arena_alloc(a, n * sizeof(*map->table));
	map->table_n = n;
	for (size_t i = 0; i < map->nr; i++)
		table_put(map, i);
}

const struct value_pair *value_find(const struct value *map, const struct value *key)
{
	if (!map || map->kind != VALUE_MAP || !key)
		return NULL;
	if (!map->table) {
		for (size_t i = 0; i < map->nr; i++) {
			if (value_equal(map->pairs[i].key, key))
				return &map->pairs[i];
		}
		return NULL;
	}
	for (size_t at = hash_key(key) & (map->table_n - 1); map->table[at];
	     at = (at + 1) & (map->table_n - 1)) {
		const struct value_pair *p = &map->pairs[map->table[at] - 1];

		if (value_equal(p->key, key))
			return p;
	}
	return NULL;
}

void value_set_pair(struct arena *a, struct value *map, struct value *key,
		    struct value *v)
{
	const struct value_pair *old = value_find(map, key);

	if (old) {
		map->pairs[old - map->pairs].value = v;
		return;
	}
	map->pairs = grow(a, map->pairs, map->nr, &map->cap, sizeof(*map->pairs));
	map->pairs[map->nr++] = (struct value_pair){key, v};
	if (map->table && map->nr * 2 < map->table_n)
		table_put(map, map->nr - 1);
	else if (map->nr >= TABLE_FROM)
		table_build(a, map);
}

void value_set(struct arena *a, struct value *map, const char *key, struct value *v)
{
	value_set_pair(a, map, value_str(a, slice_of(key)), v);
}

bool value_del(struct arena *a, struct value *map, const char *key)
{
	struct value probe = {.kind = VALUE_STR, .text = slice_of(key)};
	const struct value_pair *p = value_find(map, &probe);
	size_t at;

	if (!p)
		return false;
	at = (size_t)(p - map->pairs);
	memmove(map->pairs + at, map->pairs + at + 1,
		(map->nr - at - 1) * sizeof(*map->pairs));
	map->nr--;
	if (map->table)
		table_build(a, map);
	return true;
}

struct value *value_copy(struct arena *a, const struct value *v)
{
	struct value *c = make(a, v->kind);

	*c = *v;
	c->items = NULL;
	c->pairs = NULL;
	c->table = NULL;
	c->nr = c->cap = c->table_n = 0;
	if (v->text.p)
		set_text(a, c, v->text);
	if (v->kind == VALUE_MAP) {
		for (size_t i = 0; i < v->nr; i++)
			value_set_pair(a, c, value_copy(a, v->pairs[i].key),
				       value_copy(a, v->pairs[i].value));
	} else {
		for (size_t i = 0; i < v->nr; i++)
			value_add(a, c, value_copy(a, v->items[i]));
	}
	return c;
}

/* ---- asking -------------------------------------------------------------- */

const struct value *value_get_slice(const struct value *map, struct slice key)
{
	struct value probe = {.kind = VALUE_STR, .text = key};
	const struct value_pair *p = value_find(map, &probe);

	return p ? p->value : NULL;
}

const struct value *value_get(const struct value *map, const char *key)
{
	return value_get_slice(map, slice_of(key));
}

const struct value *value_at(const struct value *list, size_t index)
{
	if (!list || list->kind == VALUE_MAP || index >= list->nr)
		return NULL;
	return list->items[index];
}

bool value_is(const struct value *v, enum value_kind kind)
{
	return v && v->kind == kind;
}

bool value_is_seq(const struct value *v)
{
	return v && (v->kind == VALUE_LIST || v->kind == VALUE_TUPLE);
}

const char *value_text(const struct value *v, const char *def)
{
	return v && v->kind == VALUE_STR ? v->text.p : def;
}

bool value_as_i64(const struct value *v, int64_t *out)
{
	if (!v || v->kind != VALUE_INT || v->is_big)
		return false;
	*out = v->i;
	return true;
}

bool value_truthy(const struct value *v)
{
	if (!v)
		return false;
	switch (v->kind) {
	case VALUE_NULL:
		return false;
	case VALUE_BOOL:
		return v->b;
	case VALUE_INT:
		return v->is_big || v->i != 0;
	case VALUE_FLOAT:
		return v->f != 0.0;
	case VALUE_STR:
	case VALUE_BYTES:
		return v->text.n > 0;
	case VALUE_DATE:
		return true;
	default:
		return v->nr > 0;
	}
}

void value_str_python(const struct value *v, struct buf *out)
{
	switch (v->kind) {
	case VALUE_NULL:
		buf_adds(out, "None");
		break;
	case VALUE_BOOL:
		buf_adds(out, v->b ? "True" : "False");
		break;
	case VALUE_INT:
		if (v->is_big)
			buf_addslice(out, v->text);
		else
			buf_addf(out, "%lld", (long long)v->i);
		break;
	case VALUE_FLOAT:
		fmt_double(out, v->f);
		break;
	default:
		buf_addslice(out, v->text);
		break;
	}
}

const char *value_kind_name(enum value_kind kind)
{
	static const char *const names[] = {
		[VALUE_NULL] = "null",	 [VALUE_BOOL] = "bool",	 [VALUE_INT] = "int",
		[VALUE_FLOAT] = "float", [VALUE_STR] = "string", [VALUE_DATE] = "date",
		[VALUE_BYTES] = "bytes", [VALUE_LIST] = "list",	 [VALUE_TUPLE] = "tuple",
		[VALUE_SET] = "set",	 [VALUE_MAP] = "map",
	};

	return names[kind];
}
