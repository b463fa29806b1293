#include "remote/resume.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/log.h"
#include "store/base/parse.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/hash/hash.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "lode-transfer 1"

enum {
	LIMIT = 8 << 20,
	NAME_N = 32 + 3, /* MD5 of the URL in hex, ".up" or ".dn" */
	PARTS_MAX = 10000,
};

void resume_release(struct resume *r)
{
	for (size_t i = 0; i < r->parts.nr; i++)
		free(r->parts.v[i].etag);
	vec_release(&r->parts);
	vec_release(&r->ranges);
	free(r->url);
	free(r->upload_id);
	free(r->etag);
	*r = (struct resume){0};
}

static bool is_line(const char *text)
{
	return text && text[0] && !strpbrk(text, "\r\n");
}

bool resume_format(const struct resume *r, struct buf *out)
{
	size_t at = out->n;
	char hex[33];
	uint8_t sum[16];

	if (!is_line(r->url) || !is_line(r->is_upload ? r->upload_id : r->etag))
		return false;
	buf_addf(out, MAGIC "\nkind %s\nurl %s\n", r->is_upload ? "upload" : "download",
		 r->url);
	buf_addf(out, "headers %s\n", hex_encode(r->headers, 16, hex));
	buf_addf(out, "bytes %llu\npart-bytes %llu\nstarted %lld\ninode %llu\n",
		 (unsigned long long)r->bytes, (unsigned long long)r->part_bytes,
		 (long long)r->started_ns, (unsigned long long)r->inode);
	if (r->is_upload)
		buf_addf(out, "mtime %lld\nupload-id %s\n", (long long)r->mtime_ns,
			 r->upload_id);
	else
		buf_addf(out, "etag %s\n", r->etag);
	for (size_t i = 0; i < r->parts.nr; i++) {
		const struct resume_part *p = &r->parts.v[i];

		if (!is_line(p->etag))
			continue; /* it will be asked for, or sent again */
		buf_addf(out, "part %u %s %s\n", p->number, hex_encode(p->md5, 16, hex),
			 p->etag);
	}
	for (size_t i = 0; i < r->ranges.nr; i++)
		buf_addf(out, "range %u %u %llu\n", r->ranges.v[i].first,
			 r->ranges.v[i].last, (unsigned long long)r->ranges.v[i].got);
	hash_md5(out->p + at, out->n - at, sum);
	buf_addf(out, "sum %s\n", hex_encode(sum, 16, hex));
	return true;
}

/* The next line, which must be "NAME VALUE". */
static bool field(struct slice *rest, const char *name, struct slice *value)
{
	struct slice line = slice_cut(rest, '\n'), key = slice_cut(&line, ' ');

	*value = line;
	return rest->p && slice_is(key, name) && line.p && line.n > 0;
}

static bool text_field(struct slice *rest, const char *name, char **out)
{
	struct slice v;

	if (!field(rest, name, &v) || memchr(v.p, '\0', v.n) || memchr(v.p, '\r', v.n))
		return false;
	*out = xmemdup0(v.p, v.n);
	return true;
}

static bool u64_field(struct slice *rest, const char *name, uint64_t *out)
{
	struct slice v;

	return field(rest, name, &v) && parse_u64(v, out);
}

static bool i64_field(struct slice *rest, const char *name, int64_t *out)
{
	struct slice v;

	return field(rest, name, &v) && parse_i64(v, out);
}

static bool parse_number(struct slice s, unsigned max, unsigned *out)
{
	uint64_t v;

	if (!parse_u64(s, &v) || v > max)
		return false;
	*out = (unsigned)v;
	return true;
}

static bool parse_head(struct slice *rest, struct resume *r)
{
	struct slice line = slice_cut(rest, '\n'), v;

	if (!rest->p || !slice_is(line, MAGIC) || !field(rest, "kind", &v))
		return false;
	r->is_upload = slice_is(v, "upload");
	if (!r->is_upload && !slice_is(v, "download"))
		return false;
	return text_field(rest, "url", &r->url) && field(rest, "headers", &v) &&
	       hex_decode(v, r->headers, 16) && u64_field(rest, "bytes", &r->bytes) &&
	       u64_field(rest, "part-bytes", &r->part_bytes) && r->part_bytes > 0 &&
	       r->bytes > 0 && r->bytes <= INT64_MAX &&
	       i64_field(rest, "started", &r->started_ns) &&
	       u64_field(rest, "inode", &r->inode) &&
	       (r->is_upload ? i64_field(rest, "mtime", &r->mtime_ns) &&
				       text_field(rest, "upload-id", &r->upload_id)
			     : text_field(rest, "etag", &r->etag));
}

