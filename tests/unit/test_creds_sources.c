/* Each source of credentials that is not a pair of keys in a file. */
#include "remote/creds_int.h"

#include "store/base/alloc.h"
#include "store/base/clock.h"
#include "store/base/err.h"
#include "store/base/fs.h"
#include "store/base/interrupt.h"
#include "store/base/sink.h"
#include "tests/lib/fakeweb.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char dir[48];
	struct fakeweb *web;
	struct creds_chain *c;
	struct err e;
	struct sink sink;
	char asked[256];
	const char *code; /* the MFA code typed; NULL: no terminal */
};

static const char *const variables[] = {
	"AWS_ACCESS_KEY_ID",
	"AWS_SECRET_ACCESS_KEY",
	"AWS_SESSION_TOKEN",
	"AWS_PROFILE",
	"AWS_DEFAULT_PROFILE",
	"AWS_CONFIG_FILE",
	"AWS_SHARED_CREDENTIALS_FILE",
	"AWS_ROLE_ARN",
	"AWS_ROLE_SESSION_NAME",
	"AWS_WEB_IDENTITY_TOKEN_FILE",
	"AWS_REGION",
	"AWS_DEFAULT_REGION",
	"AWS_ENDPOINT_URL",
	"AWS_ENDPOINT_URL_STS",
	"AWS_ENDPOINT_URL_SSO",
	"AWS_ENDPOINT_URL_SSO_OIDC",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	"AWS_CONTAINER_CREDENTIALS_FULL_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWS_EC2_METADATA_DISABLED",
	"AWS_EC2_METADATA_V1_DISABLED",
	"AWS_EC2_METADATA_SERVICE_ENDPOINT",
	"AWS_METADATA_SERVICE_TIMEOUT",
	"AWS_METADATA_SERVICE_NUM_ATTEMPTS",
	"AWS_LOGIN_CACHE_DIRECTORY",
	"http_proxy",
	"https_proxy",
	"HTTPS_PROXY",
	"all_proxy",
	"ALL_PROXY",
};

static int answer(struct sink *s, const char *question, char *out, size_t size)
{
	struct fixture *f =
		(struct fixture *)((char *)s - offsetof(struct fixture, sink));

	IGNORE_RESULT(snprintf(f->asked, sizeof(f->asked), "%s", question) < 0);
	if (!f->code)
		return -1;
	IGNORE_RESULT(snprintf(out, size, "%s", f->code) < 0);
	return 0;
}

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		unsetenv(variables[i]);
	memcpy(f->dir, "/tmp/test-creds-src-XXXXXX", 27);
	if (!mkdtemp(f->dir))
		return -1;
	setenv("HOME", f->dir, 1);
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	f->sink.ask = answer;
	f->web = fakeweb_start();
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	creds_close(f->c);
	creds_cache_drop();
	fakeweb_stop(f->web);
	IGNORE_RESULT(fs_remove_tree(AT_FDCWD, f->dir, NULL) < 0);
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		unsetenv(variables[i]);
	free(f);
	return 0;
}

/* A file below HOME; path is good until the next call. */
static const char *file(struct fixture *f, const char *name, const char *text)
{
	static char path[512];
	char *slash;

	IGNORE_RESULT(snprintf(path, sizeof(path), "%s/%s", f->dir, name) < 0);
	slash = strrchr(path, '/');
	*slash = '\0';
	assert_int_equal(fs_mkdirs(AT_FDCWD, path, 0, NULL), 0);
	*slash = '/';
	assert_int_equal(
		fs_write(AT_FDCWD, path, slice_of(text), 0600, FS_SYNC_NONE, NULL), 0);
	return path;
}

static void script(struct fixture *f, const char *name, const char *text)
{
	assert_int_equal(chmod(file(f, name, text), 0700), 0);
}

/* Opens the chain; whatever comes of it, no secret is in what it says. */
static int find(struct fixture *f, struct creds_options o)
{
	int r;

	creds_close(f->c);
	f->c = NULL;
	f->e = (struct err){0};
	o.sink = &f->sink;
	r = creds_open(&f->c, &o, &f->e);
	assert_null(strstr(f->e.text, "SECRET"));
	if (r == 0)
		assert_null(strstr(creds_get(f->c)->source, "SECRET"));
	return r;
}

static void is_key(struct fixture *f, const char *access)
{
	const struct creds *k = creds_get(f->c);

	assert_string_equal(k->access_key, access);
	assert_non_null(strstr(k->secret_key, "SECRET"));
}

static void says(struct fixture *f, const char *text)
{
	char all[4096];

	err_format(&f->e, all, sizeof(all));
	if (!strstr(all, text))
		fail_msg("'%s' is not in '%s'", text, all);
}

static void sent(struct fixture *f, const char *path, const char *name, const char *text)
{
	char *v = fakeweb_last(f->web, path, name);

	assert_non_null(v);
	if (!strstr(v, text))
		fail_msg("'%s' is not in '%s'", text, v);
	free(v);
}

static const char *until(int64_t seconds)
{
	static char text[21];

	clock_format_iso(clock_wall_ns() + seconds * 1000000000, text);
	return text;
}

