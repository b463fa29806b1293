#include "remote/s3_quirks.h"

#include "store/base/arena.h"
#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/fmt/json.h"
#include "store/fmt/jsonw.h"
#include "store/fmt/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MIB (UINT64_C(1) << 20)

/*
 * The first row whose host fits. Sources: the services' own documents, and for
 * Ceph, Swift, MinIO and s3rver what was seen on them.
 */
static const struct s3_quirks table[] = {
	/* AWS drops idle connections after about 5 s. */
	{"AWS", ".amazonaws.com", NULL, S3_CONDITIONAL | S3_CRC32C | S3_CRC64NVME, 0, 0,
	 4},
	{"AWS", ".amazonaws.com.cn", NULL, S3_CONDITIONAL | S3_CRC32C | S3_CRC64NVME, 0,
	 0, 4},
	{"R2", ".r2.cloudflarestorage.com", "auto", S3_CONDITIONAL, 0, 0, 0},
	/* The XML API: checksum headers are refused, If-None-Match is not seen, bulk
	 * deletion came late. */
	{"GCS", "storage.googleapis.com", "auto", S3_SINGLE_DELETE, 0, 0, 0},
	{"Wasabi", ".wasabisys.com", NULL, 0, 0, 0, 0},
	{"B2", ".backblazeb2.com", NULL, 0, 0, 0, 0},
	{"DigitalOcean", ".digitaloceanspaces.com", NULL, S3_PLAIN_KEYS, 0, 0, 0},
	{"Scaleway", ".scw.cloud", NULL, 0, 1000, 0, 0},
	/* Its segments are of 64 MiB: smaller parts are billed as whole ones. */
	{"Storj", "gateway.storjshare.io", NULL, 0, 0, 64 * MIB, 0},
	{"Alibaba", ".aliyuncs.com", NULL, S3_VIRTUAL, 0, 0, 0},
	{"Tencent", ".myqcloud.com", NULL, S3_VIRTUAL, 0, 0, 0},
	{"Fastly", ".fastlystorage.app", NULL, S3_NO_MULTIPART, 0, 0, 0},
	{"Linode", ".linodeobjects.com", NULL, 0, 0, 0, 0},
	{"Hetzner", ".your-objectstorage.com", NULL, 0, 0, 0, 0},
	{"Tigris", "fly.storage.tigris.dev", "auto", S3_CONDITIONAL, 0, 0, 0},
	/* Products that run under anybody's name: by the setting only. */
	{"Ceph", NULL, NULL, S3_CONDITIONAL, 0, 0, 0},
	{"Swift", NULL, NULL, 0, 1000, 0, 0},
	{"MinIO", NULL, NULL, S3_CONDITIONAL | S3_CRC32C | S3_CRC64NVME, 0, 0, 0},
	{"versitygw", NULL, NULL, S3_CONDITIONAL | S3_CRC32C | S3_CRC64NVME, 0, 0, 0},
	{"Garage", NULL, "garage", 0, 0, 0, 0},
	{"SeaweedFS", NULL, NULL, S3_LIST_V1 | S3_PLAIN_KEYS, 0, 0, 0},
	{"", "", NULL, 0, 0, 0, 0},
};

const struct s3_quirks *s3_quirks_of(const char *host)
{
	struct slice name = {host, strcspn(host, ":")};
	size_t last = ARRAY_SIZE(table) - 1;

	for (size_t i = 0; i < last; i++)
		if (table[i].host &&
		    (slice_ends(name, table[i].host) || slice_is(name, table[i].host)))
			return &table[i];
	return &table[last];
}

const struct s3_quirks *s3_quirks_named(const char *provider)
{
	for (size_t i = 0; i + 1 < ARRAY_SIZE(table); i++)
		if (strcasecmp(table[i].provider, provider) == 0)
			return &table[i];
	return NULL;
}

void s3_quirks_names(struct buf *out)
{
	for (size_t i = 0; i + 1 < ARRAY_SIZE(table); i++)
		if (i == 0 || strcmp(table[i].provider, table[i - 1].provider) != 0)
			buf_addf(out, "%s%s", i > 0 ? ", " : "", table[i].provider);
}

/* ---- what a test found ------------------------------------------------------ */

static const struct {
	enum s3_quirk flag;
	const char *name;
} names[] = {
	{S3_LIST_V1, "list_v1"},
	{S3_PLAIN_KEYS, "plain_keys"},
	{S3_SINGLE_DELETE, "single_delete"},
	{S3_NO_MULTIPART, "no_multipart"},
	{S3_CONDITIONAL, "conditional"},
	{S3_CRC32C, "crc32c"},
	{S3_CRC64NVME, "crc64nvme"},
};

const char *s3_quirk_name(enum s3_quirk q)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].flag == q)
			return names[i].name;
	return NULL;
}

int s3_learned_parse(struct slice text, struct s3_learned *out, struct err *e)
{
	struct arena a = {0};
	struct value *root = NULL;
	struct s3_learned l = {0};
	const char *at;
	int r = json_read(text, "what a test of the remote found", &a, &root, e);

	if (r == 0 && !value_is(root, VALUE_MAP))
		r = err_set(e, ERR_CORRUPT, "what a test of the remote found is no map");
	at = r == 0 ? value_text(value_get(root, "at"), "") : "";
	if (r == 0 && !clock_parse(at, strlen(at), &l.at_ns))
		r = err_set(e, ERR_CORRUPT,
			    "what a test of the remote found: 'at' is no time");
	if (r == 0)
		IGNORE_RESULT(snprintf(l.where, sizeof(l.where), "%s",
				       value_text(value_get(root, "where"), "")) < 0);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(names); i++) {
		const struct value *v = value_get(root, names[i].name);

		if (!value_is(v, VALUE_BOOL))
			continue;
		l.known |= names[i].flag;
		l.flags |= v->b ? names[i].flag : 0;
	}
	if (r == 0)
		*out = l;
	arena_release(&a);
	return r;
}

void s3_learned_format(const struct s3_learned *l, struct buf *out)
{
	struct jsonw w;
	char at[21];

	clock_format_iso(l->at_ns, at);
	jsonw_init(&w, out, 2);
	jsonw_object(&w);
	jsonw_key(&w, "at");
	jsonw_str(&w, at);
	jsonw_key(&w, "where");
	jsonw_str(&w, l->where);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!(l->known & names[i].flag))
			continue;
		jsonw_key(&w, names[i].name);
		jsonw_bool(&w, (l->flags & names[i].flag) != 0);
	}
	jsonw_end(&w);
	buf_addc(out, '\n');
}
