#include "store/odb/oid.h"

#include "store/hash/hash.h"

#include <string.h>

bool oid_eq(const struct oid *a, const struct oid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0 && a->algo == b->algo &&
	       a->is_dir == b->is_dir;
}

int oid_cmp(const struct oid *a, const struct oid *b)
{
	int r = memcmp(a->b, b->b, sizeof(a->b));

	if (r == 0)
		r = (int)a->algo - (int)b->algo;
	if (r == 0)
		r = (int)a->is_dir - (int)b->is_dir;
	return r;
}

static bool has_upper_digit(const char *p, size_t n)
{
	unsigned has = 0;

	for (size_t i = 0; i < n; i++)
		has |= (unsigned char)(p[i] - 'A') < 6;
	return has != 0;
}

bool oid_parse(struct slice text, enum oid_algo algo, struct oid *out)
{
	struct oid oid = {.algo = (uint8_t)algo};

	if (slice_ends(text, ".dir")) {
		oid.is_dir = true;
		text.n -= 4;
	}
	if (text.n != 32 || !hex_decode(text, oid.b, 16) || has_upper_digit(text.p, 32))
		return false;
	*out = oid;
	return true;
}

char *oid_text(const struct oid *oid, char out[OID_TEXT_MAX])
{
	hex_encode(oid->b, 16, out);
	if (oid->is_dir)
		memcpy(out + 32, ".dir", 5);
	return out;
}

char *oid_path(const struct oid *oid, char out[OID_PATH_MAX])
{
	char text[OID_TEXT_MAX], *p = out;

	oid_text(oid, text);
	if (oid->algo != OID_LEGACY) {
		memcpy(p, "files/md5/", 10);
		p += 10;
	}
	memcpy(p, text, 2);
	p[2] = '/';
	memcpy(p + 3, text + 2, strlen(text + 2) + 1);
	return out;
}