/* By another program than ours. */
static char *sum_name(const char *program, const char *of, const char *dir)
{
	char *cmd = xasprintf("printf %%s '%s' | %s", of, program), sum[128] = "";
	FILE *p = popen(cmd, "r");

	assert_non_null(p);
	assert_non_null(fgets(sum, sizeof(sum), p));
	pclose(p);
	free(cmd);
	return xasprintf("%s/%.*s.json", dir, (int)strcspn(sum, " "), sum);
}

/* ---- roles ------------------------------------------------------------------ */

static void sts_gives(struct fixture *f, const char *action, const char *access,
		      int64_t seconds)
{
	char *xml = xasprintf(
		"<%sResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><%sResult>"
		"<AssumedRoleUser><Arn>a</Arn></AssumedRoleUser><Credentials>"
		"<AccessKeyId>%s</AccessKeyId><SecretAccessKey>SECRET-%s</SecretAccessKey>"
		"<SessionToken>SECRET-T</SessionToken><Expiration>%s</Expiration>"
		"</Credentials></%sResult></%sResponse>",
		action, action, access, access, until(seconds), action, action);

	fakeweb_set(f->web, "POST", "/", 200, xml, 0);
	setenv("AWS_ENDPOINT_URL_STS", fakeweb_url(f->web), 1);
	free(xml);
}

#define BASE "[base]\naws_access_key_id = B\naws_secret_access_key = SECRET-B\n"

static void a_role_is_taken_with_all_its_settings(void **state)
{
	struct fixture *f = *state;

	file(f, ".aws/credentials", BASE);
	file(f, ".aws/config",
	     "[profile r]\nrole_arn = arn:aws:iam::1:role/R\nsource_profile = base\n"
	     "external_id = ex/1\nduration_seconds = 1800\nrole_session_name = me@x\n"
	     "region = eu-west-3\n");
	sts_gives(f, "AssumeRole", "ROLE", 1800);
	assert_int_equal(find(f, (struct creds_options){.profile = "r"}), 0);
	is_key(f, "ROLE");
	assert_string_equal(creds_get(f->c)->token, "SECRET-T");
	assert_true(creds_get(f->c)->expires_ns > clock_wall_ns());
	assert_non_null(strstr(creds_get(f->c)->source, "arn:aws:iam::1:role/R"));
	sent(f, "/", "", "Action=AssumeRole&");
	sent(f, "/", "", "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2FR");
	sent(f, "/", "", "ExternalId=ex%2F1");
	sent(f, "/", "", "DurationSeconds=1800");
	sent(f, "/", "", "RoleSessionName=me%40x");
	sent(f, "/", "Authorization", "Credential=B/");
	sent(f, "/", "Authorization", "/eu-west-3/sts/aws4_request");
	assert_int_equal(fakeweb_requests(f->web, NULL), 1);
}

static void roles_chain_and_circles_are_found(void **state)
{
	struct fixture *f = *state;

	file(f, ".aws/credentials", BASE);
	file(f, ".aws/config",
	     "[profile a]\nrole_arn = arn-a\nsource_profile = b\n"
	     "[profile b]\nrole_arn = arn-b\nsource_profile = base\n"
	     "[profile x]\nrole_arn = arn-x\nsource_profile = y\n"
	     "[profile y]\nrole_arn = arn-y\nsource_profile = x\n"
	     "[profile self]\nrole_arn = arn-s\nsource_profile = self\n"
	     "aws_access_key_id = S\naws_secret_access_key = SECRET-S\n"
	     "[profile alone]\nrole_arn = arn-o\nsource_profile = alone\n"
	     "[profile gone]\nrole_arn = arn-g\nsource_profile = nowhere\n"
	     "[profile none]\nrole_arn = arn-n\n"
	     "[profile both]\nrole_arn = n\nsource_profile = base\n"
	     "credential_source = Environment\n"
	     "[profile odd]\nrole_arn = n\ncredential_source = Moon\n");
	sts_gives(f, "AssumeRole", "ROLE", 3600);
	assert_int_equal(find(f, (struct creds_options){.profile = "a"}), 0);
	assert_int_equal(fakeweb_requests(f->web, NULL), 2);
	sent(f, "/", "", "RoleArn=arn-a");
	sent(f, "/", "X-Amz-Security-Token", "SECRET-T");
	assert_int_equal(find(f, (struct creds_options){.profile = "self"}), 0);
	assert_int_equal(find(f, (struct creds_options){.profile = "x"}), ERR_CONFIG);
	says(f, "circle");
	assert_int_equal(find(f, (struct creds_options){.profile = "alone"}), ERR_CONFIG);
	says(f, "circle");
	assert_int_equal(find(f, (struct creds_options){.profile = "gone"}), ERR_CONFIG);
	says(f, "'nowhere'");
	assert_int_equal(find(f, (struct creds_options){.profile = "none"}), ERR_CONFIG);
	says(f, "source_profile");
	assert_int_equal(find(f, (struct creds_options){.profile = "both"}), ERR_CONFIG);
	assert_int_equal(find(f, (struct creds_options){.profile = "odd"}), ERR_CONFIG);
	says(f, "'Moon'");
}

