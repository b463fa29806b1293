#include "train/data/zip.h"

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "store/base/sys.h"
#include "store/base/utf8.h"
#include "store/base/vec.h"
#include "store/fmt/inflate.h"
#include "train/data/read.h"

#include <stdlib.h>
#include <string.h>

#define RAW_N	      ((size_t)256 << 10)
#define END_N	      22 /* of the end record, without its comment */
#define END64_N	      56
#define LOCATOR_N     20
#define ENTRY_N	      46
#define LOCAL_N	      30
#define DIRECTORY_MAX ((uint64_t)256 << 20)
#define NO_PEEK	      ((int64_t)-1)

static uint16_t u16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t u32(const uint8_t *p)
{
	return (uint32_t)u16(p) | (uint32_t)u16(p + 2) << 16;
}

static uint64_t u64(const uint8_t *p)
{
	return (uint64_t)u32(p) | (uint64_t)u32(p + 4) << 32;
}

static int corrupt(const struct zip *z, const char *what, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "'%s': bad zip file: %s", z->src.path, what);
}

static int pread_all(const struct zip *z, void *p, size_t n, uint64_t at, struct err *e)
{
	ssize_t got;

	if (at > (uint64_t)z->src.size || n > (uint64_t)z->src.size - at)
		return corrupt(z, "it ends too soon", e);
	got = sys_pread(z->src.fd, p, n, (int64_t)at);
	if (got < 0)
		return err_sys(e, "read", z->src.path);
	return (size_t)got == n ? 0
				: err_set(e, ERR_CORRUPT,
					  "'%s' changed while it was read", z->src.path);
}

/* Where the directory is, how long, and of how many entries. */
struct directory {
	uint64_t at, n, entries;
};

static int find_directory64(const struct zip *z, uint64_t end, struct directory *d,
			    struct err *e)
{
	uint8_t b[END64_N];
	int r;

	if (end < LOCATOR_N)
		return corrupt(z, "no directory", e);
	if ((r = pread_all(z, b, LOCATOR_N, end - LOCATOR_N, e)) < 0)
		return r;
	if (u32(b) != 0x07064b50)
		return corrupt(z, "no directory of 64 bits", e);
	if ((r = pread_all(z, b, END64_N, u64(b + 8), e)) < 0)
		return r;
	if (u32(b) != 0x06064b50)
		return corrupt(z, "no directory of 64 bits", e);
	*d = (struct directory){u64(b + 48), u64(b + 40), u64(b + 32)};
	return 0;
}

static int find_directory(const struct zip *z, struct directory *d, struct err *e)
{
	size_t n = (size_t)MIN_OF(z->src.size, (int64_t)(END_N + 65535));
	uint8_t *b = xmalloc(n + 1);
	uint64_t from = (uint64_t)z->src.size - n;
	int r = pread_all(z, b, n, from, e);

	for (size_t i = n >= END_N ? n - END_N + 1 : 0; r == 0 && i-- > 0;) {
		const uint8_t *p = b + i;

		if (u32(p) != 0x06054b50 || u16(p + 20) != n - i - END_N)
			continue;
		*d = (struct directory){u32(p + 16), u32(p + 12), u16(p + 10)};
		if (d->at == UINT32_MAX || d->n == UINT32_MAX || d->entries == UINT16_MAX)
			r = find_directory64(z, from + i, d, e);
		free(b);
		return r;
	}
	free(b);
	return r < 0 ? r : corrupt(z, "no directory", e);
}

/* Sizes of 64 bits, in the order of those fields that say "see there". */
static int extra64(const struct zip *z, struct zip_member *m, const uint8_t *p, size_t n,
		   struct err *e)
{
	uint64_t *const wide[] = {&m->size, &m->packed, &m->offset};

	while (n >= 4) {
		size_t len = u16(p + 2);
		const uint8_t *q = p + 4;

		if (len > n - 4)
			break;
		if (u16(p) == 1) {
			for (size_t i = 0; i < ARRAY_SIZE(wide); i++) {
				if (*wide[i] != UINT32_MAX)
					continue;
				if (len < 8)
					return corrupt(
						z, "a size of 64 bits is not there", e);
				*wide[i] = u64(q);
				q += 8;
				len -= 8;
			}
			return 0;
		}
		p += 4 + len;
		n -= 4 + len;
	}
	return 0;
}

static int add_entry(struct zip *z, const uint8_t *p, size_t name_n, size_t extra_n,
		     struct err *e)
{
	unsigned flags = u16(p + 8), method = u16(p + 10);
	struct zip_member m = {.crc = u32(p + 16),
			       .packed = u32(p + 20),
			       .size = u32(p + 24),
			       .offset = u32(p + 42),
			       .deflated = method == 8};
	const char *name = (const char *)p + ENTRY_N;
	int r;

