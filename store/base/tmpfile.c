#include "store/base/tmpfile.h"

#include "store/base/err.h"
#include "store/base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/*
 * The registry. A slot is claimed by 0 -> 1, filled, and shown to the signal
 * handler by 2; the handler reads only slots at 2. The directory is kept as a
 * descriptor, since the handler may not build paths.
 */
#define SLOTS 256

static struct {
	atomic_int state;
	int dirfd;
	char name[TMPFILE_NAME_N + 1];
} slots[SLOTS];

static int slot_take(const struct tmpfile *t)
{
	static atomic_uint hint;
	unsigned start = atomic_fetch_add(&hint, 1);

	for (unsigned i = 0; i < SLOTS; i++) {
		unsigned s = (start + i) % SLOTS;
		int expected = 0;

		if (!atomic_compare_exchange_strong(&slots[s].state, &expected, 1))
			continue;
		slots[s].dirfd = t->dirfd;
		memcpy(slots[s].name, t->name, sizeof(t->name));
		atomic_store(&slots[s].state, 2);
		return (int)s;
	}
	return -1; /* full: the name is not covered by the second signal */
}

static void slot_drop(struct tmpfile *t)
{
	if (t->slot >= 0)
		atomic_store(&slots[t->slot].state, 0);
	t->slot = -1;
}

void tmpfile_unlink_registered(void)
{
	for (unsigned i = 0; i < SLOTS; i++)
		if (atomic_load(&slots[i].state) == 2)
			IGNORE_RESULT(unlinkat(slots[i].dirfd, slots[i].name, 0) < 0);
}

static const char digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* 132 random bits a name, drawn from the kernel a page at a time. */
void tmpfile_random_name(char out[TMPFILE_NAME_N + 1])
{
	static _Thread_local unsigned char pool[22 * 64];
	static _Thread_local size_t used = sizeof(pool);

	if (used == sizeof(pool)) {
		size_t got = 0;

		while (got < sizeof(pool)) {
			ssize_t r = getrandom(pool + got, sizeof(pool) - got, 0);

			if (r > 0)
				got += (size_t)r;
		}
		used = 0;
	}
	out[0] = '.';
	for (int i = 0; i < 22; i++)
		out[1 + i] = digits[pool[used++] & 63];
	memcpy(out + 23, ".tmp", 5);
}

void tmpfile_name_of(const uint8_t id[16], char out[TMPFILE_NAME_N + 1])
{
	out[0] = '.';
	for (unsigned i = 0; i < 22; i++) {
		unsigned bit = i * 6, at = bit / 8;
		unsigned two = (unsigned)id[at] << 8 | (at + 1 < 16 ? id[at + 1] : 0);

		out[1 + i] = digits[two >> (10 - bit % 8) & 63];
	}
	memcpy(out + 23, ".tmp", 5);
}

bool tmpfile_is_name(const char *name)
{
	return strlen(name) == TMPFILE_NAME_N && name[0] == '.' &&
	       strcmp(name + TMPFILE_NAME_N - 4, ".tmp") == 0;
}

int tmpfile_name(struct tmpfile *t, int dirfd, struct err *e)
{
	(void)e;
	t->dirfd = dirfd;
	t->open = false;
	t->live = true;
	tmpfile_random_name(t->name);
	t->slot = slot_take(t);
	return 0;
}

int tmpfile_open(struct tmpfile *t, int dirfd, mode_t mode, struct err *e)
{
	struct tmpfile made = {0};
	int r = tmpfile_name(&made, dirfd, e);

	if (r < 0)
		return r;
	made.fd = sys_openat(dirfd, made.name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
			     mode);
	if (made.fd < 0) {
		r = err_sys(e, "creating a temporary file", made.name);
		slot_drop(&made);
		return r;
	}
	made.open = true;
	*t = made;
	return 0;
}

int tmpfile_sync(struct tmpfile *t, struct err *e)
{
	if (sys_fsync(t->fd) < 0)
		return err_sys(e, "fsync", t->name);
	return 0;
}

static int close_checked(struct tmpfile *t, struct err *e)
{
	if (!t->open)
		return 0;
	t->open = false;
	if (sys_close(t->fd) < 0)
		return err_sys(e, "close", t->name);
	return 0;
}

int tmpfile_publish(struct tmpfile *t, int todir, const char *name, struct err *e)
{
	int r = close_checked(t, e);

	if (r < 0)
		return r;
	if (sys_rename_noreplace(t->dirfd, t->name, todir, name) < 0)
		return err_sys(e, "rename", name);
	t->live = false;
	slot_drop(t);
	return 0;
}

int tmpfile_replace(struct tmpfile *t, int todir, const char *name, struct err *e)
{
	int r = close_checked(t, e);

	if (r < 0)
		return r;
	if (sys_renameat(t->dirfd, t->name, todir, name) < 0)
		return err_sys(e, "rename", name);
	t->live = false;
	slot_drop(t);
	return 0;
}

int tmpfile_rename(struct tmpfile *t, const char *name, struct err *e)
{
	if (strcmp(t->name, name) == 0)
		return 0;
	if (sys_renameat(t->dirfd, t->name, t->dirfd, name) < 0)
		return err_sys(e, "rename", name);
	slot_drop(t);
	memcpy(t->name, name, sizeof(t->name));
	return 0;
}

void tmpfile_keep(struct tmpfile *t)
{
	if (t->open)
		close(t->fd);
	slot_drop(t);
	*t = (struct tmpfile){0};
}

int tmpfile_adopt(struct tmpfile *t, int dirfd, const char *name, struct err *e)
{
	int fd = sys_openat(dirfd, name, O_RDWR | O_NOFOLLOW, 0);

	if (fd < 0)
		return err_sys(e, "open", name);
	*t = (struct tmpfile){
		.live = true, .open = true, .fd = fd, .dirfd = dirfd, .slot = -1};
	memcpy(t->name, name, sizeof(t->name));
	return 0;
}

void tmpfile_release(struct tmpfile *t)
{
	if (!t)
		return;
	if (t->open)
		close(t->fd);
	if (t->live) {
		/* Straight to the kernel: a test that fails calls must not leave debris. */
		unlinkat(t->dirfd, t->name, 0);
		slot_drop(t);
	}
	*t = (struct tmpfile){0};
}
