#include "store/base/text.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/utf8.h"

#include <stdlib.h>

void text_escape(struct buf *out, struct slice s)
{
	uint32_t code;

	while (s.n > 0) {
		unsigned len = utf8_decode(s.p, s.n, &code);

		if (len == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0)) {
			if (len == 0)
				len = 1;
			if (s.p[0] == '\n')
				buf_adds(out, "\\n");
			else if (s.p[0] == '\t')
				buf_adds(out, "\\t");
			else if (s.p[0] == '\r')
				buf_adds(out, "\\r");
			else
				for (unsigned i = 0; i < len; i++)
					buf_addf(out, "\\x%02x", (unsigned char)s.p[i]);
		} else {
			buf_add(out, s.p, len);
		}
		s.p += len;
		s.n -= len;
	}
}

static bool is_shell_safe(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c != '\0' && strchr("@%+=:,./-_", c) != NULL);
}

void text_shell_quote(struct buf *out, struct slice s)
{
	size_t i = 0;

	while (i < s.n && is_shell_safe(s.p[i]))
		i++;
	if (i == s.n && s.n > 0) {
		buf_addslice(out, s);
		return;
	}
	buf_addc(out, '\'');
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\'')
			buf_adds(out, "'\"'\"'");
		else
			buf_addc(out, s.p[i]);
	}
	buf_addc(out, '\'');
}

void text_bytes(struct buf *out, uint64_t bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double v = (double)bytes;
	unsigned u = 0;

	while (v >= 999.5 && u + 1 < ARRAY_SIZE(units)) {
		v /= 1000;
		u++;
	}
	if (u == 0)
		buf_addf(out, "%u B", (unsigned)bytes);
	else
		buf_addf(out, "%.*f %s", v < 9.995 ? 2 : v < 99.95 ? 1 : 0, v, units[u]);
}

void text_duration(struct buf *out, uint64_t seconds)
{
	unsigned s = (unsigned)(seconds % 60), m = (unsigned)(seconds / 60 % 60);
	uint64_t h = seconds / 3600;

	if (h > 0)
		buf_addf(out, "%llu:%02u:%02u", (unsigned long long)h, m, s);
	else
		buf_addf(out, "%u:%02u", m, s);
}

/* Levenshtein distance with transpositions of neighbours counted as one. */
static size_t distance(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b), result;
	size_t *rows = xcalloc(3 * (nb + 1), sizeof(*rows));
	size_t *prev2 = rows, *prev = rows + nb + 1, *cur = rows + 2 * (nb + 1);

	for (size_t j = 0; j <= nb; j++)
		prev[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *spare = prev2;

		cur[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t d = prev[j - 1] + (a[i - 1] != b[j - 1]);

			d = MIN_OF(d, MIN_OF(prev[j], cur[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				d = MIN_OF(d, prev2[j - 2] + 1);
			cur[j] = d;
		}
		prev2 = prev;
		prev = cur;
		cur = spare;
	}
	result = prev[nb];
	free(rows);
	return result;
}

const char *text_nearest(const char *word, const char *const *names)
{
	const char *best = NULL;
	size_t best_d = 3, n = strlen(word);

	if (n > 64)
		return NULL;
	for (const char *const *p = names; n > 1 && *p; p++)
		if (strncmp(word, *p, n) == 0)
			return *p;
	for (; *names; names++) {
		size_t d = distance(word, *names);

		/* Half of a short word is no likeness. */
		if (d < best_d && 2 * d < MIN_OF(n, strlen(*names))) {
			best = *names;
			best_d = d;
		}
	}
	return best;
}
