/*
 * What a power cut leaves, which kill -9 cannot show.
 *
 *	powercut RECORD ROOT BEFORE IMAGE COMMAND...
 *
 * RECORD is what LODE_RECORD wrote while the program changed ROOT, which was a
 * copy of BEFORE when it began. For each prefix of the record that ends with a
 * change of names or a sync, two images of ROOT are laid out as IMAGE and
 * COMMAND runs in each:
 *
 *   dropped   neither bytes nor names that were not yet synced
 *   named     all names, but of the bytes only what was synced
 *
 * A file system may do either, and anything between. fsync of a file keeps its
 * bytes, fsync of a directory the names in it, syncfs everything. Exit status 1
 * when COMMAND fails in any image; the first ones are told.
 */
#include "store/base/alloc.h"
#include "store/base/buf.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/map.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/base/vec.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

struct node {
	mode_t kind; /* S_IFREG, S_IFDIR, S_IFLNK */
	mode_t mode;
	struct buf now, synced; /* bytes, or the link's target */
};

struct names {
	struct map at; /* path below ROOT -> index of a node, or MAP_NONE */
};

static VEC_OF(struct node) nodes;
static struct names now, synced;
static const char *root;
static struct err why;

static void must(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "powercut: %s: %s\n", what, why.text);
	exit(2);
}

static size_t name_get(const struct names *n, const char *path)
{
	return map_get(&n->at, slice_of(path));
}

static void name_set(struct names *n, const char *path, size_t node)
{
	map_set(&n->at, slice_of(path), node);
}

static size_t node_new(mode_t kind, mode_t mode)
{
	struct node node = {.kind = kind, .mode = mode & 07777};

	vec_push(&nodes, node);
	return nodes.nr - 1;
}

/* ---- the state before ----------------------------------------------------- */

static void load(int dirfd, const char *dir)
{
	struct fs_dir *d = NULL;
	struct fs_dirent ent;

	must(fs_dir_open(&d, dirfd, dir[0] ? dir : ".", &why), dir);
	while (fs_dir_next(d, &ent, &why) > 0) {
		char *path = dir[0] ? path_join(dir, ent.name) : xstrdup(ent.name);
		struct stat st;
		size_t at;

		must(sys_fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW), path);
		at = node_new(st.st_mode & S_IFMT, st.st_mode);
		name_set(&now, path, at);
		name_set(&synced, path, at);
		if (S_ISDIR(st.st_mode)) {
			load(dirfd, path);
		} else if (S_ISLNK(st.st_mode)) {
			char target[4096];
			ssize_t n = sys_readlinkat(dirfd, path, target, sizeof(target));

			must((int)n, path);
			buf_add(&nodes.v[at].now, target, (size_t)n);
		} else {
			must(fs_read(dirfd, path, 0, &nodes.v[at].now, &why), path);
		}
		buf_addslice(&nodes.v[at].synced, buf_slice(&nodes.v[at].now));
		free(path);
	}
	fs_dir_close(d);
}

/* ---- the record ----------------------------------------------------------- */

struct event {
	int op;
	mode_t mode;
	long long at;
	char *a, *b; /* below ROOT, or NULL where outside */
	char *raw;   /* a as recorded: a link's target */
	struct slice data;
};

/* Below ROOT, or NULL. "/." and "//" appear when a directory was opened so. */
static char *below_root(const char *abs)
{
	char *normal = path_normal(abs), *rel = NULL;
	size_t n = strlen(root);

	if (path_within(normal, root))
		rel = xstrdup(normal[n] ? normal + n + 1 : "");
	free(normal);
	return rel;
}

static bool next_event(struct slice *rest, struct event *ev)
{
	struct slice head = slice_cut(rest, '\n');
	char line[256];
	size_t a_n, b_n, data_n;
	unsigned mode;
	char *b;

	if (!rest->p || head.n == 0 || head.n >= sizeof(line))
		return false;
	memcpy(line, head.p, head.n);
	line[head.n] = '\0';
	if (sscanf(line, "%d %o %lld %zu %zu %zu", &ev->op, &mode, &ev->at, &a_n, &b_n,
		   &data_n) != 6 ||
	    a_n + b_n + data_n + 1 > rest->n)
		return false;
	ev->mode = mode;
	ev->raw = xmemdup0(rest->p, a_n);
	b = xmemdup0(rest->p + a_n, b_n);
	ev->a = below_root(ev->raw);
	ev->b = b_n > 0 ? below_root(b) : NULL;
	ev->data = (struct slice){rest->p + a_n + b_n, data_n};
	free(b);
	rest->p += a_n + b_n + data_n + 1;
	rest->n -= a_n + b_n + data_n + 1;
	return true;
}

