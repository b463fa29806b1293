#include "remote/creds.h"

#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/fs.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char dir[40], credentials[64], config[64];
	struct creds_chain *c;
	struct err e;
};

static const char *const variables[] = {
	"AWS_ACCESS_KEY_ID",	       "AWS_SECRET_ACCESS_KEY",
	"AWS_SESSION_TOKEN",	       "AWS_PROFILE",
	"AWS_DEFAULT_PROFILE",	       "AWS_CONFIG_FILE",
	"AWS_SHARED_CREDENTIALS_FILE", "AWS_ROLE_ARN",
	"AWS_WEB_IDENTITY_TOKEN_FILE",
};

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		unsetenv(variables[i]);
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	memcpy(f->dir, "/tmp/test-creds-XXXXXX", 23);
	if (!mkdtemp(f->dir))
		return -1;
	setenv("HOME", f->dir, 1);
	IGNORE_RESULT(snprintf(f->credentials, sizeof(f->credentials),
			       "%s/.aws/credentials", f->dir) < 0);
	IGNORE_RESULT(snprintf(f->config, sizeof(f->config), "%s/.aws/config", f->dir) <
		      0);
	*state = f;
	return fs_mkdirs(AT_FDCWD, f->credentials, 0, NULL) < 0 ||
	       rmdir(f->credentials) < 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	creds_close(f->c);
	IGNORE_RESULT(fs_remove_tree(AT_FDCWD, f->dir, NULL) < 0);
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		unsetenv(variables[i]);
	free(f);
	return 0;
}

static void file(const char *path, const char *text)
{
	assert_int_equal(
		fs_write(AT_FDCWD, path, slice_of(text), 0600, FS_SYNC_NONE, NULL), 0);
}

static int find(struct fixture *f, struct creds_options o)
{
	int r;

	creds_close(f->c);
	f->c = NULL;
	f->e = (struct err){0};
	r = creds_open(&f->c, &o, &f->e);
	assert_null(strstr(f->e.text, "SECRET"));
	return r;
}

static void is_key(struct fixture *f, const char *access, const char *secret)
{
	const struct creds *k = creds_get(f->c);

	assert_string_equal(k->access_key, access);
	assert_string_equal(k->secret_key, secret);
	assert_null(strstr(k->source, "SECRET"));
}

static void nothing_anywhere_says_what_was_tried(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(find(f, (struct creds_options){0}), ERR_AUTH);
	assert_non_null(strstr(f->e.text, "environment"));
	assert_non_null(strstr(f->e.text, f->credentials));
	assert_int_equal(find(f, (struct creds_options){.profile = "p"}), ERR_CONFIG);
	assert_non_null(strstr(f->e.text, "'p'"));
}

static void sources_are_asked_in_order(void **state)
{
	struct fixture *f = *state;
	struct creds_options o = {0};

	file(f->config,
	     "[default]\naws_access_key_id = C\naws_secret_access_key = SECRET-C\n"
	     "region = eu-west-3\n[profile p]\naws_access_key_id=P\n"
	     "aws_secret_access_key=SECRET-P\naws_session_token=T\n");
	assert_int_equal(find(f, o), 0);
	is_key(f, "C", "SECRET-C");
	file(f->credentials,
	     "[default]\naws_access_key_id = F\naws_secret_access_key = SECRET-F\n");
	assert_int_equal(find(f, o), 0);
	is_key(f, "F", "SECRET-F");
	assert_string_equal(creds_profile(f->c, "region"), "eu-west-3");
	setenv("AWS_ACCESS_KEY_ID", "E", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "SECRET-E", 1);
	setenv("AWS_SESSION_TOKEN", "SECRET-TOKEN", 1);
	assert_int_equal(find(f, o), 0);
	is_key(f, "E", "SECRET-E");
	assert_string_equal(creds_get(f->c)->token, "SECRET-TOKEN");
	o.profile = "p"; /* named in the configuration: before the environment */
	assert_int_equal(find(f, o), 0);
	is_key(f, "P", "SECRET-P");
	assert_string_equal(creds_get(f->c)->token, "T");
	o.access_key = "X";
	o.secret_key = "SECRET-X";
	assert_int_equal(find(f, o), 0);
	is_key(f, "X", "SECRET-X");
	assert_null(creds_get(f->c)->token);
	o.anonymous = true;
	assert_int_equal(find(f, o), 0);
	assert_null(creds_get(f->c)->secret_key);
	/* A profile named by the environment does not come before its keys. */
	setenv("AWS_PROFILE", "p", 1);
	assert_int_equal(find(f, (struct creds_options){0}), 0);
	is_key(f, "E", "SECRET-E");
	unsetenv("AWS_ACCESS_KEY_ID");
	unsetenv("AWS_SECRET_ACCESS_KEY");
	assert_int_equal(find(f, (struct creds_options){0}), 0);
	is_key(f, "P", "SECRET-P");
}

static void half_a_pair_is_an_error_not_a_step_on(void **state)
{
	struct fixture *f = *state;

	file(f->credentials,
	     "[default]\naws_access_key_id = F\naws_secret_access_key = SECRET-F\n"
	     "[half]\naws_secret_access_key = SECRET-H\n");
	assert_int_equal(find(f, (struct creds_options){.access_key = "X"}), ERR_AUTH);
	assert_int_equal(find(f, (struct creds_options){.secret_key = "SECRET"}),
			 ERR_AUTH);
	assert_int_equal(find(f, (struct creds_options){.profile = "half"}), ERR_AUTH);
	assert_non_null(strstr(f->e.text, "'half'"));
	setenv("AWS_SECRET_ACCESS_KEY", "SECRET-E", 1);
	assert_int_equal(find(f, (struct creds_options){0}), ERR_AUTH);
	assert_non_null(strstr(f->e.text, "environment"));
}

