#include "cmd/cmd.h"
#include "cmd/json.h"
#include "cmd/levels.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/base/tmpfile.h"
#include "store/odb/odb.h"
#include "store/repo/repo.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/utsname.h>

/* Which links can be made from the cache into the workspace? Tried for real. */
static void probe_links(struct ctx *ctx, const char *cache, struct buf *out)
{
	int from = sys_openat(AT_FDCWD, cache, O_RDONLY | O_DIRECTORY, 0);
	int to = sys_openat(AT_FDCWD, repo_dvc_dir(ctx->repo), O_RDONLY | O_DIRECTORY, 0);
	struct tmpfile src = {0}, dst = {0}, clone = {0};

	if (from < 0 || to < 0 || tmpfile_open(&src, from, 0600, NULL) < 0)
		goto out;
	if (tmpfile_open(&clone, to, 0600, NULL) == 0 &&
	    sys_ficlone(clone.fd, src.fd) == 0)
		buf_adds(out, ", reflink");
	if (tmpfile_name(&dst, to, NULL) == 0 &&
	    sys_linkat(from, src.name, to, dst.name, 0) == 0)
		buf_adds(out, ", hardlink");
	tmpfile_release(&dst);
	if (tmpfile_name(&dst, to, NULL) == 0 &&
	    sys_symlinkat(src.name, to, dst.name) == 0)
		buf_adds(out, ", symlink");
out:
	tmpfile_release(&dst);
	tmpfile_release(&clone);
	tmpfile_release(&src);
	if (to >= 0)
		sys_close(to);
	if (from >= 0)
		sys_close(from);
}

static const char *fs_name(const char *path)
{
	static const struct {
		long magic;
		const char *name;
	} kinds[] = {
		{0xef53, "ext4"},
		{0x58465342, "xfs"},
		{(long)0x9123683e, "btrfs"},
		{0x01021994, "tmpfs"},
		{0x6969, "nfs"},
		{0x794c7630, "overlay"},
		{0x2fc12fc1, "zfs"},
		{0x0bd00bd0, "lustre"},
		{(long)0xff534d42, "cifs"},
		{0x65735546, "fuse"},
	};
	struct statfs s;

	if (statfs(path, &s) < 0)
		return "unknown";
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if ((long)s.f_type == kinds[i].magic)
			return kinds[i].name;
	return "unknown";
}

static void add_remotes(const struct config *c, struct buf *out)
{
	struct strvec names = {0};

	config_remotes(c, &names);
	for (size_t i = 0; i < names.nr; i++) {
		struct config_remote r = {0};
		const char *scheme = NULL;

		if (config_remote_open(c, names.v[i], &r, NULL) == 0)
			scheme = config_url_scheme(r.url);
		buf_addf(out, ", %s", scheme ? scheme : "unknown");
		config_remote_release(&r);
	}
	strvec_release(&names);
}

/* What was gathered: "a, b" without the first ", ", or a word for nothing. */
static const char *joined(const struct buf *b, const char *nothing)
{
	return b->n > 2 ? buf_str(b) + 2 : nothing;
}

static void tell_repo(struct ctx *ctx)
{
	struct buf links = {0}, remotes = {0};
	struct config *c = NULL;
	struct odb *odb = NULL;
	const char *cache = "";

	if (repo_config(ctx->repo, &c, NULL) == 0)
		add_remotes(c, &remotes);
	if (repo_odb(ctx->repo, &odb, NULL) == 0)
		cache = odb_dir(odb);
	if (fs_exists(AT_FDCWD, cache))
		probe_links(ctx, cache, &links);
	print_force(&ctx->print, "Cache types: %s\n",
		    joined(&links, "<https://error.dvc.org/no-dvc-cache>"));
	print_force(&ctx->print, "Cache directory: %s on %s\n", fs_name(cache), cache);
	print_force(&ctx->print, "Caches: local\n");
	print_force(&ctx->print, "Remotes: %s\n", joined(&remotes, "None"));
	print_force(&ctx->print, "Workspace directory: %s on %s\n",
		    fs_name(repo_root(ctx->repo)), repo_root(ctx->repo));
	print_force(&ctx->print, "Repo: dvc%s\n",
		    repo_no_scm(ctx->repo) ? " (no_scm)" : ", git");
	print_force(&ctx->print, "Repo.site_cache_dir: %s/tmp/lode\n",
		    repo_dvc_dir(ctx->repo));
	buf_release(&links);
	buf_release(&remotes);
}

static void tell_json(struct ctx *ctx, const struct utsname *u)
{
	struct json doc;
	struct jsonw *j = json_start(ctx, &doc);

	json_open_common(ctx, j, NULL, NULL);
	json_key_str(j, "version", LODE_VERSION);
	json_key_str(j, "dvc_version", DVC_VERSION);
	json_key_str(j, "system", u->sysname);
	json_key_str(j, "release", u->release);
	json_key_str(j, "machine", u->machine);
	json_key_str(j, "root", ctx->repo ? repo_root(ctx->repo) : NULL);
	jsonw_end(j);
	json_write(ctx, &doc);
}

static int version_run(struct ctx *ctx, void *arg, struct err *e)
{
	struct buf title = {0}, rule = {0};
	struct utsname u = {0};
	char *global, *system;

	(void)arg;
	(void)e;
	uname(&u);
	if (ctx->global.json) {
		tell_json(ctx, &u);
		return 0;
	}
	buf_addf(&title, "DVC version: %s (lode %s)", DVC_VERSION, LODE_VERSION);
	buf_fill(&rule, '-', title.n);
	global = config_file(NULL, CONFIG_GLOBAL, false);
	system = config_file(NULL, CONFIG_SYSTEM, false);
	print_force(&ctx->print, "%s\n%s\n", buf_str(&title), buf_str(&rule));
	print_force(&ctx->print, "Platform: %s-%s-%s, native\n", u.sysname, u.release,
		    u.machine);
	print_force(&ctx->print, "Subprojects:\n\tlode = %s\n", LODE_VERSION);
	print_force(&ctx->print, "Supports:\n\tlocal,\n\ts3\n");
	print_force(&ctx->print, "Config:\n\tGlobal: %s\n\tSystem: %s\n",
		    global ? global : "none", system ? system : "none");
	if (ctx->repo)
		tell_repo(ctx);
	free(global);
	free(system);
	buf_release(&title);
	buf_release(&rule);
	return 0;
}

static const char *const version_aliases[] = {"doctor", NULL};

const struct cmd cmd_version = {
	.name = "version",
	.aliases = version_aliases,
	.brief = "Show the version and what it finds here",
	.needs = NEED_REPO | NEED_LENIENT | NEED_MAYBE,
	.run = version_run,
};
