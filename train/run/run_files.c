/* What a run leaves on disk. */
#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/path.h"
#include "store/base/sys.h"
#include "store/fmt/jsonw.h"
#include "store/hash/hash.h"
#include "store/repo/repo.h"
#include "train/run/run_impl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define CHECKPOINT_HEAD "lode checkpoint 1\n"

char *run_path(const struct run *t, const char *text)
{
	char *joined = path_is_abs(text) ? path_relative(repo_root(t->repo), text)
					 : path_join(t->base, text);
	char *normal = path_normal(joined);

	free(joined);
	return normal;
}

int run_put(struct run *t, const char *path, struct slice data, struct err *e)
{
	struct slice dir = path_dir(path);
	char *parent = xmemdup0(dir.p, dir.n);
	enum fs_sync sync;
	int rc = repo_sync(t->repo, &sync, e);

	if (rc == 0 && strcmp(parent, ".") != 0)
		rc = fs_mkdirs(repo_rootfd(t->repo), parent, 0, e);
	if (rc == 0)
		rc = fs_write(repo_rootfd(t->repo), path, data, 0666, sync, e);
	free(parent);
	return rc;
}

int run_stage_files(struct repo *r, int *fd, struct err *e)
{
	const char *dir;
	int rc = repo_state_dir(r, &dir, e);

	if (rc < 0)
		return rc;
	*fd = sys_openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
	if (*fd < 0)
		return err_sys(e, "open", dir);
	fs_set_staging(*fd);
	return 0;
}

void run_unstage_files(int fd)
{
	fs_set_staging(-1);
	if (fd >= 0)
		(void)sys_close(fd); /* a directory */
}

int run_write_model(struct run *t, struct run_result *res, struct err *e)
{
	struct buf json = {0};
	int rc;

	model_json(&json, &t->fit.model);
	hash_md5(json.p, json.n, res->model_md5);
	hash_sha256(json.p, json.n, res->model_sha256);
	hex_encode(res->model_md5, 16, res->md5_text);
	hex_encode(res->model_sha256, 32, res->sha256_text);
	res->model_bytes = json.n;
	res->model = run_path(t, t->config.out);
	rc = run_put(t, res->model, buf_slice(&json), e);
	buf_release(&json);
	return rc;
}

static void fill_record(struct run *t, const struct run_result *res,
			struct run_record *rec, const char *config)
{
	const struct fit *f = &t->fit;
	struct record_output *o = arena_alloc(&rec->arena, sizeof(*o));

	o->path = t->config.out;
	memcpy(o->md5, res->model_md5, sizeof(o->md5));
	memcpy(o->sha256, res->model_sha256, sizeof(o->sha256));
	o->bytes = res->model_bytes;
	rec->kind = RECORD_TRAIN;
	rec->core = TRAIN_CORE;
	rec->command = t->command;
	rec->path = t->config.out_record;
	rec->file = t->name;
	rec->overrides = t->config.overrides.v; /* ends with NULL */
	rec->config = config;
	rec->inputs = &t->in;
	rec->outputs = o;
	rec->outputs_nr = 1;
	rec->rows = f->frame.train.rows;
	rec->validation_rows = f->frame.has_valid ? f->frame.valid.rows : 0;
	rec->columns = f->frame.train.cols_nr;
	rec->table_hash = f->frame.train.hash;
	rec->rounds = f->result.rounds;
	rec->best_round = f->result.best_round;
	rec->trees = f->model.trees_nr;
	rec->stopped_early = f->result.early;
	rec->float32_exact = f->result.float32_exact;
	rec->metrics = f->metrics;
	rec->metrics_nr = f->metrics_nr;
}

static void keep_metrics(const struct fit *f, struct run_result *res)
{
	struct arena *a = &res->report.arena;

	res->metrics = arena_alloc(a, (f->metrics_nr + 1) * sizeof(*res->metrics));
	res->metrics_nr = f->metrics_nr;
	for (size_t i = 0; i < f->metrics_nr; i++) {
		res->metrics[i] = f->metrics[i];
		res->metrics[i].name = arena_strdup(a, f->metrics[i].name);
	}
}