static void a_role_may_be_taken_by_the_environment(void **state)
{
	struct fixture *f = *state;

	file(f, ".aws/config",
	     "[profile r]\nrole_arn = arn-r\ncredential_source = Environment\n");
	sts_gives(f, "AssumeRole", "ROLE", 3600);
	assert_int_equal(find(f, (struct creds_options){.profile = "r"}), ERR_AUTH);
	says(f, "'Environment'");
	setenv("AWS_ACCESS_KEY_ID", "E", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "SECRET-E", 1);
	assert_int_equal(find(f, (struct creds_options){.profile = "r"}), 0);
	sent(f, "/", "Authorization", "Credential=E/");
}

static void a_denied_role_names_call_role_and_permission(void **state)
{
	struct fixture *f = *state;

	file(f, ".aws/credentials", BASE);
	file(f, ".aws/config", "[profile r]\nrole_arn = arn-r\nsource_profile = base\n");
	setenv("AWS_ENDPOINT_URL_STS", fakeweb_url(f->web), 1);
	fakeweb_set(f->web, "POST", "/", 403,
		    "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
		    "<Message>no, you</Message></Error></ErrorResponse>",
		    0);
	assert_int_equal(find(f, (struct creds_options){.profile = "r"}), ERR_AUTH);
	says(f, "profile 'r'");
	says(f, "AssumeRole of 'arn-r' was denied");
	says(f, "no, you");
	says(f, "sts:AssumeRole");
	says(f, "profile 'base' in");
	assert_int_equal(fakeweb_requests(f->web, NULL), 1);
	fakeweb_set(f->web, "POST", "/", 200, "<html>portal</html>", 0);
	assert_int_equal(find(f, (struct creds_options){.profile = "r"}), ERR_CORRUPT);
	fakeweb_set(f->web, "POST", "/", 503, "down", 0);
	assert_int_equal(find(f, (struct creds_options){.profile = "r"}), ERR_NET);
	setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1", 1);
	assert_int_equal(find(f, (struct creds_options){.profile = "r"}), ERR_NET);
	says(f, "127.0.0.1:1");
}

static void an_mfa_code_is_asked_for_or_missed_clearly(void **state)
{
	struct fixture *f = *state;

	file(f, ".aws/credentials", BASE);
	file(f, ".aws/config",
	     "[profile r]\nrole_arn = arn-r\nsource_profile = base\n"
	     "mfa_serial = arn:aws:iam::1:mfa/me\n");
	sts_gives(f, "AssumeRole", "ROLE", 3600);
	assert_int_equal(find(f, (struct creds_options){.profile = "r"}), ERR_AUTH);
	says(f, "'r'");
	says(f, "'arn:aws:iam::1:mfa/me'");
	says(f, "mfa_serial");
	says(f, "terminal");
	assert_int_equal(fakeweb_requests(f->web, NULL), 0);
	f->code = "12 3";
	assert_int_equal(find(f, (struct creds_options){.profile = "r"}), ERR_AUTH);
	f->code = "123456";
	assert_int_equal(find(f, (struct creds_options){.profile = "r"}), 0);
	assert_non_null(strstr(f->asked, "arn:aws:iam::1:mfa/me"));
	sent(f, "/", "", "SerialNumber=arn%3Aaws%3Aiam%3A%3A1%3Amfa%2Fme");
	sent(f, "/", "", "TokenCode=123456");
}

/* A code counts once: it is asked for once a program, and a session of the AWS
 * command line is used. */
static void a_session_with_mfa_is_used_again(void **state)
{
	struct fixture *f = *state;
	char *name, *text;

	file(f, ".aws/credentials", BASE);
	file(f, ".aws/config",
	     "[profile r]\nrole_arn = arn-r\nsource_profile = base\n"
	     "mfa_serial = me\nduration_seconds = 3600\nexternal_id = x\n");
	sts_gives(f, "AssumeRole", "ROLE", 3600);
	f->code = "123456";
	assert_int_equal(find(f, (struct creds_options){.profile = "r"}), 0);
	f->code = NULL;
	assert_int_equal(find(f, (struct creds_options){.profile = "r"}), 0);
	is_key(f, "ROLE");
	assert_int_equal(fakeweb_requests(f->web, NULL), 1);
	creds_cache_drop();
	assert_int_equal(find(f, (struct creds_options){.profile = "r"}), ERR_AUTH);
	name = sum_name("sha1sum",
			"{\"DurationSeconds\": 3600, \"ExternalId\": \"x\", \"RoleArn\": "
			"\"arn-r\", \"SerialNumber\": \"me\"}",
			".aws/cli/cache");
	for (int i = 0; i < 2; i++) {
		text = xasprintf("{\"Credentials\": {\"AccessKeyId\": \"CLI\", "
				 "\"SecretAccessKey\": \"SECRET\", \"SessionToken\": "
				 "\"SECRET-T\", \"Expiration\": \"%s\"}}",
				 until(i == 0 ? 30 : 600));
		file(f, name, text);
		free(text);
		assert_int_equal(find(f, (struct creds_options){.profile = "r"}),
				 i == 0 ? ERR_AUTH : 0);
	}
	is_key(f, "CLI");
	assert_non_null(strstr(creds_get(f->c)->source, "AWS command line"));
	free(name);
}

