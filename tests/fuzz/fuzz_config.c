/* A .dvc/config: read, checked, every remote opened, and written by an edit. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/base/alloc.h"
#include "store/base/compiler.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/meta/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char dir[] = "/tmp/lode-fuzz-XXXXXX";

static void gone(void)
{
	IGNORE_RESULT(fs_remove_tree(AT_FDCWD, dir, NULL) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char *file;
	struct slice text = {(const char *)data, n};
	struct config_edit ed = {dir, CONFIG_REPO, "/tmp"};
	struct config_item *items;
	struct strvec names = {0};
	struct config *c;
	struct err e = {0};

	if (!file) {
		if (!mkdtemp(dir))
			abort();
		(void)atexit(gone); /* else it stays in /tmp */
		file = xasprintf("%s/config", dir);
		setenv("DVC_GLOBAL_CONFIG_DIR", dir, 1);
		setenv("DVC_SYSTEM_CONFIG_DIR", "/nonexistent", 1);
	}
	if (fs_write(AT_FDCWD, file, text, 0666, FS_SYNC_NONE, &e) < 0)
		abort();
	if (config_load(&c, dir, &e) < 0)
		return 0;
	IGNORE_RESULT(config_validate(c, NULL, &e) < 0);
	config_remotes(c, &names);
	for (size_t i = 0; i < names.nr; i++) {
		struct config_remote r = {0};

		if (config_remote_open(c, names.v[i], &r, &e) == 0)
			config_remote_release(&r);
	}
	IGNORE_RESULT(config_items(c, CONFIG_ANY, &items) == 0);
	free(items);
	config_free(c);
	strvec_release(&names);
	if (config_set(&ed, "core", "autostage", "true", &e) == 0) {
		if (config_load(&c, dir, &e) < 0)
			abort(); /* what we write we can read */
		config_free(c);
	}
	return 0;
}
