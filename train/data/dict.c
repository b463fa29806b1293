#include "train/data/dict.h"

#include "store/base/alloc.h"
#include "store/base/vec.h"

#include <stdlib.h>
#include <string.h>

void dict_release(struct dict *d)
{
	vec_release(d);
	free(d->slots);
	arena_release(&d->keys);
	*d = (struct dict){0};
}

void dict_reset(struct dict *d)
{
	if (d->nr)
		memset(d->slots, 0, d->slots_n * sizeof(d->slots[0]));
	d->nr = 0;
}

static uint64_t load(const char *p, size_t n)
{
	uint64_t v = 0;

	memcpy(&v, p, n);
	return v;
}

/* Lives in memory only, so that the order of bytes does not matter. */
uint32_t dict_hash(const char *p, size_t n)
{
	uint64_t h = n * 0x9E3779B97F4A7C15u;

	for (; n >= 8; p += 8, n -= 8) {
		h = (h ^ load(p, 8)) * 0xBF58476D1CE4E5B9u;
		h ^= h >> 29;
	}
	if (n >= 4)
		h ^= load(p, 4) | load(p + n - 4, 4) << 32;
	else if (n)
		h ^= (uint64_t)(uint8_t)p[0] | (uint64_t)(uint8_t)p[n / 2] << 8 |
		     (uint64_t)(uint8_t)p[n - 1] << 16;
	h *= 0x94D049BB133111EBu;
	return (uint32_t)(h >> 32);
}

static void grow(struct dict *d)
{
	size_t n = d->slots_n ? 2 * d->slots_n : 16;

	free(d->slots);
	d->slots = xcalloc(n, sizeof(d->slots[0]));
	d->slots_n = n;
	for (size_t i = 0; i < d->nr; i++) {
		size_t at = d->v[i].hash & (n - 1);

		while (d->slots[at])
			at = (at + 1) & (n - 1);
		d->slots[at] = (uint32_t)i + 1;
	}
}

/* Where the text is, or would be. */
static size_t find(const struct dict *d, const char *p, size_t n, uint32_t hash)
{
	size_t at = hash & (d->slots_n - 1);

	for (; d->slots[at]; at = (at + 1) & (d->slots_n - 1)) {
		const struct dict_entry *x = &d->v[d->slots[at] - 1];

		if (x->hash == hash && x->n == n && (n == 0 || memcmp(x->p, p, n) == 0))
			break;
	}
	return at;
}

uint32_t dict_put(struct dict *d, const char *p, size_t n, uint32_t hash, bool copy)
{
	size_t at;

	if (d->nr * 2 >= d->slots_n)
		grow(d);
	at = find(d, p, n, hash);
	if (!d->slots[at]) {
		struct dict_entry x = {.n = (uint32_t)n, .hash = hash};

		x.p = copy ? arena_strndup(&d->keys, p, n) : p;
		vec_push(d, x);
		d->slots[at] = (uint32_t)d->nr;
	}
	return d->slots[at] - 1;
}

uint32_t dict_get(const struct dict *d, const char *p, size_t n)
{
	size_t at;

	if (d->nr == 0)
		return DICT_NONE;
	at = find(d, p, n, dict_hash(p, n));
	return d->slots[at] ? d->slots[at] - 1 : DICT_NONE;
}
