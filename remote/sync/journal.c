#include "remote/sync/journal.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/log.h"
#include "store/base/path.h"
#include "store/base/vec.h"
#include "store/hash/hash.h"

#include <fcntl.h>
#include <stdlib.h>

/*
 * magic[8], then records of 26 bytes (digest[16], algo, is_dir, time[8] little
 * endian), then the MD5 of all that stands before it.
 */
#define MAGIC	 "LODEJRN1"
#define MAGIC_N	 8
#define RECORD_N 26
#define SUM_N	 16
#define LIMIT	 (64u << 20)

static struct slice oid_key(const struct oid *oid)
{
	return (struct slice){(const char *)oid, sizeof(*oid)};
}

static void put_le64(struct buf *b, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		buf_addc(b, (char)(v >> (8 * i) & 0xff));
}

static uint64_t get_le64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static char *file_of(const char *state_dir, const char *url)
{
	uint8_t digest[16];
	char hex[33];

	hash_md5(url, strlen(url), digest);
	hex_encode(digest, sizeof(digest), hex);
	return xasprintf("%s/remotes/%s.journal", state_dir, hex);
}

static bool parse(struct journal *j, struct slice text)
{
	const uint8_t *p = (const uint8_t *)text.p;
	int64_t now = clock_wall_ns();
	uint8_t sum[SUM_N];
	size_t nr;

	if (text.n < MAGIC_N + SUM_N || memcmp(p, MAGIC, MAGIC_N) != 0 ||
	    (text.n - MAGIC_N - SUM_N) % RECORD_N != 0)
		return false;
	hash_md5(p, text.n - SUM_N, sum);
	if (memcmp(sum, p + text.n - SUM_N, SUM_N) != 0)
		return false;
	nr = (text.n - MAGIC_N - SUM_N) / RECORD_N;
	p += MAGIC_N;
	for (size_t i = 0; i < nr; i++, p += RECORD_N) {
		struct journal_entry entry = {0};

		memcpy(entry.oid.b, p, 16);
		entry.oid.algo = p[16];
		entry.oid.is_dir = p[17] != 0;
		entry.confirmed_ns = (int64_t)get_le64(p + 18);
		if (entry.confirmed_ns > now)
			return false; /* the clock stepped back since */
		if (now - entry.confirmed_ns > JOURNAL_FRESH_NS)
			continue;
		journal_confirm(j, &entry.oid, entry.confirmed_ns);
	}
	return true;
}

void journal_open(struct journal *j, const char *state_dir, const char *url)
{
	struct buf text = {0};
	struct err e = {0};

	*j = (struct journal){.path = file_of(state_dir, url)};
	if (fs_read(AT_FDCWD, j->path, LIMIT, &text, &e) == 0 &&
	    !parse(j, buf_slice(&text))) {
		log_debug("sync", "journal %s is not usable, starting anew", j->path);
		journal_drop_all(j);
	}
	j->changed = false;
	buf_release(&text);
}

int64_t journal_confirmed(const struct journal *j, const struct oid *oid)
{
	size_t at = map_get(&j->at, oid_key(oid));
	int64_t now = clock_wall_ns(), then;

	if (at == MAP_NONE)
		return 0;
	then = j->v[at].confirmed_ns;
	return then <= now && now - then <= JOURNAL_FRESH_NS ? then : 0;
}

void journal_confirm(struct journal *j, const struct oid *oid, int64_t when_ns)
{
	size_t at = map_get(&j->at, oid_key(oid));
	struct journal_entry entry = {*oid, when_ns};

	j->changed = true;
	if (at != MAP_NONE) {
		j->v[at].confirmed_ns = when_ns;
		return;
	}
	map_set(&j->at, oid_key(oid), j->nr);
	vec_push(j, entry);
}

void journal_drop_all(struct journal *j)
{
	map_release(&j->at);
	j->nr = 0;
	j->changed = true;
}

void journal_save(struct journal *j)
{
	struct buf text = {0};
	struct err e = {0};
	uint8_t sum[SUM_N];
	struct slice dir;
	char *dir_text;

	if (!j->path || !j->changed)
		return;
	buf_add(&text, MAGIC, MAGIC_N);
	for (size_t i = 0; i < j->nr; i++) {
		const struct journal_entry *entry = &j->v[i];

		buf_add(&text, entry->oid.b, 16);
		buf_addc(&text, (char)entry->oid.algo);
		buf_addc(&text, (char)entry->oid.is_dir);
		put_le64(&text, (uint64_t)entry->confirmed_ns);
	}
	hash_md5(text.p, text.n, sum);
	buf_add(&text, sum, SUM_N);
	dir = path_dir(j->path);
	dir_text = xmemdup0(dir.p, dir.n);
	if (fs_mkdirs(AT_FDCWD, dir_text, 0, &e) < 0 ||
	    fs_write(AT_FDCWD, j->path, buf_slice(&text), 0666, FS_SYNC_NONE, &e) < 0)
		log_debug("sync", "journal not saved: %s", e.text);
	j->changed = false;
	free(dir_text);
	buf_release(&text);
}

void journal_release(struct journal *j)
{
	if (!j)
		return;
	free(j->path);
	vec_release(j);
	map_release(&j->at);
	*j = (struct journal){0};
}