static void a_web_identity_is_exchanged_unsigned(void **state)
{
	struct fixture *f = *state;
	char *v;

	sts_gives(f, "AssumeRoleWithWebIdentity", "WEB", 3600);
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", file(f, "token", "SECRET.JWT\n"), 1);
	assert_int_equal(find(f, (struct creds_options){0}), ERR_CONFIG);
	says(f, "AWS_ROLE_ARN");
	setenv("AWS_ROLE_ARN", "arn-w", 1);
	setenv("AWS_ROLE_SESSION_NAME", "pod", 1);
	assert_int_equal(find(f, (struct creds_options){0}), 0);
	is_key(f, "WEB");
	sent(f, "/", "", "WebIdentityToken=SECRET.JWT");
	sent(f, "/", "", "RoleSessionName=pod");
	v = fakeweb_last(f->web, "/", "Authorization");
	assert_null(v);
	/* In a profile; the environment's is not looked at when one is named. */
	file(f, ".aws/config",
	     "[profile w]\nrole_arn = arn-p\nweb_identity_token_file = /nonexistent\n");
	assert_int_equal(find(f, (struct creds_options){.profile = "w"}), ERR_AUTH);
	says(f, "/nonexistent");
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/gone", 1);
	assert_int_equal(find(f, (struct creds_options){0}), ERR_AUTH);
	says(f, "/gone");
}

/* ---- programs --------------------------------------------------------------- */

static void words_are_split_as_a_shell_does(void **state)
{
	static const struct {
		const char *line, *words;
	} v[] = {
		{"a b", "a|b|"},
		{"  a\t'b c' \"d \\\" e\" ", "a|b c|d \" e|"},
		{"a\\ b '' \"\"", "a b|||"},
		{"x'y'\"z\" $HOME `id` ; | #no", "xyz|$HOME|`id`|;|||#no|"},
		{"\"a\\b\" 'c\\d'", "a\\b|c\\d|"},
		{"", ""},
	};
	struct err e = {0};
	char **argv;
	size_t nr;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		struct buf b = {0};

		assert_int_equal(creds_words(v[i].line, &argv, &nr, &e), 0);
		for (size_t k = 0; k < nr; k++)
			buf_addf(&b, "%s|", argv[k]);
		assert_null(argv[nr]);
		assert_string_equal(buf_str(&b), v[i].words);
		buf_release(&b);
		creds_words_free(argv);
	}
	assert_int_equal(creds_words("a 'b", &argv, &nr, &e), ERR_CONFIG);
	assert_int_equal(creds_words("a \"b\\\"", &argv, &nr, &e), ERR_CONFIG);
	assert_int_equal(creds_words("a\\", &argv, &nr, &e), ERR_CONFIG);
}

static void process_is(struct fixture *f, const char *body)
{
	char *text = xasprintf("#!/bin/sh\n%s\n", body);
	char *config = xasprintf("[profile p]\ncredential_process = '%s/run me' \"a b\" "
				 "$(touch %s/harm)\n",
				 f->dir, f->dir);

	script(f, "run me", text);
	file(f, ".aws/config", config);
	free(config);
	free(text);
}

static void a_program_gives_keys(void **state)
{
	struct fixture *f = *state;
	char *harm = xasprintf("%s/harm", f->dir);

	process_is(f, "echo \"{\\\"Version\\\": 1, \\\"AccessKeyId\\\": \\\"$1\\\","
		      "\\\"SecretAccessKey\\\": \\\"SECRET\\\", \\\"SessionToken\\\": "
		      "\\\"T\\\", \\\"Expiration\\\": \\\"2199-01-01T00:00:00Z\\\"}\"");
	if (find(f, (struct creds_options){.profile = "p"}) != 0)
		fail_msg("%s", f->e.text);
	is_key(f, "a b");
	assert_true(creds_get(f->c)->expires_ns > 0);
	process_is(f, "echo '{\"Version\":1,\"AccessKeyId\":\"n\",\"SecretAccessKey\":"
		      "\"SECRET\",\"Expiration\":\"9999-12-31T23:59:59Z\"}'");
	assert_int_equal(find(f, (struct creds_options){.profile = "p"}), 0);
	assert_int_equal(creds_get(f->c)->expires_ns, 0);
	assert_int_equal(fs_kind(AT_FDCWD, harm), 0);
	free(harm);
}

