#include "store/fmt/glob.h"

#include "store/base/err.h"
#include "store/base/utf8.h"
#include "store/base/vec.h"

/*
 * git's wildmatch. "**" as a whole component crosses slashes; every other star
 * stays within one. Two places to come back to are enough, one for the last
 * star and one for the last "**": a later star makes the earlier one needless
 * within a component, and a later "**" all before it.
 */

static const char *class_end(const char *p, const char *end)
{
	for (; p + 1 < end; p++) {
		if (p[0] == ':' && p[1] == ']')
			return p;
		if (p[0] == ']')
			break;
	}
	return NULL;
}

static bool in_class(const char *name, size_t n, unsigned char c)
{
	static const struct {
		const char *name;
		const char *ranges; /* pairs of bounds */
	} classes[] = {
		{"alnum", "09AZaz"},   {"alpha", "AZaz"},
		{"blank", "  \t\t"},   {"cntrl", "\x01\x1f\x7f\x7f"},
		{"digit", "09"},       {"graph", "!~"},
		{"lower", "az"},       {"print", " ~"},
		{"punct", "!/:@[`{~"}, {"space", "  \t\r"},
		{"upper", "AZ"},       {"xdigit", "09AFaf"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		if (strlen(classes[i].name) != n || memcmp(classes[i].name, name, n) != 0)
			continue;
		for (const char *r = classes[i].ranges; *r; r += 2) {
			if (c >= (unsigned char)r[0] && c <= (unsigned char)r[1])
				return true;
		}
		return false;
	}
	return false;
}

static bool known_class(const char *name, size_t n)
{
	static const char all[] =
		" alnum alpha blank cntrl digit graph lower print punct "
		"space upper xdigit ";
	char word[16] = " ";

	if (n == 0 || n > 8)
		return false;
	memcpy(word + 1, name, n);
	word[n + 1] = ' ';
	return strstr(all, word) != NULL;
}

/*
 * A bracket expression at p ("[" itself): does it take c? Returns its end, or NULL
 * for one that does not close or names no class: such a pattern matches nothing.
 */
static const char *bracket(const char *p, const char *end, unsigned char c, bool *takes)
{
	bool negated, hit = false, first = true;
	int prev = -1; /* for ranges */

	p++;
	negated = p < end && (*p == '!' || *p == '^');
	if (negated)
		p++;
	for (; p < end && (first || *p != ']'); first = false) {
		unsigned char lo = (unsigned char)*p;
		const char *stop;

		if (lo == '[' && p + 1 < end && p[1] == ':' &&
		    (stop = class_end(p + 2, end)) != NULL) {
			size_t n = (size_t)(stop - p - 2);

			if (!known_class(p + 2, n))
				return NULL;
			hit |= in_class(p + 2, n, c);
			p = stop + 2;
			prev = -1;
			continue;
		}
		if (lo == '-' && prev >= 0 && p + 1 < end && p[1] != ']') {
			p++;
			if (*p == '\\' && ++p >= end)
				return NULL;
			hit |= c >= prev && c <= (unsigned char)*p;
			prev = -1;
			p++;
			continue;
		}
		if (lo == '\\') {
			if (++p >= end)
				return NULL;
			lo = (unsigned char)*p;
		}
		hit |= lo == c;
		prev = lo;
		p++;
	}
	if (p >= end)
		return NULL;
	*takes = hit != negated && c != '/';
	return p + 1;
}

/* One pattern element at p against one byte; its end, or NULL for no match. */
static const char *one(const char *p, const char *end, unsigned char c)
{
	bool takes = false;

	switch (*p) {
	case '?':
		return c != '/' ? p + 1 : NULL;
	case '[':
		p = bracket(p, end, c, &takes);
		return p && takes ? p : NULL;
	case '\\':
		if (p + 1 >= end)
			return NULL;
		p++;
		return (unsigned char)*p == c ? p + 1 : NULL;
	default:
		return (unsigned char)*p == c ? p + 1 : NULL;
	}
}

/* Python's brackets: no escapes, no classes, whole characters, slashes too. */
static const char *py_bracket(const char *p, const char *end, uint32_t c, bool caret,
			      bool *takes)
{
	const char *q = p + 1, *from;
	bool negated = q < end && (*q == '!' || (caret && *q == '^')), hit = false;

	q += negated;
	from = q;
	q += q < end && *q == ']';
	while (q < end && *q != ']')
		q++;
	if (q >= end) { /* an open one is itself */
		*takes = c == '[';
		return p + 1;
	}
	while (from < q) {
		uint32_t lo = 0, hi = 0;
		unsigned n = utf8_decode(from, (size_t)(q - from), &lo);

		from += n ? n : 1;
		hi = lo;
		if (q - from >= 2 && *from == '-') {
			n = utf8_decode(from + 1, (size_t)(q - from - 1), &hi);
			from += 1 + (n ? n : 1);
		}
		hit |= c >= lo && c <= hi;
	}
	*takes = hit != negated;
	return q + 1;
}

/* As one(), in DVC's dialect: *s moves over a whole character. */
static const char *one_dvc(const char *p, const char *end, const char **s,
			   const char *s_end)
{
	uint32_t c = (unsigned char)**s;
	unsigned n = utf8_decode(*s, (size_t)(s_end - *s), &c);
	const char *next = p + 1;
	bool takes;

	if (*p == '[') {
		next = py_bracket(p, end, c, true, &takes);
	} else if (*p == '?') {
		takes = c != '/';
	} else {
		if (*p == '\\' && p + 1 < end)
			next++;
		takes = next[-1] == **s;
		n = 1;
	}
	*s += n ? n : 1;
	return takes ? next : NULL;
}

/* Is the star at p the "**" of a whole component? *next is behind its slash. */
static bool is_deep(const char *begin, const char *p, const char *end, bool dvc,
		    const char **next, bool *at_end)
{
	const char *q = p;

	while (q < end && *q == '*')
		q++;
	if (q - p < 2 || (dvc && q - p > 2) || (p > begin && p[-1] != '/'))
		return false;
	if (q < end && *q != '/')
		return false;
	*at_end = q == end;
	*next = q == end ? q : q + 1;
	return true;
}

static bool wild(struct slice pattern, struct slice text, bool dvc)
{
	const char *begin = pattern.p, *p = pattern.p, *p_end = p + pattern.n;
	const char *s = text.p, *s_end = s + text.n;
	const char *star = NULL, *star_s = NULL, *deep = NULL, *deep_s = NULL;

	for (;;) {
		const char *next;
		bool at_end;

		if (p < p_end && *p == '*') {
			if (is_deep(begin, p, p_end, dvc, &next, &at_end)) {
				if (at_end) /* something below is wanted */
					return s < s_end || p == begin;
				deep = next;
				deep_s = s;
				star = NULL;
				p = next;
				continue;
			}
			while (p < p_end && *p == '*')
				p++;
			star = p;
			star_s = s;
			continue;
		}
		if (s == s_end && p == p_end)
			return true;
		if (s < s_end && p < p_end) {
			const char *then = dvc ? s : s + 1;

			next = dvc ? one_dvc(p, p_end, &then, s_end)
				   : one(p, p_end, (unsigned char)*s);
			if (next) {
				p = next;
				s = then;
				continue;
			}
		}
		if (star && star_s < s_end && *star_s != '/') {
			p = star;
			s = ++star_s;
			continue;
		}
		/* The next component: "**" took one more. */
		while (deep && deep_s < s_end && *deep_s != '/')
			deep_s++;
		if (!deep || deep_s >= s_end)
			return false;
		s = ++deep_s;
		p = deep;
		star = NULL;
	}
}

/* ---- rules --------------------------------------------------------------- */

void glob_list_release(struct glob_list *l)
{
	vec_release(l);
	arena_release(&l->arena);
	*l = (struct glob_list){0};
}

static bool is_magic(char c)
{
	return c == '*' || c == '?' || c == '[' || c == '\\';
}

/* Spaces at the end go unless escaped. */
static struct slice trim_git(struct slice s)
{
	while (s.n && s.p[s.n - 1] == ' ') {
		size_t slashes = 0;

		while (slashes + 1 < s.n && s.p[s.n - 2 - slashes] == '\\')
			slashes++;
		if (slashes % 2)
			break;
		s.n--;
	}
	return s;
}

static struct slice trim_dvc(struct slice s)
{
	while (s.n && (*s.p == ' ' || (*s.p >= '\t' && *s.p <= '\r'))) {
		s.p++;
		s.n--;
	}
	while (s.n &&
	       (s.p[s.n - 1] == ' ' || (s.p[s.n - 1] >= '\t' && s.p[s.n - 1] <= '\r')))
		s.n--;
	return s;
}

/* ---- DVC's reading of a pattern, after its library ----------------------- */

enum segment {
	SEGMENT_FINE,
	SEGMENT_OPEN,	/* a bracket does not close: the rule is dropped silently */
	SEGMENT_BROKEN, /* ends in a backslash, or a range runs backwards */
};

/* Python refuses a range that runs backwards; from is behind the negation. */
static bool ranges_fine(const char *from, const char *end)
{
	while (from < end) {
		uint32_t lo = 0, hi = 0;
		unsigned n = utf8_decode(from, (size_t)(end - from), &lo);

		from += n ? n : 1;
		if (end - from < 2 || *from != '-')
			continue;
		n = utf8_decode(from + 1, (size_t)(end - from - 1), &hi);
		from += 1 + (n ? n : 1);
		if (hi < lo)
			return false;
	}
	return true;
}

static enum segment check_segment(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\') {
			if (++i == s.n)
				return SEGMENT_BROKEN;
		} else if (s.p[i] == '[') {
			size_t j = i + 1, from;

			j += j < s.n && (s.p[j] == '!' || s.p[j] == '^');
			from = j;
			j += j < s.n && s.p[j] == ']';
			while (j < s.n && s.p[j] != ']')
				j++;
			if (j >= s.n)
				return SEGMENT_OPEN;
			if (!ranges_fine(s.p + from, s.p + j))
				return SEGMENT_BROKEN;
			i = j;
		}
	}
	return SEGMENT_FINE;
}

