/* `remote test`: what it finds out is kept beside the journal, for later opens. */
#include "remote/probe.h"
#include "remote/sync/side.h"
#include "remote/sync/sync.h"
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/hash/hash.h"
#include "store/repo/repo.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

char *learned_file(const char *state_dir, const char *url)
{
	uint8_t digest[HASH_MD5_N];
	char hex[2 * HASH_MD5_N + 1];

	hash_md5(url, strlen(url), digest);
	return xasprintf("%s/remotes/%s.test", state_dir,
			 hex_encode(digest, sizeof(digest), hex));
}

static int keep(const struct probe *p, const char *file, struct err *e)
{
	char *dir = xmemdup0(file, (size_t)(strrchr(file, '/') - file));
	struct buf text = {0};
	int r = fs_mkdirs(AT_FDCWD, dir, 0, e);

	s3_learned_format(&p->learned, &text);
	if (r == 0)
		r = fs_write(AT_FDCWD, file, buf_slice(&text), 0644, FS_SYNC_NONE, e);
	buf_release(&text);
	free(dir);
	return r;
}

int sync_test(struct repo *repo, const char *name, struct sink *sink, char **shown,
	      struct probe *p, struct err *e)
{
	struct config_remote section = {0};
	struct config *config = NULL;
	struct remote_options o = {.sink = sink};
	const char *state_dir;
	char *file = NULL;
	int r;

	if ((r = repo_config_for_remote(repo, &config, e)) < 0 ||
	    (r = repo_state_dir(repo, &state_dir, e)) < 0 ||
	    (r = config_remote_open(config, name, &section, e)) < 0)
		return r;
	o.name = section.name;
	o.url = section.url;
	o.get = config_remote_get;
	o.get_ctx = &section;
	o.trusted = config_remote_trusted;
	file = learned_file(state_dir, section.url);
	*shown = xstrdup(section.name);
	/* The table's word, not what an earlier test found: that is asked anew. */
	r = remote_probe(&o, p, e);
	if (r == 0 && p->code == 0 && p->learned.known)
		r = keep(p, file, e);
	free(file);
	config_remote_release(&section);
	return r;
}
