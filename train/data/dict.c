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

static uint64_t load8(const char *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

static uint64_t load4(const char *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

/* With the length, all that there is to know of up to 8 bytes. */
static uint64_t head_of(const char *p, size_t n)
{
	if (n >= 8)
		return load8(p);
	if (n >= 4)
		return load4(p) | load4(p + n - 4) << 32;
	if (n == 0)
		return 0;
	return (uint64_t)(uint8_t)p[0] | (uint64_t)(uint8_t)p[n / 2] << 8 |
	       (uint64_t)(uint8_t)p[n - 1] << 16;
}

/* Lives in memory only, so that the order of bytes does not matter. */
uint32_t dict_hash(const char *p, size_t n)
{
	uint64_t h = (n * 0x9E3779B97F4A7C15u) ^ head_of(p, n);

	for (; n > 8; n -= 8) {
		h = (h ^ h >> 29) * 0xBF58476D1CE4E5B9u;
		p += 8;
		h ^= n >= 16 ? load8(p) : load8(p + n - 16);
	}
	/* Names in a row differ in one byte: each bit must reach all others. */
	h = (h ^ h >> 32) * 0xBF58476D1CE4E5B9u;
	h = (h ^ h >> 29) * 0x94D049BB133111EBu;
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
	uint64_t head = head_of(p, n);

	for (; d->slots[at]; at = (at + 1) & (d->slots_n - 1)) {
		const struct dict_entry *x = &d->v[d->slots[at] - 1];

		if (x->hash == hash && x->n == n && x->head == head &&
		    (n <= 8 || memcmp(x->p + 8, p + 8, n - 8) == 0))
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
		struct dict_entry x = {
			.head = head_of(p, n), .n = (uint32_t)n, .hash = hash};

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