/* The segments into r->pattern: "a" becomes "**" and "a", "a/" gets below. */
static bool parse_dvc(struct arena *a, struct glob_rule *r, struct slice s)
{
	char *out;
	size_t n = 0;
	bool anchored, deep = false;
	enum segment state = SEGMENT_FINE;

	if (s.n == 0 || s.p[0] == '#' || slice_is(s, "/"))
		return true;
	if (s.p[0] == '!') {
		r->is_negated = true;
		s.p++;
		s.n--;
	}
	if (s.n == 0)
		return false;
	r->is_dir_only = s.p[s.n - 1] == '/';
	r->is_below = r->is_dir_only;
	s.n -= r->is_dir_only;
	anchored = s.n && memchr(s.p, '/', s.n) != NULL;
	if (s.n && s.p[0] == '/') {
		s.p++;
		s.n--;
	}
	if (s.n == 0)
		return true; /* "!/" and "//" match nothing */
	out = arena_alloc(a, s.n + 4);
	if (!anchored && !slice_is(s, "**")) {
		memcpy(out, "**/", 3);
		n = 3;
		deep = true;
	}
	r->is_all = !r->is_dir_only &&
		    (slice_is(s, "**") || (!anchored && slice_is(s, "*")) ||
		     (anchored && slice_is(s, "**/*")));
	for (struct slice rest = s; rest.p && state == SEGMENT_FINE;) {
		struct slice seg = slice_cut(&rest, '/');
		bool is_deep_seg = slice_is(seg, "**");

		if (is_deep_seg && (deep || !rest.p)) {
			r->is_below |= !rest.p;
			deep = true;
			continue;
		}
		state = check_segment(seg);
		memcpy(out + n, seg.p, seg.n);
		n += seg.n;
		out[n++] = '/';
		deep = is_deep_seg;
	}
	if (state != SEGMENT_FINE)
		return state == SEGMENT_OPEN;
	r->is_anchored = true;
	n -= n > 0;
	/* "**" and a star above something: the library's expression never fits. */
	if (r->is_below && (n == 0 || slice_is((struct slice){out, n}, "**/*")))
		return true;
	r->pattern = (struct slice){out, n};
	return true;
}

