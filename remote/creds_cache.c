/*
 * Sessions of roles that took a code: a code counts once, so it is asked for once
 * a program, and not at all while the AWS tools hold such a session. Theirs is
 * read where they keep it (~/.aws/cli/cache); ours is in memory only.
 */
#include "remote/creds_int.h"

#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/log.h"
#include "store/base/parse.h"
#include "store/base/vec.h"
#include "store/fmt/jsonw.h"
#include "store/fmt/value.h"
#include "store/hash/hash.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	FILE_MAX = 64 << 10,
	SESSIONS_MAX = 16,
};

/* One that ends within this is not worth beginning with. */
#define SOON_NS (INT64_C(60) * 1000000000)

struct session {
	char *name; /* of the file that the AWS tools would have */
	struct creds_keys keys;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct session sessions[SESSIONS_MAX];
static size_t sessions_nr;

/*
 * SHA-1 of the request as Python's json.dumps(sort_keys=True) writes it; a session
 * name of the tool's own making is no part of it.
 */
static char *name_of(const struct creds_role *role)
{
	struct buf text = {0};
	struct jsonw w;
	uint8_t digest[HASH_SHA1_N];
	char hex[2 * HASH_SHA1_N + 1];
	uint64_t seconds;

	jsonw_init(&w, &text, 0);
	jsonw_object(&w);
	if (role->duration_s && parse_u64(slice_of(role->duration_s), &seconds)) {
		jsonw_key(&w, "DurationSeconds");
		jsonw_uint(&w, seconds);
	}
	if (role->external_id) {
		jsonw_key(&w, "ExternalId");
		jsonw_str(&w, role->external_id);
	}
	jsonw_key(&w, "RoleArn");
	jsonw_str(&w, role->arn);
	if (role->session_name && role->session_name[0]) {
		jsonw_key(&w, "RoleSessionName");
		jsonw_str(&w, role->session_name);
	}
	if (role->mfa_serial) {
		jsonw_key(&w, "SerialNumber");
		jsonw_str(&w, role->mfa_serial);
	}
	jsonw_end(&w);
	hash_sha1(text.p, text.n, digest);
	buf_release(&text);
	return xstrdup(hex_encode(digest, sizeof(digest), hex));
}

static void copy(struct creds_keys *out, const struct creds_keys *k)
{
	*out = (struct creds_keys){
		.access_key = xstrdup(k->access_key),
		.secret_key = xstrdup(k->secret_key),
		.token = k->token ? xstrdup(k->token) : NULL,
		.source = xstrdup(k->source),
		.expires_ns = k->expires_ns,
	};
}

static bool lives(const struct creds_keys *k)
{
	return k->expires_ns > clock_wall_ns() + SOON_NS;
}

static bool from_memory(const char *name, struct creds_keys *out)
{
	bool found = false;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < sessions_nr && !found; i++)
		if (strcmp(sessions[i].name, name) == 0 && lives(&sessions[i].keys)) {
			copy(out, &sessions[i].keys);
			found = true;
		}
	pthread_mutex_unlock(&lock);
	return found;
}

static bool from_tools(const char *name, const struct creds_role *role,
		       struct creds_keys *out)
{
	static const struct creds_names names = {
		.access = "AccessKeyId",
		.secret = "SecretAccessKey",
		.token = "SessionToken",
		.expires = "Expiration",
		.token_needed = true,
	};
	char *file = xasprintf(".aws/cli/cache/%s.json", name);
	char *path = creds_home_path(file);
	struct buf text = {0};
	struct creds_json j = {0};
	bool found = false;

	/* Whatever is wrong with it: then there is none. */
	if (path && fs_read(AT_FDCWD, path, FILE_MAX, &text, NULL) == 0 &&
	    creds_json_read(&j, buf_slice(&text), "the cached session", NULL) == 0 &&
	    creds_json_keys(value_get(j.root, "Credentials"), &names,
			    "the cached session", out, NULL) == 1) {
		found = lives(out);
		if (!found)
			creds_keys_release(out);
	}
	if (found) {
		free(out->source);
		out->source = xasprintf("role '%s' of profile '%s', a session of the AWS "
					"command line",
					role->arn, role->profile);
	}
	creds_json_release(&j);
	if (text.p)
		secure_wipe(text.p, text.cap);
	buf_release(&text);
	free(path);
	free(file);
	return found;
}

bool creds_cache_get(const struct creds_role *role, struct creds_keys *out)
{
	char *name = name_of(role);
	bool found = from_memory(name, out) || from_tools(name, role, out);

	free(name);
	return found;
}

void creds_cache_put(const struct creds_role *role, const struct creds_keys *k)
{
	char *name = name_of(role);
	size_t i = 0;

	pthread_mutex_lock(&lock);
	while (i < sessions_nr && strcmp(sessions[i].name, name) != 0)
		i++;
	if (i < SESSIONS_MAX) {
		free(sessions[i].name);
		creds_keys_release(&sessions[i].keys);
		sessions[i].name = name;
		copy(&sessions[i].keys, k);
		sessions_nr = MAX_OF(sessions_nr, i + 1);
		name = NULL;
	}
	pthread_mutex_unlock(&lock);
	free(name);
}

void creds_cache_drop(void)
{
	pthread_mutex_lock(&lock);
	while (sessions_nr > 0) {
		sessions_nr--;
		free(sessions[sessions_nr].name);
		creds_keys_release(&sessions[sessions_nr].keys);
		sessions[sessions_nr].name = NULL;
	}
	pthread_mutex_unlock(&lock);
}
