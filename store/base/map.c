#include "store/base/map.h"

#include "store/base/alloc.h"
#include "store/base/vec.h"

#include <assert.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

void map_release(struct map *m)
{
	if (!m)
		return;
	free(m->v);
	free(m->keys);
	free(m->table);
	*m = (struct map){0};
}

struct slice map_key(const struct map *m, size_t index)
{
	return (struct slice){m->keys + m->v[index].key_at, m->v[index].key_n};
}

/* The slot that holds key, or the free one where it belongs. */
static size_t slot_of(const struct map *m, struct slice key)
{
	size_t mask = m->table_n - 1;
	size_t i = (size_t)XXH3_64bits(key.n ? key.p : "", key.n) & mask;

	while (m->table[i] != 0 && !slice_eq(map_key(m, m->table[i] - 1), key))
		i = (i + 1) & mask;
	return i;
}

/* Keep the table at most two thirds full. */
static void rehash(struct map *m, size_t nr)
{
	size_t n = m->table_n ? m->table_n : 16;

	while (n / 3 * 2 < nr + 1)
		n *= 2;
	if (n == m->table_n)
		return;
	free(m->table);
	m->table = xcalloc(n, sizeof(*m->table));
	m->table_n = n;
	for (size_t i = 0; i < m->nr; i++)
		m->table[slot_of(m, map_key(m, i))] = (uint32_t)(i + 1);
}

void map_reserve(struct map *m, size_t nr)
{
	vec_reserve(m, nr);
	rehash(m, nr);
}

size_t map_get(const struct map *m, struct slice key)
{
	size_t i;

	if (m->nr == 0)
		return MAP_NONE;
	i = slot_of(m, key);
	return m->table[i] ? m->v[m->table[i] - 1].value : MAP_NONE;
}

bool map_has(const struct map *m, struct slice key)
{
	return m->nr > 0 && m->table[slot_of(m, key)] != 0;
}

static void keep_key(struct map *m, struct slice key)
{
	if (m->keys_cap - m->keys_n < key.n)
		m->keys = vec_grow(m->keys, &m->keys_cap, m->keys_n + key.n, 1);
	if (key.n > 0)
		memcpy(m->keys + m->keys_n, key.p, key.n);
}

size_t *map_at(struct map *m, struct slice key)
{
	struct map_entry entry;
	size_t i;

	rehash(m, m->nr + 1);
	i = slot_of(m, key);
	if (m->table[i] == 0) {
		assert(m->nr < UINT32_MAX - 1);
		keep_key(m, key);
		entry = (struct map_entry){m->keys_n, key.n, MAP_NONE};
		m->keys_n += key.n;
		vec_push(m, entry);
		m->table[i] = (uint32_t)m->nr;
	}
	return &m->v[m->table[i] - 1].value;
}

bool map_set(struct map *m, struct slice key, size_t value)
{
	size_t before = m->nr;

	*map_at(m, key) = value;
	return m->nr > before;
}