static void event_release(struct event *ev)
{
	free(ev->a);
	free(ev->b);
	free(ev->raw);
}

static void write_at(struct buf *b, long long at, struct slice data)
{
	if (at < 0)
		at = 0;
	if (b->n < (size_t)at)
		buf_fill(b, '\0', (size_t)at - b->n);
	if (b->n < (size_t)at + data.n)
		buf_fill(b, '\0', (size_t)at + data.n - b->n);
	if (data.n > 0)
		memcpy(b->p + at, data.p, data.n);
}

/* Move every name from or below a to b. */
static void move_names(const char *a, const char *b)
{
	size_t nr = now.at.nr, n = strlen(a);

	for (size_t i = 0; i < nr; i++) {
		struct slice key = map_key(&now.at, i);
		char *path = xmemdup0(key.p, key.n), *to;
		size_t node = now.at.v[i].value;

		if (node != MAP_NONE && path_within(path, a)) {
			to = xasprintf("%s%s", b, path + n);
			name_set(&now, path, MAP_NONE);
			name_set(&now, to, node);
			free(to);
		}
		free(path);
	}
}

/* The names that lie directly in dir are as they are now. */
static void sync_dir(const char *dir)
{
	for (size_t i = 0; i < now.at.nr; i++) {
		struct slice key = map_key(&now.at, i);
		char *path = xmemdup0(key.p, key.n);
		struct slice in = path_dir(path);
		bool direct = slice_is(in, dir[0] ? dir : ".");

		if (direct)
			name_set(&synced, path, now.at.v[i].value);
		free(path);
	}
}

static void sync_bytes(struct node *node)
{
	buf_reset(&node->synced);
	buf_addslice(&node->synced, buf_slice(&node->now));
}

static void sync_all(void)
{
	for (size_t i = 0; i < nodes.nr; i++)
		sync_bytes(&nodes.v[i]);
	for (size_t i = 0; i < now.at.nr; i++) {
		struct slice key = map_key(&now.at, i);
		char *path = xmemdup0(key.p, key.n);

		name_set(&synced, path, now.at.v[i].value);
		free(path);
	}
}

/* Did names or what is durable change? */
static bool apply(const struct event *ev)
{
	size_t at = ev->a ? name_get(&now, ev->a) : MAP_NONE;
	struct node *node = at != MAP_NONE ? &nodes.v[at] : NULL;

	switch (ev->op) {
	case SYS_CREATE:
		if (!ev->a)
			return false;
		if (!node)
			name_set(&now, ev->a,
				 node_new(S_IFREG, ev->mode ? ev->mode : 0644));
		else if (ev->at == 0)
			buf_reset(&node->now);
		return true;
	case SYS_WRITE:
	case SYS_CLONE:
		if (node)
			write_at(&node->now, ev->at, ev->data);
		return false;
	case SYS_TRUNCATE:
		if (node && (size_t)ev->at < node->now.n)
			buf_cut(&node->now, (size_t)ev->at);
		return false;
	case SYS_FSYNC:
		if (ev->a && (!ev->a[0] || (node && S_ISDIR(node->kind))))
			sync_dir(ev->a);
		else if (node)
			sync_bytes(node);
		return true;
	case SYS_SYNCFS:
		sync_all();
		return true;
	case SYS_RENAME:
		if (ev->a && ev->b)
			move_names(ev->a, ev->b);
		return true;
	case SYS_LINK:
		if (ev->a && ev->b && at != MAP_NONE)
			name_set(&now, ev->b, at);
		return true;
	case SYS_SYMLINK:
		if (ev->b) {
			at = node_new(S_IFLNK, 0777);
			buf_adds(&nodes.v[at].now, ev->raw);
			sync_bytes(&nodes.v[at]);
			name_set(&now, ev->b, at);
		}
		return true;
	case SYS_UNLINK:
		if (ev->a)
			name_set(&now, ev->a, MAP_NONE);
		return true;
	case SYS_MKDIR:
		if (ev->a)
			name_set(&now, ev->a, node_new(S_IFDIR, 0777 & ~022));
		return true;
	case SYS_CHMOD:
		if (node)
			node->mode = ev->mode & 07777;
		return false;
	default:
		return false;
	}
}