static uint64_t pieces_of(const struct resume *r)
{
	return (r->bytes - 1) / r->part_bytes + 1;
}

uint64_t resume_piece(const struct resume *r, unsigned index)
{
	uint64_t at = index * r->part_bytes;

	return at >= r->bytes ? 0 : MIN_OF(r->part_bytes, r->bytes - at);
}

static bool parse_part(struct slice v, struct resume *r)
{
	struct slice number = slice_cut(&v, ' '), md5 = slice_cut(&v, ' ');
	uint64_t max = MIN_OF(pieces_of(r), (uint64_t)PARTS_MAX);
	struct resume_part p = {0};

	if (!v.p || v.n == 0 || memchr(v.p, '\0', v.n) || memchr(v.p, '\r', v.n) ||
	    !parse_number(number, (unsigned)max, &p.number) ||
	    !hex_decode(md5, p.md5, 16))
		return false;
	if (p.number <= (r->parts.nr ? r->parts.v[r->parts.nr - 1].number : 0))
		return false;
	p.etag = xmemdup0(v.p, v.n);
	vec_push(&r->parts, p);
	return true;
}

static bool parse_range(struct slice v, struct resume *r)
{
	struct slice first = slice_cut(&v, ' '), last = slice_cut(&v, ' ');
	uint64_t nr = pieces_of(r);
	unsigned max = nr > UINT32_MAX ? UINT32_MAX : (unsigned)nr;
	struct resume_range g = {0};

	if (!v.p || !parse_number(first, max - 1, &g.first) ||
	    !parse_number(last, max - 1, &g.last) || !parse_u64(v, &g.got) ||
	    g.first > g.last || g.got == 0 || g.got > resume_piece(r, g.last))
		return false;
	if (r->ranges.nr > 0 && g.first <= r->ranges.v[r->ranges.nr - 1].last)
		return false;
	vec_push(&r->ranges, g);
	return true;
}

static bool parse_rest(struct slice rest, struct resume *r)
{
	while (rest.n > 0) {
		struct slice line = slice_cut(&rest, '\n'), key;

		if (!rest.p)
			return false; /* a line without its end */
		key = slice_cut(&line, ' ');
		if (!line.p)
			return false;
		if (r->is_upload && slice_is(key, "part")     ? !parse_part(line, r)
		    : !r->is_upload && slice_is(key, "range") ? !parse_range(line, r)
							      : true)
			return false;
	}
	return true;
}

int resume_parse(struct slice text, struct resume *out, struct err *e)
{
	enum {
		SUM_N = 4 + 32 + 1
	};
	struct resume r = {0};
	uint8_t want[16], got[16];
	struct slice rest = text;

	if (text.n < SUM_N ||
	    !slice_starts((struct slice){text.p + text.n - SUM_N, SUM_N}, "sum ") ||
	    text.p[text.n - 1] != '\n' ||
	    !hex_decode((struct slice){text.p + text.n - 33, 32}, want, 16))
		return err_set(e, ERR_CORRUPT, "the file ends without its sum");
	rest.n -= SUM_N;
	hash_md5(rest.p, rest.n, got);
	if (memcmp(want, got, 16) != 0)
		return err_set(e, ERR_CORRUPT, "the file's sum is wrong");
	if (!parse_head(&rest, &r) || !parse_rest(rest, &r)) {
		resume_release(&r);
		return err_set(e, ERR_CORRUPT, "a line is not as it should be");
	}
	*out = r;
	return 0;
}

static char *path_of(const char *dir, bool is_upload, const char *url)
{
	uint8_t md5[16];
	char hex[33];

	hash_md5(url, strlen(url), md5);
	return xasprintf("%s/%s%s", dir, hex_encode(md5, 16, hex),
			 is_upload ? ".up" : ".dn");
}

static void forget(struct resume_file *f)
{
	lock_drop(&f->lock);
	free(f->path);
	free(f->lock_path);
	*f = (struct resume_file){0};
}

/*
 * The lock's file goes with the transfer, so that the directory does not fill
 * up: whoever got the lock of a file without a name must try again.
 */
static bool take_lock(struct resume_file *f, struct err *e)
{
	for (int tries = 0; tries < 4; tries++) {
		struct stat st;

		if (lock_take(&f->lock, AT_FDCWD, f->lock_path, false, LOCK_WAIT_NOT,
			      NULL, e) < 0)
			return false;
		if (sys_fstat(f->lock.fd, &st) == 0 && st.st_nlink > 0)
			return true;
		lock_drop(&f->lock);
	}
	return false;
}