	if (flags & 1)
		return err_set(e, ERR_UNSUPPORTED, "'%s': encrypted members",
			       z->src.path);
	if (method != 0 && method != 8)
		return err_set(e, ERR_UNSUPPORTED, "'%s': compression method %u",
			       z->src.path, method);
	if (!utf8_valid(name, name_n) || memchr(name, '\0', name_n))
		return corrupt(z, "a member's name is no UTF-8", e);
	if ((r = extra64(z, &m, p + ENTRY_N + name_n, extra_n, e)) < 0)
		return r;
	/* Deflate makes at most 1032 bytes of one. */
	if (m.packed > (uint64_t)z->src.size || m.offset > (uint64_t)z->src.size ||
	    (m.deflated ? m.size / 1040 > m.packed : m.size != m.packed))
		return corrupt(z, "a member does not fit into it", e);
	m.name = xmemdup0(name, name_n);
	vec_push(z, m);
	return 0;
}

static int read_entries(struct zip *z, const uint8_t *p, size_t n, uint64_t entries,
			struct err *e)
{
	int r;

	for (; entries > 0; entries--) {
		size_t name_n, extra_n, all;

		if (n < ENTRY_N || u32(p) != 0x02014b50)
			return corrupt(z, "its directory ends too soon", e);
		name_n = u16(p + 28);
		extra_n = u16(p + 30);
		all = ENTRY_N + name_n + extra_n + u16(p + 32);
		if (n < all)
			return corrupt(z, "its directory ends too soon", e);
		if ((r = add_entry(z, p, name_n, extra_n, e)) < 0)
			return r;
		p += all;
		n -= all;
	}
	return 0;
}

struct at_offset {
	uint64_t offset;
	size_t member;
};

static int by_offset(const void *a, const void *b)
{
	const struct at_offset *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return x->member < y->member ? -1 : x->member > y->member;
}

static void sort_members(struct zip *z)
{
	struct at_offset *s = xcalloc(z->nr + 1, sizeof(s[0]));

	z->order = xcalloc(z->nr + 1, sizeof(z->order[0]));
	for (size_t i = 0; i < z->nr; i++)
		s[i] = (struct at_offset){z->v[i].offset, i};
	qsort(s, z->nr, sizeof(s[0]), by_offset);
	for (size_t i = 0; i < z->nr; i++)
		z->order[i] = s[i].member;
	free(s);
}

int zip_open(struct zip *z, const struct data_file *f, bool hash, struct err *e)
{
	struct directory d = {0};
	void *mem = NULL;
	int r;

	if ((r = source_open(&z->src, f, hash, e)) < 0)
		return r;
	if (source_hashes_itself(&z->src))
		return err_set(e, ERR_UNSUPPORTED, "'%s': a compressed .npz", f->path);
	if ((r = find_directory(z, &d, e)) < 0)
		return r;
	if (d.n > DIRECTORY_MAX || d.n > (uint64_t)z->src.size ||
	    d.entries > d.n / ENTRY_N)
		return corrupt(z, "its directory does not fit into it", e);
	if ((r = try_alloc(&mem, (size_t)d.n + 1, 1, "a zip directory", e)) < 0)
		return r;
	if ((r = pread_all(z, mem, (size_t)d.n, d.at, e)) == 0)
		r = read_entries(z, mem, (size_t)d.n, d.entries, e);
	free(mem);
	if (r == 0)
		sort_members(z);
	z->raw = xmalloc(RAW_N);
	z->peek_at = NO_PEEK;
	return r;
}

void zip_release(struct zip *z)
{
	for (size_t i = 0; i < z->nr; i++)
		free(z->v[i].name);
	free(z->v);
	free(z->order);
	free(z->raw);
	inflate_free(z->z);
	source_release(&z->src);
	*z = (struct zip){0};
}

size_t zip_in_order(const struct zip *z, size_t i)
{
	return z->order[i];
}

/* Bytes of the file itself, hashed as they come; or looked at only. */
static int next_bytes(struct zip *z, void *p, size_t n, struct err *e)
{
	size_t got;
	int r;

	if (z->peek_at != NO_PEEK) {
		r = pread_all(z, p, n, (uint64_t)z->peek_at, e);
		z->peek_at += (int64_t)n;
		return r;
	}
	if ((r = source_read(&z->src, p, n, &got, e)) < 0)
		return r;
	if (got < n)
		return corrupt(z, "it ends too soon", e);
	source_md5(&z->src, p, n);
	source_sha256(&z->src, p, n);
	return 0;
}