/* ---- images --------------------------------------------------------------- */

static void put(int dirfd, const char *path, const struct node *node, bool all_bytes)
{
	const struct buf *bytes = all_bytes ? &node->now : &node->synced;
	int fd;

	if (S_ISDIR(node->kind)) {
		must(fs_mkdirs(dirfd, path, 0, &why), path);
		return;
	}
	if (S_ISLNK(node->kind)) {
		must(sys_symlinkat(buf_str(bytes), dirfd, path), path);
		return;
	}
	fd = sys_openat(dirfd, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	must(fd, path);
	must(sys_write(fd, buf_str(bytes), bytes->n), path);
	must(sys_fchmod(fd, node->mode), path);
	sys_close(fd);
}

/* A name stands only if all directories above it do. Names that share a node are
 * one file under several names. */
static void lay_out(const struct names *n, const char *image)
{
	struct strvec paths = {0};
	size_t *first = xcalloc(nodes.nr + 1, sizeof(*first));
	int dirfd;

	must(fs_remove_tree(AT_FDCWD, image, &why), image);
	must(fs_mkdirs(AT_FDCWD, image, 0, &why), image);
	dirfd = sys_openat(AT_FDCWD, image, O_RDONLY | O_DIRECTORY, 0);
	must(dirfd, image);
	for (size_t i = 0; i < n->at.nr; i++)
		if (n->at.v[i].value != MAP_NONE)
			strvec_take(&paths,
				    xmemdup0(map_key(&n->at, i).p, map_key(&n->at, i).n));
	strvec_sort(&paths);
	for (size_t i = 0; i < paths.nr; i++) {
		size_t at = name_get(n, paths.v[i]);
		struct slice dir = path_dir(paths.v[i]);
		char *parent = xmemdup0(dir.p, dir.n);

		if (fs_kind(dirfd, parent) == S_IFDIR) {
			if (first[at] == 0) {
				put(dirfd, paths.v[i], &nodes.v[at], false);
				first[at] = i + 1;
			} else {
				must(sys_linkat(dirfd, paths.v[first[at] - 1], dirfd,
						paths.v[i], 0),
				     paths.v[i]);
			}
		}
		free(parent);
	}
	sys_close(dirfd);
	free(first);
	strvec_release(&paths);
}

static bool passes(const char *image, char *const *command)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		if (chdir(image) == 0)
			execvp(command[0], command);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
	struct buf record = {0};
	struct slice rest;
	struct event ev;
	size_t events = 0, images = 0, failed = 0;
	int before;

	if (argc < 6) {
		fprintf(stderr, "usage: powercut RECORD ROOT BEFORE IMAGE COMMAND...\n");
		return 2;
	}
	root = argv[2];
	before = sys_openat(AT_FDCWD, argv[3], O_RDONLY | O_DIRECTORY, 0);
	must(before, argv[3]);
	load(before, "");
	must(fs_read(AT_FDCWD, argv[1], 0, &record, &why), argv[1]);
	rest = buf_slice(&record);
	while (next_event(&rest, &ev)) {
		bool look = apply(&ev);

		events++;
		for (int named = 0; look && named <= 1; named++) {
			lay_out(named ? &now : &synced, argv[4]);
			images++;
			if (passes(argv[4], argv + 5))
				continue;
			if (failed++ < 5)
				printf("# event %zu (op %d '%s' '%s'), %s: failed\n",
				       events, ev.op, ev.a ? ev.a : "", ev.b ? ev.b : "",
				       named ? "named" : "dropped");
			if (failed == 1 && getenv("POWERCUT_KEEP"))
				return 1;
		}
		event_release(&ev);
	}
	printf("# %zu events, %zu images, %zu failed\n", events, images, failed);
	buf_release(&record);
	return failed > 0 || images == 0 ? 1 : 0;
}