static bool open_path(struct resume_file *f, char *take_path)
{
	struct err e = {0};

	*f = (struct resume_file){.path = take_path};
	f->lock_path = xasprintf("%s.lock", f->path);
	if (!take_lock(f, &e)) {
		log_debug("s3", "%s goes without: %s", f->path, e.text);
		forget(f);
		return false;
	}
	f->live = true;
	return true;
}

bool resume_open(struct resume_file *f, const char *dir, bool is_upload, const char *url)
{
	struct err e = {0};

	*f = (struct resume_file){0};
	if (!dir)
		return false;
	if (fs_mkdirs(AT_FDCWD, dir, 0, &e) < 0) {
		log_debug("s3", "transfers cannot be recorded: %s", e.text);
		return false;
	}
	return open_path(f, path_of(dir, is_upload, url));
}

bool resume_load(struct resume_file *f, struct resume *out)
{
	struct buf text = {0};
	struct err e = {0};
	int r = fs_read(AT_FDCWD, f->path, LIMIT, &text, &e);

	if (r == 0)
		r = resume_parse(buf_slice(&text), out, &e);
	buf_release(&text);
	if (r == 0)
		return true;
	if (r != ERR_NOTFOUND) {
		log_debug("s3", "%s is of no use: %s", f->path, e.text);
		IGNORE_RESULT(sys_unlinkat(AT_FDCWD, f->path, 0) < 0);
	}
	return false;
}

/* Not synced: what a power cut spoils does not pass the sum. */
void resume_save(struct resume_file *f, const struct buf *text)
{
	struct err e = {0};

	if (f->live &&
	    fs_write(AT_FDCWD, f->path, buf_slice(text), 0666, FS_SYNC_NONE, &e) < 0)
		log_debug("s3", "%s not saved: %s", f->path, e.text);
}

void resume_drop(struct resume_file *f)
{
	IGNORE_RESULT(sys_unlinkat(AT_FDCWD, f->path, 0) < 0);
}

void resume_done(struct resume_file *f)
{
	if (f->live) {
		IGNORE_RESULT(sys_unlinkat(AT_FDCWD, f->path, 0) < 0);
		IGNORE_RESULT(sys_unlinkat(AT_FDCWD, f->lock_path, 0) < 0);
	}
	forget(f);
}

void resume_close(struct resume_file *f)
{
	if (f->live && !fs_exists(AT_FDCWD, f->path))
		IGNORE_RESULT(sys_unlinkat(AT_FDCWD, f->lock_path, 0) < 0);
	forget(f);
}

static bool is_name(const char *name, bool is_upload)
{
	size_t n = strlen(name);

	return n == NAME_N && strspn(name, "0123456789abcdef") == 32 &&
	       strcmp(name + 32, is_upload ? ".up" : ".dn") == 0;
}

bool resume_any(const char *dir, bool is_upload)
{
	struct fs_dir *d;
	struct fs_dirent ent;
	bool any = false;

	if (!dir || fs_dir_open(&d, AT_FDCWD, dir, NULL) < 0)
		return false;
	while (!any && fs_dir_next(d, &ent, NULL) == 1)
		any = is_name(ent.name, is_upload);
	fs_dir_close(d);
	return any;
}

static void show(const char *path, resume_each_fn fn, void *ctx)
{
	struct resume_file f;
	struct resume r = {0};
	struct buf text = {0};

	if (open_path(&f, xstrdup(path))) {
		if (resume_load(&f, &r))
			fn(ctx, &f, &r);
		resume_close(&f);
	} else if (fs_read(AT_FDCWD, path, LIMIT, &text, NULL) == 0 &&
		   resume_parse(buf_slice(&text), &r, NULL) == 0) {
		fn(ctx, NULL, &r);
	}
	resume_release(&r);
	buf_release(&text);
}

int resume_each(const char *dir, resume_each_fn fn, void *ctx, struct err *e)
{
	struct strvec names = {0};
	struct fs_dir *d;
	struct fs_dirent ent;
	int r = fs_dir_open(&d, AT_FDCWD, dir, e);

	if (r == ERR_NOTFOUND)
		return 0;
	if (r < 0)
		return r;
	while ((r = fs_dir_next(d, &ent, e)) == 1)
		if (is_name(ent.name, true) || is_name(ent.name, false))
			strvec_push(&names, ent.name);
	fs_dir_close(d);
	strvec_sort(&names);
	for (size_t i = 0; r == 0 && i < names.nr; i++) {
		char *path = path_join(dir, names.v[i]);

		show(path, fn, ctx);
		free(path);
	}
	strvec_release(&names);
	return r;
}