static void a_program_that_fails_is_told_without_its_output(void **state)
{
	static const struct {
		const char *body, *want;
	} v[] = {
		{"echo SECRET; echo 'log in first' >&2; exit 3", "status 3"},
		{"echo 'log in first' >&2; exit 3", "log in first"},
		{"printf '\\033[31mred' >&2; exit 1", "\\x1b[31mred"},
		{"echo SECRET", "no JSON"},
		{"echo '{\"Version\": 2}'", "Version 1"},
		{"echo '{\"Version\": 1, \"AccessKeyId\": \"a\"}'", "'SecretAccessKey'"},
		{"echo '{\"Version\":1,\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\","
		 "\"Expiration\":\"soon\"}'",
		 "'Expiration'"},
		{"printf %s '{\"Version\":1,\"AccessKeyId\":\"a\\r\\nX: y\","
		 "\"SecretAccessKey\":\"b\"}'",
		 "control"},
		{"head -c 100000 /dev/zero", "more than"},
		{"kill -9 $$", "signal 9"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		process_is(f, v[i].body);
		assert_int_equal(find(f, (struct creds_options){.profile = "p"}),
				 ERR_AUTH);
		says(f, "'p'");
		says(f, v[i].want);
	}
	file(f, ".aws/config", "[profile p]\ncredential_process = /nonexistent/x\n");
	assert_int_equal(find(f, (struct creds_options){.profile = "p"}), ERR_AUTH);
	says(f, "/nonexistent/x");
	file(f, ".aws/config", "[profile p]\ncredential_process = 'open\n");
	assert_int_equal(find(f, (struct creds_options){.profile = "p"}), ERR_CONFIG);
}

/* A repository may name a profile, not what runs or is read through it. */
static void a_foreign_profile_runs_nothing(void **state)
{
	struct fixture *f = *state;
	struct creds_options o = {.profile = "p", .is_profile_foreign = true};
	char *harm = xasprintf("%s/ran", f->dir), *body = xasprintf("touch %s", harm);

	process_is(f, body);
	assert_int_equal(find(f, o), ERR_AUTH);
	says(f, "credential_process");
	says(f, "'p'");
	says(f, "--local");
	assert_int_equal(fs_kind(AT_FDCWD, harm), 0);
	sts_gives(f, "AssumeRole", "ROLE", 3600);
	file(f, ".aws/credentials", BASE);
	file(f, ".aws/config", "[profile p]\nrole_arn = arn-r\nsource_profile = base\n");
	assert_int_equal(find(f, o), ERR_AUTH);
	says(f, "role_arn");
	file(f, ".aws/config",
	     "[profile p]\nrole_arn = a\nweb_identity_token_file = /etc/passwd\n");
	assert_int_equal(find(f, o), ERR_AUTH);
	says(f, "web_identity_token_file");
	assert_int_equal(fakeweb_requests(f->web, NULL), 0);
	file(f, ".aws/config",
	     "[profile p]\naws_access_key_id = K\naws_secret_access_key = SECRET\n");
	assert_int_equal(find(f, o), 0);
	is_key(f, "K");
	free(body);
	free(harm);
}

/* ---- SSO --------------------------------------------------------------------- */

#define SSO_SESSION                                                                      \
	"[profile s]\nsso_session = corp\nsso_account_id = 123\nsso_role_name = Dev\n"   \
	"[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp/start\n"
static char *cache_name(const char *of)
{
	return sum_name("sha1sum", of, ".aws/sso/cache");
}

static void sso_token(struct fixture *f, const char *of, int64_t seconds,
		      const char *more)
{
	char *name = cache_name(of);
	char *text =
		xasprintf("{\"accessToken\": \"SECRET-AT\", \"expiresAt\": \"%s\"%s}",
			  until(seconds), more);

	file(f, name, text);
	free(text);
	free(name);
}

static void sso_gives(struct fixture *f, const char *access)
{
	char *text = xasprintf(
		"{\"roleCredentials\":{\"accessKeyId\":\"%s\",\"secretAccessKey\":"
		"\"SECRET\",\"sessionToken\":\"SECRET-T\",\"expiration\":%lld}}",
		access, (long long)(clock_wall_ns() / 1000000 + 3600000));

	fakeweb_set(f->web, "GET", "/federation/credentials", 200, text, 0);
	setenv("AWS_ENDPOINT_URL_SSO", fakeweb_url(f->web), 1);
	setenv("AWS_ENDPOINT_URL_SSO_OIDC", fakeweb_url(f->web), 1);
	free(text);
}

static void an_sso_login_is_exchanged(void **state)
{
	struct fixture *f = *state;

	file(f, ".aws/config", SSO_SESSION);
	sso_gives(f, "SSO");
	assert_int_equal(find(f, (struct creds_options){.profile = "s"}), ERR_AUTH);
	says(f, "aws sso login --sso-session corp");
	sso_token(f, "corp", 3600, "");
	assert_int_equal(find(f, (struct creds_options){.profile = "s"}), 0);
	is_key(f, "SSO");
	sent(f, "/federation/credentials", "x-amz-sso_bearer_token", "SECRET-AT");
	sent(f, "/federation/credentials", "?", "account_id=123");
	sent(f, "/federation/credentials", "?", "role_name=Dev");
	/* The older way: the start URL names the file. */
	file(f, ".aws/config",
	     "[profile s]\nsso_start_url = https://corp/start\nsso_region = eu-west-1\n"
	     "sso_account_id = 123\nsso_role_name = Dev\n");
	assert_int_equal(find(f, (struct creds_options){.profile = "s"}), ERR_AUTH);
	says(f, "aws sso login --profile s");
	sso_token(f, "https://corp/start", 3600, "");
	assert_int_equal(find(f, (struct creds_options){.profile = "s"}), 0);
}

static void an_sso_login_that_ended_is_renewed_or_told(void **state)
{
	struct fixture *f = *state;
	char *name = cache_name("corp"), *path = xasprintf("%s/%s", f->dir, name);
	struct buf text = {0};

	file(f, ".aws/config", SSO_SESSION);
	sso_gives(f, "SSO");
	sso_token(f, "corp", -10, "");
	assert_int_equal(find(f, (struct creds_options){.profile = "s"}), ERR_AUTH);
	says(f, "has ended");
	assert_int_equal(fakeweb_requests(f->web, NULL), 0);
	sso_token(f, "corp", -10,
		  ", \"refreshToken\": \"SECRET-RT\", \"clientId\": \"id\", "
		  "\"clientSecret\": \"SECRET-CS\", \"region\": \"eu-west-1\"");
	fakeweb_set(f->web, "POST", "/token", 200,
		    "{\"accessToken\": \"SECRET-NEW\", \"expiresIn\": 28800, "
		    "\"refreshToken\": \"SECRET-RT2\", \"tokenType\": \"Bearer\"}",
		    0);
	assert_int_equal(find(f, (struct creds_options){.profile = "s"}), 0);
	sent(f, "/token", "", "\"refreshToken\": \"SECRET-RT\"");
	sent(f, "/federation/credentials", "x-amz-sso_bearer_token", "SECRET-NEW");
	assert_int_equal(fs_read(AT_FDCWD, path, 0, &text, NULL), 0);
	assert_non_null(strstr(buf_str(&text), "SECRET-RT2"));
	assert_non_null(strstr(buf_str(&text), "\"region\": \"eu-west-1\""));
	/* Renewed: the next run needs no request for it. */
	assert_int_equal(find(f, (struct creds_options){.profile = "s"}), 0);
	assert_int_equal(fakeweb_requests(f->web, "/token"), 1);
	buf_release(&text);
	free(path);
	free(name);
}

static void what_sso_refuses_names_role_and_account(void **state)
{
	struct fixture *f = *state;

	file(f, ".aws/config", SSO_SESSION);
	sso_gives(f, "SSO");
	sso_token(f, "corp", 3600, "");
	fakeweb_once(f->web, "/federation/credentials", 403, "{}");
	assert_int_equal(find(f, (struct creds_options){.profile = "s"}), ERR_AUTH);
	says(f, "GetRoleCredentials");
	says(f, "'Dev'");
	says(f, "123");
	fakeweb_once(f->web, "/federation/credentials", 401, "{}");
	assert_int_equal(find(f, (struct creds_options){.profile = "s"}), ERR_AUTH);
	says(f, "aws sso login");
	fakeweb_once(f->web, "/federation/credentials", 200, "{\"roleCredentials\": 1}");
	assert_int_equal(find(f, (struct creds_options){.profile = "s"}), ERR_CORRUPT);
	file(f, ".aws/config", "[profile s]\nsso_session = no\nsso_account_id = 1\n");
	assert_int_equal(find(f, (struct creds_options){.profile = "s"}), ERR_CONFIG);
	file(f, ".aws/config",
	     "[profile s]\nsso_start_url = u\nsso_region = a.evil/\nsso_account_id = 1\n"
	     "sso_role_name = r\n");
	assert_int_equal(find(f, (struct creds_options){.profile = "s"}), ERR_CONFIG);
}

static void an_aws_login_is_used_while_it_lives(void **state)
{
	struct fixture *f = *state;
	char *dir = xasprintf("%s/logins", f->dir);

	setenv("AWS_LOGIN_CACHE_DIRECTORY", dir, 1);
	file(f, ".aws/config", "[profile l]\nlogin_session = bob\n");
	assert_int_equal(find(f, (struct creds_options){.profile = "l"}), ERR_AUTH);
	says(f, "aws login --profile l");
	for (int i = 0; i < 2; i++) {
		char *text = xasprintf("{\"accessToken\": {\"accessKeyId\": \"L\", "
				       "\"secretAccessKey\": \"SECRET\", "
				       "\"sessionToken\": \"SECRET-T\", "
				       "\"expiresAt\": \"%s\"}}",
				       until(i == 0 ? 600 : -600));
		char *name = sum_name("sha256sum", "bob", "logins");

		file(f, name, text);
		free(name);
		free(text);
		assert_int_equal(find(f, (struct creds_options){.profile = "l"}),
				 i == 0 ? 0 : ERR_AUTH);
	}
	free(dir);
}

/* ---- metadata services -------------------------------------------------------- */

static char *meta_json(const char *access, int64_t seconds)
{
	return xasprintf("{\"Code\": \"Success\", \"AccessKeyId\": \"%s\", "
			 "\"SecretAccessKey\": \"SECRET-%s\", \"Token\": "
			 "\"SECRET-T\", \"Expiration\": \"%s\"}",
			 access, access, until(seconds));
}

static void a_container_gives_keys(void **state)
{
	struct fixture *f = *state;
	char *json = meta_json("BOX", 3600), *url;

	fakeweb_set(f->web, "GET", "/creds", 200, json, 0);
	url = xasprintf("%s/creds", fakeweb_url(f->web));
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "SECRET-AUTH", 1);
	setenv("http_proxy", "http://127.0.0.1:1", 1); /* is not asked */
	assert_int_equal(find(f, (struct creds_options){0}), 0);
	is_key(f, "BOX");
	sent(f, "/creds", "Authorization", "SECRET-AUTH");
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file(f, "tok", "SECRET-F"), 1);
	assert_int_equal(find(f, (struct creds_options){0}), 0);
	sent(f, "/creds", "Authorization", "SECRET-F");
	file(f, "tok", "SECRET\r\nX-Evil: 1");
	assert_int_equal(find(f, (struct creds_options){0}), ERR_CONFIG);
	says(f, "line end");
	unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	fakeweb_once(f->web, "/creds", 500, "busy");
	assert_int_equal(find(f, (struct creds_options){0}), 0);
	fakeweb_once(f->web, "/creds", 403, "no");
	assert_int_equal(find(f, (struct creds_options){0}), ERR_AUTH);
	says(f, "403");
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/creds", 1);
	assert_int_equal(find(f, (struct creds_options){0}), ERR_CONFIG);
	free(json);
	free(url);
}