static bool match_dvc(const struct glob_rule *r, struct slice path, bool is_dir)
{
	if (r->is_dir_only && !is_dir)
		return false;
	if (r->is_all)
		return true;
	for (size_t i = 1; i <= path.n; i++) {
		if (i < path.n && path.p[i] != '/')
			continue;
		if (r->is_below && i == path.n && !is_dir)
			continue;
		if (wild(r->pattern, (struct slice){path.p, i}, true))
			return true;
	}
	return false;
}

/* A line that is no rule (empty, a comment) leaves r->pattern.p NULL. */
static void parse_rule(struct glob_rule *r, struct slice s)
{
	if (s.n == 0 || s.p[0] == '#')
		return;
	if (s.p[0] == '!') {
		r->is_negated = true;
		s.p++;
		s.n--;
	}
	if (s.n && s.p[s.n - 1] == '/') {
		r->is_dir_only = true;
		s.n--;
	}
	if (s.n == 0)
		return;
	r->is_anchored = memchr(s.p, '/', s.n) != NULL;
	if (s.p[0] == '/') {
		s.p++;
		s.n--;
	}
	r->pattern = s;
	while (r->literal_n < s.n && !is_magic(s.p[r->literal_n]))
		r->literal_n++;
	r->is_literal = r->literal_n == s.n;
	r->is_suffix = !r->is_anchored && s.n > 1 && s.p[0] == '*';
	for (size_t i = 1; i < s.n; i++)
		r->is_suffix &= !is_magic(s.p[i]);
}