static void files_may_be_elsewhere(void **state)
{
	struct fixture *f = *state;
	char *other = xasprintf("%s/other", f->dir);

	file(other,
	     "[default]\naws_access_key_id = O\naws_secret_access_key = SECRET-O\n");
	assert_int_equal(find(f, (struct creds_options){.credentials_file = other}), 0);
	is_key(f, "O", "SECRET-O");
	assert_int_equal(find(f, (struct creds_options){.credentials_file = "~/other"}),
			 0);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
	assert_int_equal(find(f, (struct creds_options){.credentials_file = other}),
			 ERR_AUTH);
	free(other);
}

/* Until the refresh that is under way has ended. */
static int settled(struct creds_chain *c, const struct creds **k, struct err *e)
{
	int r;

	while ((r = creds_ready(c, clock_wall_ns(), k, e)) == 0)
		clock_sleep_ms(1);
	return r;
}

static void changed_file_is_seen_by_a_refresh(void **state)
{
	struct fixture *f = *state;
	const struct creds *k;
	unsigned serial;

	file(f->credentials,
	     "[default]\naws_access_key_id = A\naws_secret_access_key = SECRET-1\n");
	assert_int_equal(find(f, (struct creds_options){0}), 0);
	assert_int_equal(creds_ready(f->c, clock_wall_ns(), &k, NULL), 1);
	serial = k->serial;
	/* The server refuses the keys, and the file has no others: that is final. */
	assert_true(creds_expired(f->c, serial));
	assert_int_equal(settled(f->c, &k, &f->e), 1);
	assert_int_equal(k->serial, serial);
	assert_false(creds_expired(f->c, serial));
	file(f->credentials,
	     "[default]\naws_access_key_id = A\naws_secret_access_key = SECRET-2\n");
	assert_int_equal(find(f, (struct creds_options){0}), 0);
	file(f->credentials,
	     "[default]\naws_access_key_id = A\naws_secret_access_key = SECRET-3\n");
	serial = creds_get(f->c)->serial;
	assert_true(creds_expired(f->c, serial));
	assert_int_equal(settled(f->c, &k, &f->e), 1);
	assert_string_equal(k->secret_key, "SECRET-3");
	assert_int_not_equal(k->serial, serial);
	assert_true(creds_expired(f->c, serial)); /* an old call: others are there */
}

static void environment_is_asked_once(void **state)
{
	struct fixture *f = *state;

	setenv("AWS_ACCESS_KEY_ID", "E", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "SECRET-E", 1);
	assert_int_equal(find(f, (struct creds_options){0}), 0);
	assert_false(creds_expired(f->c, creds_get(f->c)->serial));
}

static void an_unknown_key_of_the_s3_block_is_told(void *ctx, const char *key)
{
	struct fixture *f = ctx;

	IGNORE_RESULT(snprintf(f->e.text, sizeof(f->e.text), "%s", key) < 0);
}

static void unknown_keys_of_a_block_are_found(void **state)
{
	static const char *const known[] = {"addressing_style", NULL};
	struct fixture *f = *state;

	file(f->config, "[default]\naws_access_key_id = A\n"
			"aws_secret_access_key = SECRET\ns3 =\n"
			"  addressing_style = path\n  adressing = x\n"
			"[profile other]\ns3 =\n  foreign = 1\n");
	assert_int_equal(find(f, (struct creds_options){0}), 0);
	f->e.text[0] = '\0';
	creds_unknown(f->c, "s3", known, an_unknown_key_of_the_s3_block_is_told, f);
	assert_string_equal(f->e.text, "s3.adressing");
}

static void services_section_has_the_endpoint(void **state)
{
	struct fixture *f = *state;

	file(f->config,
	     "[profile p]\nservices = sv\naws_access_key_id = A\n"
	     "aws_secret_access_key = SECRET\ns3 =\n  addressing_style = path\n"
	     "\tmultipart_threshold = 8MB\nca_bundle = /ca\n[services sv]\n"
	     "s3 =\n  endpoint_url = http://there:1\n");
	assert_int_equal(find(f, (struct creds_options){.profile = "p"}), 0);
	assert_string_equal(creds_service(f->c, "s3.endpoint_url"), "http://there:1");
	assert_string_equal(creds_profile(f->c, "s3.addressing_style"), "path");
	assert_string_equal(creds_profile(f->c, "s3.multipart_threshold"), "8MB");
	assert_string_equal(creds_profile(f->c, "ca_bundle"), "/ca");
	assert_null(creds_profile(f->c, "endpoint_url"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(nothing_anywhere_says_what_was_tried),
		T(sources_are_asked_in_order),
		T(half_a_pair_is_an_error_not_a_step_on),
		T(files_may_be_elsewhere),
		T(changed_file_is_seen_by_a_refresh),
		T(environment_is_asked_once),
		T(unknown_keys_of_a_block_are_found),
		T(services_section_has_the_endpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