int run_write_outputs(struct run *t, struct run_result *res, struct err *e)
{
	struct buf config = {0}, text = {0};
	struct run_record rec = {0};
	enum fs_sync sync;
	char *metrics = run_path(t, t->config.out_metrics);
	int rc;

	res->record = run_path(t, t->config.out_record);
	keep_metrics(&t->fit, res);
	if ((rc = repo_sync(t->repo, &sync, e)) < 0 ||
	    (rc = run_write_model(t, res, e)) < 0)
		goto out;
	config_json(&t->config, true, &config);
	fill_record(t, res, &rec, buf_str(&config));
	record_write_metrics(&rec, &text);
	if ((rc = run_put(t, metrics, buf_slice(&text), e)) < 0)
		goto out;
	buf_reset(&text);
	record_write(&rec, &text);
	if ((rc = run_put(t, res->record, buf_slice(&text), e)) < 0)
		goto out;
	rc = live_flush(&t->live, sync, e);
out:
	record_release(&rec);
	buf_release(&config);
	buf_release(&text);
	free(metrics);
	return rc;
}

/* ---- the log ------------------------------------------------------------- */

static bool program_digest(char hex[65])
{
	uint8_t sha[32], block[65536];
	struct hash h = {0};
	int fd = sys_openat(AT_FDCWD, "/proc/self/exe", O_RDONLY, 0);
	ssize_t n = -1;

	if (fd < 0)
		return false;
	hash_begin_sha256(&h);
	while ((n = sys_read(fd, block, sizeof(block))) > 0)
		hash_update(&h, block, (size_t)n);
	hash_end(&h, sha);
	hash_release(&h);
	(void)sys_close(fd); /* read-only */
	hex_encode(sha, 32, hex);
	return n == 0;
}

static void log_line(const struct run *t, const struct run_result *res, struct buf *out)
{
	static const char *const states[] = {"done", "unchanged", "stopped"};
	enum simd simd = t->o->simd == SIMD_BEST ? simd_best() : t->o->simd;
	struct utsname host;
	struct jsonw j;
	char when[21], hex[65];

	jsonw_init(&j, out, 0);
	jsonw_object(&j);
	clock_format_iso(clock_wall_ns(), when);
	jsonw_key(&j, "time");
	jsonw_str(&j, when);
	jsonw_key(&j, "state");
	jsonw_str(&j, states[res->state]);
	jsonw_key(&j, "command");
	jsonw_str(&j, t->command);
	jsonw_key(&j, "directory");
	jsonw_str(&j, t->base);
	if (uname(&host) == 0) {
		jsonw_key(&j, "host");
		jsonw_str(&j, host.nodename);
		jsonw_key(&j, "machine");
		jsonw_str(&j, host.machine);
	}
	jsonw_key(&j, "pid");
	jsonw_int(&j, getpid());
	jsonw_key(&j, "version");
	jsonw_str(&j, LODE_VERSION);
	if (program_digest(hex)) {
		jsonw_key(&j, "program_sha256");
		jsonw_str(&j, hex);
	}
	jsonw_key(&j, "core");
	jsonw_int(&j, TRAIN_CORE);
	jsonw_key(&j, "threads");
	jsonw_uint(&j, t->fit.threads);
	jsonw_key(&j, "simd");
	jsonw_str(&j, simd_name(simd));
	jsonw_key(&j, "model_sha256");
	jsonw_str(&j, hex_encode(res->model_sha256, 32, hex));
	jsonw_key(&j, "read_s");
	jsonw_float(&j, t->fit.read_s);
	jsonw_key(&j, "train_s");
	jsonw_float(&j, t->fit.train_s);
	jsonw_key(&j, "eval_s");
	jsonw_float(&j, t->fit.eval_s);
	jsonw_key(&j, "total_s");
	jsonw_float(&j, res->total_s);
	jsonw_end(&j);
	buf_addc(out, '\n');
}