int glob_compile(struct glob_list *l, struct slice text, enum glob_dialect dialect,
		 const char *name, struct err *e)
{
	const char *where = name ? name : "";
	unsigned line = 0;

	if (slice_starts(text, "\xEF\xBB\xBF")) {
		text.p += 3;
		text.n -= 3;
	}
	if (dialect == GLOB_DVC && !utf8_valid(text.p, text.n))
		return err_set(e, ERR_INVALID, "%s: is not valid utf-8", where);
	text.p = arena_strndup(&l->arena, text.n ? text.p : "", text.n);
	while (text.n) {
		struct glob_rule r = {.line = ++line, .dialect = dialect};
		struct slice s = slice_cut(&text, '\n');

		if (s.n && s.p[s.n - 1] == '\r')
			s.n--;
		r.text = arena_strndup(&l->arena, s.p, s.n);
		s = dialect == GLOB_DVC ? trim_dvc(s) : trim_git(s);
		if (dialect == GLOB_GIT)
			parse_rule(&r, s);
		else if (!parse_dvc(&l->arena, &r, s))
			return err_set(e, ERR_INVALID, "%s:%u: Invalid git pattern: '%s'",
				       where, line, r.text);
		if (r.pattern.p || r.is_all)
			vec_push(l, r);
	}
	return 0;
}

