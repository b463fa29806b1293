#include "store/base/alloc.h"
#include "store/hash/hash.h"

#include <stdlib.h>

/* DVC's numbers: the chunk it reads, and how much of it decides about text. */
#define CHUNK_N ((size_t)1 << 20)
#define LOOK_N	((size_t)512)

static bool is_text_byte(uint8_t c)
{
	return (c >= 0x20 && c <= 0x7e) || c == '\n' || c == '\r' || c == '\t' ||
	       c == '\f' || c == '\b';
}

/* No NUL and at most 30 % of odd bytes among the first 512 (or fewer). */
static bool looks_like_text(const uint8_t *p, size_t n)
{
	size_t odd = 0;

	n = MIN_OF(n, LOOK_N);
	for (size_t i = 0; i < n; i++) {
		if (p[i] == 0)
			return false;
		odd += !is_text_byte(p[i]);
	}
	return odd * 10 <= n * 3;
}

/* A pair that straddles two chunks stays: DVC converts chunk by chunk. */
static void hash_chunk(struct hash *md5, const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n, *from = p;

	if (!looks_like_text(p, n)) {
		hash_update(md5, p, n);
		return;
	}
	while (p < end) {
		const uint8_t *cr = memchr(p, '\r', (size_t)(end - p));

		if (!cr)
			break;
		if (cr + 1 < end && cr[1] == '\n') {
			hash_update(md5, from, (size_t)(cr - from));
			from = cr + 1;
		}
		p = cr + 1;
	}
	hash_update(md5, from, (size_t)(end - from));
}

void hash_dos2unix_begin(struct hash_dos2unix *h)
{
	hash_begin_md5(&h->md5);
	h->n = 0;
}

void hash_dos2unix_update(struct hash_dos2unix *h, const void *p, size_t n)
{
	const uint8_t *from = p;

	while (n > 0) {
		size_t take = MIN_OF(n, CHUNK_N - h->n);

		if (h->n == 0 && take == CHUNK_N) {
			hash_chunk(&h->md5, from, CHUNK_N);
		} else {
			if (!h->chunk)
				h->chunk = xmalloc(CHUNK_N);
			memcpy(h->chunk + h->n, from, take);
			h->n += take;
			if (h->n == CHUNK_N) {
				hash_chunk(&h->md5, h->chunk, CHUNK_N);
				h->n = 0;
			}
		}
		from += take;
		n -= take;
	}
}

void hash_dos2unix_end(struct hash_dos2unix *h, uint8_t out[HASH_MD5_N])
{
	if (h->n > 0)
		hash_chunk(&h->md5, h->chunk, h->n);
	h->n = 0;
	hash_end(&h->md5, out);
}

void hash_dos2unix_release(struct hash_dos2unix *h)
{
	if (!h)
		return;
	hash_release(&h->md5);
	free(h->chunk);
	*h = (struct hash_dos2unix){0};
}

void hash_dos2unix(const void *p, size_t n, uint8_t out[HASH_MD5_N])
{
	const uint8_t *from = p;
	struct hash md5 = {0};

	hash_begin_md5(&md5);
	for (size_t at = 0; at < n; at += CHUNK_N)
		hash_chunk(&md5, from + at, MIN_OF(n - at, CHUNK_N));
	hash_end(&md5, out);
	hash_release(&md5);
}