static void only_near_hosts_are_asked_without_tls(void **state)
{
	static const char *const good[] = {
		"https://any.where/x",	   "http://127.0.0.1/",
		"http://127.9.9.9:80/x",   "http://localhost:9/a",
		"http://169.254.170.2/v2", "http://[::1]:1/a",
		"http://[fd00:ec2::23]/",  "http://169.254.170.23/",
	};
	static const char *const bad[] = {"http://128.0.0.1/",
					  "http://127.0.0.1.evil.com/",
					  "http://localhost@e/",
					  "http://169.254.169.254/",
					  "ftp://127.0.0.1/",
					  "http://[fd00:ec2::24]/",
					  "http://127.0.0.1@e/",
					  "http://",
					  "127.0.0.1",
					  "http://[::1",
					  "http://evil?127.0.0.1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (!creds_uri_allowed(good[i]))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (creds_uri_allowed(bad[i]))
			fail_msg("%s", bad[i]);
}

#define ROLES "/latest/meta-data/iam/security-credentials/"

static void instance(struct fixture *f, const char *json)
{
	unsetenv("AWS_EC2_METADATA_DISABLED");
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", fakeweb_url(f->web), 1);
	fakeweb_set(f->web, "PUT", "/latest/api/token", 200, "SECRET-TOK", 0);
	fakeweb_set(f->web, "GET", ROLES, 200, "myrole\n", 0);
	fakeweb_set(f->web, "GET", ROLES "myrole", 200, json, 0);
}

static void an_instance_gives_keys_by_version_two(void **state)
{
	struct fixture *f = *state;
	char *json = meta_json("EC2", 3600);

	instance(f, json);
	assert_int_equal(find(f, (struct creds_options){0}), 0);
	is_key(f, "EC2");
	assert_non_null(strstr(creds_get(f->c)->source, "'myrole'"));
	sent(f, "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds", "21600");
	sent(f, ROLES "myrole", "X-aws-ec2-metadata-token", "SECRET-TOK");
	/* Look-alikes without sessions; unless they are forbidden. */
	fakeweb_set(f->web, "PUT", "/latest/api/token", 405, "", 0);
	assert_int_equal(find(f, (struct creds_options){0}), 0);
	setenv("AWS_EC2_METADATA_V1_DISABLED", "true", 1);
	assert_int_equal(find(f, (struct creds_options){0}), ERR_AUTH);
	unsetenv("AWS_EC2_METADATA_V1_DISABLED");
	/* Keys that seem to be over still count while the service has no others. */
	free(json);
	json = meta_json("OLD", -60);
	instance(f, json);
	assert_int_equal(find(f, (struct creds_options){0}), 0);
	assert_true(creds_get(f->c)->expires_ns > clock_wall_ns());
	free(json);
}

static void an_instance_is_not_waited_for(void **state)
{
	struct fixture *f = *state;
	int64_t start;

	instance(f, "{");
	assert_int_equal(find(f, (struct creds_options){0}), ERR_CORRUPT);
	fakeweb_set(f->web, "GET", ROLES, 404, "", 0);
	assert_int_equal(find(f, (struct creds_options){0}), ERR_AUTH);
	says(f, "no role");
	fakeweb_set(f->web, "PUT", "/latest/api/token", 200, "t", 3000);
	start = clock_mono_ns();
	assert_int_equal(find(f, (struct creds_options){0}), ERR_AUTH);
	assert_true(clock_mono_ns() - start < INT64_C(2500000000));
	says(f, "does not answer");
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1", 1);
	assert_int_equal(find(f, (struct creds_options){0}), ERR_AUTH);
	says(f, "does not answer");
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	assert_int_equal(find(f, (struct creds_options){0}), ERR_AUTH);
	says(f, "AWS_EC2_METADATA_DISABLED");
}

/* ---- time --------------------------------------------------------------------- */

static int settled(struct creds_chain *c, int64_t now, const struct creds **k,
		   struct err *e)
{
	int r;

	while ((r = creds_ready(c, now, k, e)) == 0)
		clock_sleep_ms(1);
	return r;
}

#define MINUTE_NS (INT64_C(60) * 1000000000)

static void keys_are_renewed_before_they_end(void **state)
{
	struct fixture *f = *state;
	char *json = meta_json("ONE", 7200);
	int64_t now = clock_wall_ns();
	const struct creds *k;

	instance(f, json);
	free(json);
	assert_int_equal(find(f, (struct creds_options){0}), 0);
	assert_int_equal(creds_ready(f->c, now, &k, NULL), 1);
	assert_int_equal(fakeweb_requests(f->web, ROLES "myrole"), 1);
	json = meta_json("TWO", 14400);
	fakeweb_set(f->web, "GET", ROLES "myrole", 200, json, 100);
	free(json);
	/* 14 minutes before the end: in the background, the old ones still count. */
	assert_int_equal(creds_ready(f->c, now + 106 * MINUTE_NS, &k, NULL), 1);
	assert_string_equal(k->access_key, "ONE");
	/* 9 minutes before: waited for; asked once for all. */
	assert_int_equal(creds_ready(f->c, now + 111 * MINUTE_NS, &k, NULL), 0);
	assert_int_equal(settled(f->c, now + 111 * MINUTE_NS, &k, NULL), 1);
	assert_string_equal(k->access_key, "TWO");
	assert_int_equal(fakeweb_requests(f->web, ROLES "myrole"), 2);
}

static void keys_that_cannot_be_renewed_live_to_their_end(void **state)
{
	struct fixture *f = *state;
	char *json = meta_json("ONE", 7200);
	int64_t now = clock_wall_ns();
	const struct creds *k;

	instance(f, json);
	free(json);
	assert_int_equal(find(f, (struct creds_options){0}), 0);
	fakeweb_set(f->web, "GET", ROLES "myrole", 500, "down", 0);
	assert_int_equal(settled(f->c, now + 115 * MINUTE_NS, &k, &f->e), 1);
	assert_int_equal(settled(f->c, now + 119 * MINUTE_NS, &k, &f->e), 1);
	assert_string_equal(k->access_key, "ONE");
	assert_int_equal(settled(f->c, now + 121 * MINUTE_NS, &k, &f->e), ERR_AUTH);
	says(f, "could not be renewed");
	says(f, "'myrole'");
}

/* As s3 = 15 minutes: the shortest role. It must not be asked for all the time. */
static void short_lives_are_divided(void **state)
{
	struct fixture *f = *state;
	char *json = meta_json("ONE", 900);
	int64_t now = clock_wall_ns();
	const struct creds *k;

	instance(f, json);
	free(json);
	assert_int_equal(find(f, (struct creds_options){0}), 0);
	assert_int_equal(creds_ready(f->c, now + 10 * MINUTE_NS, &k, NULL), 1);
	assert_int_equal(fakeweb_requests(f->web, ROLES "myrole"), 1);
	json = meta_json("TWO", 1800);
	fakeweb_set(f->web, "GET", ROLES "myrole", 200, json, 0);
	free(json);
	assert_int_equal(settled(f->c, now + 14 * MINUTE_NS, &k, NULL), 1);
	assert_string_equal(k->access_key, "TWO");
}

static void a_refresh_is_stopped_by_close(void **state)
{
	struct fixture *f = *state;
	char *json = meta_json("ONE", 7200);
	const struct creds *k;
	int64_t start;

	instance(f, json);
	free(json);
	setenv("AWS_METADATA_SERVICE_TIMEOUT", "30", 1);
	assert_int_equal(find(f, (struct creds_options){0}), 0);
	fakeweb_set(f->web, "PUT", "/latest/api/token", 200, "t", 4000);
	start = clock_mono_ns();
	assert_true(creds_expired(f->c, creds_get(f->c)->serial));
	assert_int_equal(creds_ready(f->c, clock_wall_ns(), &k, NULL), 0);
	creds_close(f->c);
	f->c = NULL;
	assert_true(clock_mono_ns() - start < INT64_C(3000000000));
}

static void mfa_in_mid_transfer_says_run_again(void **state)
{
	struct fixture *f = *state;
	const struct creds *k;

	file(f, ".aws/credentials", BASE);
	file(f, ".aws/config",
	     "[profile r]\nrole_arn = arn-r\nsource_profile = base\nmfa_serial = me\n");
	sts_gives(f, "AssumeRole", "ROLE", 3600);
	f->code = "123456";
	assert_int_equal(find(f, (struct creds_options){.profile = "r"}), 0);
	assert_true(creds_expired(f->c, creds_get(f->c)->serial));
	assert_int_equal(settled(f->c, clock_wall_ns(), &k, &f->e), ERR_AUTH);
	says(f, "run the command again");
	says(f, "'me'");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(a_role_is_taken_with_all_its_settings),
		T(roles_chain_and_circles_are_found),
		T(a_role_may_be_taken_by_the_environment),
		T(a_denied_role_names_call_role_and_permission),
		T(an_mfa_code_is_asked_for_or_missed_clearly),
		T(a_session_with_mfa_is_used_again),
		T(a_web_identity_is_exchanged_unsigned),
		T(words_are_split_as_a_shell_does),
		T(a_program_gives_keys),
		T(a_program_that_fails_is_told_without_its_output),
		T(a_foreign_profile_runs_nothing),
		T(an_sso_login_is_exchanged),
		T(an_sso_login_that_ended_is_renewed_or_told),
		T(what_sso_refuses_names_role_and_account),
		T(an_aws_login_is_used_while_it_lives),
		T(a_container_gives_keys),
		T(only_near_hosts_are_asked_without_tls),
		T(an_instance_gives_keys_by_version_two),
		T(an_instance_is_not_waited_for),
		T(keys_are_renewed_before_they_end),
		T(keys_that_cannot_be_renewed_live_to_their_end),
		T(short_lives_are_divided),
		T(a_refresh_is_stopped_by_close),
		T(mfa_in_mid_transfer_says_run_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