bool glob_rule_match(const struct glob_rule *r, struct slice path, bool is_dir)
{
	struct slice p = r->pattern;
	const char *slash;

	if (r->dialect == GLOB_DVC)
		return match_dvc(r, path, is_dir);
	if (r->is_dir_only && !is_dir)
		return false;
	if (!r->is_anchored && (slash = memrchr(path.p, '/', path.n)) != NULL) {
		size_t skip = (size_t)(slash - path.p) + 1;

		path.p += skip;
		path.n -= skip;
	}
	if (r->is_literal)
		return slice_eq(p, path);
	if (path.n < r->literal_n || memcmp(path.p, p.p, r->literal_n) != 0)
		return false;
	if (r->is_suffix)
		return path.n >= p.n - 1 &&
		       memcmp(path.p + path.n - (p.n - 1), p.p + 1, p.n - 1) == 0;
	return wild(p, path, false);
}

const struct glob_rule *glob_list_match(const struct glob_list *l, struct slice path,
					bool is_dir)
{
	for (size_t i = l->nr; i > 0; i--) {
		if (glob_rule_match(&l->v[i - 1], path, is_dir))
			return &l->v[i - 1];
	}
	return NULL;
}

/* ---- shell wildcards ----------------------------------------------------- */

bool glob_has_magic(struct slice pattern)
{
	for (size_t i = 0; i < pattern.n; i++) {
		if (pattern.p[i] == '*' || pattern.p[i] == '?' || pattern.p[i] == '[')
			return true;
	}
	return false;
}

/* The length of the character at s: wildcards take whole ones. */
static size_t char_n(const char *s, const char *end)
{
	uint32_t c;
	unsigned n = utf8_decode(s, (size_t)(end - s), &c);

	return n ? n : 1;
}

bool glob_fnmatch(struct slice pattern, struct slice text)
{
	const char *p = pattern.p, *p_end = p + pattern.n, *s = text.p,
		   *s_end = s + text.n;
	const char *star = NULL, *star_s = NULL;

	for (;;) {
		bool takes = false;
		const char *next = p + 1;
		size_t n = 1;

		if (p < p_end && *p == '*') {
			star = ++p;
			star_s = s;
			continue;
		}
		if (p == p_end && s == s_end)
			return true;
		if (p < p_end && s < s_end) {
			if (*p == '?') {
				takes = true;
				n = char_n(s, s_end);
			} else if (*p == '[') {
				uint32_t c = (unsigned char)*s;

				n = utf8_decode(s, (size_t)(s_end - s), &c);
				n += n == 0;
				next = py_bracket(p, p_end, c, false, &takes);
			} else {
				takes = *p == *s;
			}
			if (takes) {
				p = next;
				s += n;
				continue;
			}
		}
		if (!star || star_s >= s_end)
			return false;
		p = star;
		s = ++star_s;
	}
}

static struct slice first_part(struct slice *rest)
{
	return slice_cut(rest, '/');
}

bool glob_match(struct slice pattern, struct slice path)
{
	struct slice deep = {0}, deep_path = {0};
	bool has_deep = false;

	/* As wild(), with components in place of bytes. */
	for (;;) {
		struct slice p = pattern, s = path, part, name;

		if (!p.p && !s.p)
			return true;
		if (p.p) {
			part = first_part(&p);
			if (slice_is(part, "**")) {
				if (!p.p) { /* at the end: everything, but hidden names */
					if (!s.p)
						goto back;
					while (s.p) {
						name = first_part(&s);
						if (name.n && name.p[0] == '.')
							goto back;
					}
					return true;
				}
				has_deep = true;
				deep = p;
				deep_path = path;
				pattern = p;
				continue;
			}
			if (s.p) {
				name = first_part(&s);
				if ((name.n == 0 || name.p[0] != '.' ||
				     (part.n && part.p[0] == '.')) &&
				    glob_fnmatch(part, name)) {
					pattern = p;
					path = s;
					continue;
				}
			}
		}
	back:
		if (!has_deep || !deep_path.p)
			return false;
		name = first_part(&deep_path);
		if (!deep_path.p || (name.n && name.p[0] == '.'))
			return false;
		pattern = deep;
		path = deep_path;
	}
}