void run_log(struct run *t, struct run_result *res)
{
	const char *dir;
	char *path = NULL;
	struct buf line = {0};
	struct err why = {0};
	int fd = -1;

	if (repo_state_dir(t->repo, &dir, &why) < 0)
		goto out;
	path = path_join(dir, "train.log");
	log_line(t, res, &line);
	/* One write of one line: runs at the same time do not mix. */
	fd = sys_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND, 0666);
	if (fd < 0 || sys_write(fd, line.p, line.n) < 0)
		(void)err_sys(&why, "write", path); /* told below */
out:
	if (fd >= 0 && sys_close(fd) < 0 && why.len == 0)
		(void)err_sys(&why, "close", path); /* told below */
	if (why.len > 0)
		report_warn(&res->report, "no line in the log: %s", why.text);
	buf_release(&line);
	free(path);
}

/* ---- checkpoints --------------------------------------------------------- */

int run_checkpoint_name(struct run *t, struct err *e)
{
	struct buf all = {0}, file = {0};
	const char *dir;
	uint8_t sha[32];
	char hex[65];
	int rc = repo_state_dir(t->repo, &dir, e);

	if (rc < 0)
		return rc;
	buf_addf(&all, "core %d\n", TRAIN_CORE);
	config_json(&t->config, false, &all);
	for (size_t i = 0; i < t->in.nr; i++) {
		const struct input *in = &t->in.v[i];

		if (in->role == INPUT_CONFIG)
			continue;
		buf_addf(&all, "\n%s %s", input_role_name(in->role),
			 hex_encode(in->sha256, 32, hex));
	}
	hash_sha256(all.p, all.n, sha);
	hex_encode(sha, 16, hex);
	buf_addf(&file, "%s/train-%s.checkpoint", dir, hex);
	t->checkpoint = buf_detach(&file);
	buf_release(&all);
	return 0;
}

int run_checkpoint_save(struct run *t, const struct train_round *r, struct err *e)
{
	struct buf body = {0}, out = {0}, core = {0};
	uint8_t sha[32];
	char hex[65];
	int rc;

	live_save(&t->live, &body);
	train_checkpoint(&core, r);
	buf_addslice(&body, buf_slice(&core));
	hash_sha256(body.p, body.n, sha);
	buf_addf(&out, CHECKPOINT_HEAD "%s\n", hex_encode(sha, 32, hex));
	buf_addslice(&out, buf_slice(&body));
	rc = fs_write(AT_FDCWD, t->checkpoint, buf_slice(&out), 0666, FS_SYNC_NONE, e);
	buf_release(&body);
	buf_release(&out);
	buf_release(&core);
	return rc;
}

int run_checkpoint_load(struct run *t, struct buf *core, struct err *e)
{
	struct buf text = {0};
	struct slice body;
	uint8_t sha[32], want[32];
	size_t head = strlen(CHECKPOINT_HEAD);
	int rc = fs_read(AT_FDCWD, t->checkpoint, (size_t)1 << 40, &text, e);

	if (rc == ERR_NOTFOUND)
		rc = 0;
	if (rc < 0 || text.n < head + 65 || memcmp(text.p, CHECKPOINT_HEAD, head) != 0 ||
	    !hex_decode((struct slice){text.p + head, 64}, want, 32))
		goto out;
	body = (struct slice){text.p + head + 65, text.n - head - 65};
	hash_sha256(body.p, body.n, sha);
	/* What a crash left half-written is as good as nothing. */
	if (memcmp(sha, want, 32) == 0 && live_load(&t->live, &body))
		buf_addslice(core, body);
out:
	buf_release(&text);
	return rc;
}

void run_checkpoint_drop(struct run *t)
{
	/* Absent is as good. */
	IGNORE_RESULT(sys_unlinkat(AT_FDCWD, t->checkpoint, 0) < 0);
}