/* Behind the local header of member i, at whose start we are. */
static int begin_member(struct zip *z, size_t i, struct err *e)
{
	const struct zip_member *m = &z->v[i];
	uint8_t b[LOCAL_N];
	size_t more;
	int r;

	if ((r = next_bytes(z, b, LOCAL_N, e)) < 0)
		return r;
	if (u32(b) != 0x04034b50)
		return corrupt(z, "no member where the directory says", e);
	for (more = (size_t)u16(b + 26) + u16(b + 28); more > 0;) {
		size_t n = MIN_OF(more, RAW_N);

		if ((r = next_bytes(z, z->raw, n, e)) < 0)
			return r;
		more -= n;
	}
	inflate_free(z->z);
	z->z = NULL;
	if (m->deflated && (r = inflate_new(&z->z, INFLATE_DEFLATE, e)) < 0)
		return r;
	z->at = i;
	z->packed_left = m->packed;
	z->size_left = m->size;
	z->crc = 0;
	z->raw_at = z->raw_n = 0;
	return 0;
}

int zip_peek(struct zip *z, size_t i, struct err *e)
{
	z->peek_at = (int64_t)z->v[i].offset;
	return begin_member(z, i, e);
}

int zip_enter(struct zip *z, size_t i, struct err *e)
{
	uint64_t at = z->v[i].offset;
	int r;

	z->peek_at = NO_PEEK;
	if (at < (uint64_t)z->src.at)
		return corrupt(z, "members lie over each other", e);
	while ((uint64_t)z->src.at < at) {
		size_t n = (size_t)MIN_OF(at - (uint64_t)z->src.at, (uint64_t)RAW_N);

		if ((r = next_bytes(z, z->raw, n, e)) < 0)
			return r;
	}
	return begin_member(z, i, e);
}

static int read_deflated(struct zip *z, char *p, size_t n, struct err *e)
{
	size_t done = 0;
	int r;

	while (done < n) {
		size_t in_n = z->raw_n - z->raw_at, out_n = n - done;

		if (in_n == 0 && z->packed_left > 0) {
			in_n = (size_t)MIN_OF(z->packed_left, (uint64_t)RAW_N);
			if ((r = next_bytes(z, z->raw, in_n, e)) < 0)
				return r;
			z->packed_left -= in_n;
			z->raw_at = 0;
			z->raw_n = in_n;
		}
		r = inflate_some(z->z, z->raw + z->raw_at, &in_n, p + done, &out_n, e);
		if (r < 0)
			return err_ctx(e, r, "'%s'", z->src.path);
		z->raw_at += in_n;
		done += out_n;
		if (in_n == 0 && out_n == 0)
			return corrupt(z, "a member ends too soon", e);
	}
	return 0;
}

int zip_read(struct zip *z, char *p, size_t n, size_t *got, struct err *e)
{
	int r;

	n = (size_t)MIN_OF((uint64_t)n, z->size_left);
	if (z->z) {
		r = read_deflated(z, p, n, e);
	} else {
		r = next_bytes(z, p, n, e);
		z->packed_left -= n;
	}
	if (r < 0)
		return r;
	z->size_left -= n;
	z->crc = inflate_crc32(z->crc, p, n);
	*got = n;
	return 0;
}

int zip_leave(struct zip *z, struct err *e)
{
	const struct zip_member *m = &z->v[z->at];
	char extra;
	size_t in_n = z->raw_n - z->raw_at, out_n = 1;
	int r;

	if (z->size_left > 0)
		return corrupt(z, "a member is longer than its array", e);
	/* Deflate's own end may be still to come. */
	while (z->z && !inflate_is_done(z->z)) {
		if (in_n == 0 && z->packed_left > 0) {
			in_n = (size_t)MIN_OF(z->packed_left, (uint64_t)RAW_N);
			if ((r = next_bytes(z, z->raw, in_n, e)) < 0)
				return r;
			z->packed_left -= in_n;
			z->raw_at = 0;
			z->raw_n = in_n;
		}
		out_n = 1;
		r = inflate_some(z->z, z->raw + z->raw_at, &in_n, &extra, &out_n, e);
		if (r < 0)
			return err_ctx(e, r, "'%s'", z->src.path);
		z->raw_at += in_n;
		if (out_n > 0 || (in_n == 0 && !inflate_is_done(z->z)))
			return corrupt(z, "a member's size is wrong", e);
		in_n = z->raw_n - z->raw_at;
	}
	if (z->packed_left > 0 || in_n > 0)
		return corrupt(z, "a member's size is wrong", e);
	if (z->crc != m->crc)
		return err_set(e, ERR_CORRUPT, "'%s': member '%s' fails its CRC-32",
			       z->src.path, m->name);
	return 0;
}

int zip_rest(struct zip *z, struct err *e)
{
	int r;

	while (z->src.at < z->src.size) {
		size_t n = (size_t)MIN_OF(z->src.size - z->src.at, (int64_t)RAW_N);

		if ((r = next_bytes(z, z->raw, n, e)) < 0)
			return r;
	}
	return 0;
}
