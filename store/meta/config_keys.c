/* Every key that is known: DVC's schema, and below it our own. */
#include "store/base/compiler.h"
#include "store/base/slice.h"
#include "store/base/text.h"
#include "store/meta/config.h"

#include <stdlib.h>
#include <strings.h>

#define KEY(s, k, t, d, text)                                                            \
	{                                                                                \
		.section = (s), .key = (k), .type = (t), .def = (d), .doc = (text)       \
	}
#define CHOICE(s, k, c, d, text)                                                         \
	{                                                                                \
		.section = (s), .key = (k), .type = CONFIG_CHOICE, .choices = (c),       \
		.def = (d), .doc = (text)                                                \
	}
#define SECRET(s, k, text)                                                               \
	{                                                                                \
		.section = (s), .key = (k), .type = CONFIG_STR, .doc = (text),           \
		.secret = true                                                           \
	}
#define OWN(s, k, t, d, text)                                                            \
	{                                                                                \
		.section = (s), .key = (k), .type = (t), .def = (d), .doc = (text),      \
		.own = true                                                              \
	}
#define OBSOLETE "" /* accepted and ignored */

#define LINK_KEYS(s)                                                                     \
	KEY(s, "type", CONFIG_LINKS, "reflink,copy",                                     \
	    "link types in order of preference: reflink, hardlink, symlink, copy"),      \
		KEY(s, "protected", CONFIG_BOOL, NULL, OBSOLETE),                        \
		CHOICE(s, "shared", "group", NULL, "make files group-writable"),         \
		KEY(s, "slow_link_warning", CONFIG_BOOL, "true", OBSOLETE),              \
		KEY(s, "verify", CONFIG_BOOL, "false",                                   \
		    "hash objects again when they "                                      \
		    "are added")
#define VERIFY(s, d) KEY(s, "verify", CONFIG_BOOL, d, "hash objects again after download")
#define HTTP_KEYS(s)                                                                     \
	CHOICE(s, "auth", "basic digest custom", NULL, "how to authenticate"),           \
		SECRET(s, "custom_auth_header",                                          \
		       "name of the header that carries the "                            \
		       "password"),                                                      \
		KEY(s, "user", CONFIG_STR, NULL, "user name"),                           \
		SECRET(s, "password", "password"),                                       \
		KEY(s, "ask_password", CONFIG_BOOL, "false", "ask for the password"),    \
		KEY(s, "ssl_verify", CONFIG_BOOL_PATH, "true",                           \
		    "check certificates, or the file of a CA"),                          \
		KEY(s, "method", CONFIG_STR, "POST", "method of uploads"),               \
		KEY(s, "connect_timeout", CONFIG_FLOAT, "60", "seconds"),                \
		KEY(s, "read_timeout", CONFIG_FLOAT, "60", "seconds"),                   \
		VERIFY(s, "false")
#define WEBDAV_KEYS(s)                                                                   \
	KEY(s, "user", CONFIG_STR, NULL, "user name"),                                   \
		SECRET(s, "password", "password"),                                       \
		KEY(s, "ask_password", CONFIG_BOOL, "false", "ask for the password"),    \
		SECRET(s, "token", "bearer token"),                                      \
		{.section = (s),                                                         \
		 .key = "bearer_token_command",                                          \
		 .type = CONFIG_STR,                                                     \
		 .doc = "program that prints a bearer token",                            \
		 .trusted_only = true},                                                  \
		SECRET(s, "custom_auth_header", "header that carries the token"),        \
		KEY(s, "cert_path", CONFIG_PATH, NULL, "client certificate"),            \
		KEY(s, "key_path", CONFIG_PATH, NULL, "key of the client certificate"),  \
		KEY(s, "timeout", CONFIG_INT, "30", "seconds"),                          \
		KEY(s, "ssl_verify", CONFIG_BOOL_PATH, "true",                           \
		    "check certificates, or the file of a CA"),                          \
		VERIFY(s, "false")

const struct config_key config_keys[] = {
	KEY("core", "remote", CONFIG_LOWER, NULL, "name of the default remote"),
	KEY("core", "checksum_jobs", CONFIG_COUNT, NULL, "threads that hash"),
	KEY("core", "interactive", CONFIG_BOOL, "false", "ask before running a stage"),
	KEY("core", "analytics", CONFIG_BOOL, "true", "usage reports of dvc"),
	KEY("core", "hardlink_lock", CONFIG_BOOL, "false",
	    "lock with hard links instead of flock"),
	KEY("core", "no_scm", CONFIG_BOOL, "false", "work without git"),
	KEY("core", "autostage", CONFIG_BOOL, "false", "git add changed metadata files"),
	KEY("core", "experiments", CONFIG_BOOL, NULL, OBSOLETE),
	KEY("core", "check_update", CONFIG_BOOL, "true", "update notice of dvc"),
	KEY("core", "site_cache_dir", CONFIG_STR, "/var/tmp/dvc",
	    "where dvc keeps its state"),
	KEY("core", "machine", CONFIG_LOWER, NULL, OBSOLETE),

	KEY("cache", "local", CONFIG_STR, NULL, OBSOLETE),
	KEY("cache", "s3", CONFIG_STR, NULL, OBSOLETE),
	KEY("cache", "gs", CONFIG_STR, NULL, OBSOLETE),
	KEY("cache", "hdfs", CONFIG_STR, NULL, OBSOLETE),
	KEY("cache", "webhdfs", CONFIG_STR, NULL, OBSOLETE),
	KEY("cache", "ssh", CONFIG_STR, NULL, OBSOLETE),
	KEY("cache", "azure", CONFIG_STR, NULL, OBSOLETE),
	KEY("cache", "dir", CONFIG_PATH, ".dvc/cache", "the cache directory"),
	LINK_KEYS("cache"),

	KEY("remote", "url", CONFIG_PATH, NULL, "location; its scheme decides the keys"),
	KEY("remote", "checksum_jobs", CONFIG_COUNT, NULL, "threads that hash"),
	KEY("remote", "jobs", CONFIG_COUNT, NULL, "transfers in flight"),
	KEY("remote", "worktree", CONFIG_BOOL, NULL, "keep the remote as a work tree"),
	KEY("remote", "no_traverse", CONFIG_BOOL, NULL, OBSOLETE),
	KEY("remote", "version_aware", CONFIG_BOOL, NULL, "use the bucket's versions"),
	LINK_KEYS("remote:local"),
	KEY("remote:s3", "region", CONFIG_STR, NULL, "region"),
	KEY("remote:s3", "profile", CONFIG_STR, NULL, "profile of the AWS files"),
	KEY("remote:s3", "credentialpath", CONFIG_PATH, NULL, "AWS credentials file"),
	KEY("remote:s3", "configpath", CONFIG_PATH, NULL, "AWS config file"),
	KEY("remote:s3", "endpointurl", CONFIG_STR, NULL, "endpoint of another service"),
	SECRET("remote:s3", "access_key_id", "access key"),
	SECRET("remote:s3", "secret_access_key", "secret key"),
	SECRET("remote:s3", "session_token", "session token"),
	KEY("remote:s3", "listobjects", CONFIG_BOOL, NULL, OBSOLETE),
	KEY("remote:s3", "use_ssl", CONFIG_BOOL, "true", "https"),
	KEY("remote:s3", "allow_anonymous_login", CONFIG_BOOL, "false",
	    "unsigned requests"),
	KEY("remote:s3", "ssl_verify", CONFIG_BOOL_PATH, "true",
	    "check certificates, or the file of a CA"),
	KEY("remote:s3", "sse", CONFIG_STR, NULL, "server-side encryption"),
	KEY("remote:s3", "sse_kms_key_id", CONFIG_STR, NULL, "KMS key"),
	KEY("remote:s3", "sse_customer_algorithm", CONFIG_STR, NULL,
	    "algorithm of the customer's key"),
	SECRET("remote:s3", "sse_customer_key", "the customer's key, base64"),
	KEY("remote:s3", "acl", CONFIG_STR, NULL, "canned ACL"),
	KEY("remote:s3", "grant_read", CONFIG_STR, NULL, "grantees"),
	KEY("remote:s3", "grant_read_acp", CONFIG_STR, NULL, "grantees"),
	KEY("remote:s3", "grant_write_acp", CONFIG_STR, NULL, "grantees"),
	KEY("remote:s3", "grant_full_control", CONFIG_STR, NULL, "grantees"),
	{.section = "remote:s3",
	 .key = "cache_regions",
	 .type = CONFIG_NEVER,
	 .choices = "bool",
	 .doc = OBSOLETE},
	KEY("remote:s3", "read_timeout", CONFIG_INT, NULL, "seconds"),
	KEY("remote:s3", "connect_timeout", CONFIG_INT, NULL, "seconds"),
	VERIFY("remote:s3", "false"),
	KEY("remote:gs", "projectname", CONFIG_STR, NULL, "project"),
	KEY("remote:gs", "credentialpath", CONFIG_PATH, NULL, "credentials file"),
	KEY("remote:gs", "endpointurl", CONFIG_STR, NULL, "endpoint of another service"),
	VERIFY("remote:gs", "false"),
	KEY("remote:gs", "allow_anonymous_login", CONFIG_BOOL, "false",
	    "unsigned requests"),
	KEY("remote:ssh", "type", CONFIG_LINKS, NULL, "link types"),
	KEY("remote:ssh", "port", CONFIG_INT, NULL, "port"),
	KEY("remote:ssh", "user", CONFIG_STR, NULL, "user name"),
	SECRET("remote:ssh", "password", "password"),
	KEY("remote:ssh", "ask_password", CONFIG_BOOL, "false", "ask for the password"),
	SECRET("remote:ssh", "passphrase", "passphrase of the key"),
	KEY("remote:ssh", "ask_passphrase", CONFIG_BOOL, "false", "ask for it"),
	KEY("remote:ssh", "keyfile", CONFIG_PATH, NULL, "private key"),
	KEY("remote:ssh", "timeout", CONFIG_INT, "1800", "seconds"),
	KEY("remote:ssh", "gss_auth", CONFIG_BOOL, NULL, "GSSAPI"),
	KEY("remote:ssh", "allow_agent", CONFIG_BOOL, NULL, "use the agent"),
	KEY("remote:ssh", "max_sessions", CONFIG_INT, NULL, "sessions"),
	VERIFY("remote:ssh", "false"),
	KEY("remote:hdfs", "user", CONFIG_STR, NULL, "user name"),
	KEY("remote:hdfs", "kerb_ticket", CONFIG_STR, NULL, "ticket cache"),
	{.section = "remote:hdfs",
	 .key = "replication",
	 .type = CONFIG_NEVER,
	 .choices = "int",
	 .doc = OBSOLETE},
	KEY("remote:webhdfs", "kerberos", CONFIG_BOOL, NULL, "Kerberos"),
	KEY("remote:webhdfs", "kerberos_principal", CONFIG_STR, NULL, "principal"),
	KEY("remote:webhdfs", "proxy_to", CONFIG_STR, NULL, "proxy user"),
	KEY("remote:webhdfs", "ssl_verify", CONFIG_BOOL_PATH, "true",
	    "check certificates, or the file of a CA"),
	SECRET("remote:webhdfs", "token", "delegation token"),
	KEY("remote:webhdfs", "use_https", CONFIG_BOOL, NULL, "https"),
	KEY("remote:webhdfs", "user", CONFIG_STR, NULL, "user name"),
	SECRET("remote:webhdfs", "password", "password"),
	KEY("remote:webhdfs", "data_proxy_target", CONFIG_STR, NULL, "proxy"),
	VERIFY("remote:webhdfs", "false"),
	SECRET("remote:azure", "connection_string", "connection string"),
	SECRET("remote:azure", "sas_token", "SAS token"),
	KEY("remote:azure", "account_name", CONFIG_STR, NULL, "account"),
	SECRET("remote:azure", "account_key", "account key"),
	KEY("remote:azure", "tenant_id", CONFIG_STR, NULL, "tenant"),
	KEY("remote:azure", "client_id", CONFIG_STR, NULL, "client"),
	SECRET("remote:azure", "client_secret", "the client's secret"),
	KEY("remote:azure", "allow_anonymous_login", CONFIG_BOOL, NULL,
	    "unsigned requests"),
	KEY("remote:azure", "exclude_environment_credential", CONFIG_BOOL, NULL,
	    "leave out this credential"),
	KEY("remote:azure", "exclude_visual_studio_code_credential", CONFIG_BOOL, NULL,
	    "leave out this credential"),
	KEY("remote:azure", "exclude_shared_token_cache_credential", CONFIG_BOOL, NULL,
	    "leave out this credential"),
	KEY("remote:azure", "exclude_managed_identity_credential", CONFIG_BOOL, NULL,
	    "leave out this credential"),
	VERIFY("remote:azure", "false"),
	KEY("remote:azure", "timeout", CONFIG_INT, NULL, "seconds"),
	KEY("remote:azure", "read_timeout", CONFIG_INT, NULL, "seconds"),
	KEY("remote:azure", "connection_timeout", CONFIG_INT, NULL, "seconds"),
	SECRET("remote:oss", "oss_key_id", "access key"),
	SECRET("remote:oss", "oss_key_secret", "secret key"),
	KEY("remote:oss", "oss_endpoint", CONFIG_STR, NULL, "endpoint"),
	VERIFY("remote:oss", "true"),
	KEY("remote:gdrive", "profile", CONFIG_STR, NULL, "profile"),
	KEY("remote:gdrive", "gdrive_use_service_account", CONFIG_BOOL, NULL,
	    "use a service account"),
	KEY("remote:gdrive", "gdrive_client_id", CONFIG_STR, NULL, "client"),
	SECRET("remote:gdrive", "gdrive_client_secret", "the client's secret"),
	KEY("remote:gdrive", "gdrive_user_credentials_file", CONFIG_PATH, NULL,
	    "credentials file"),
	KEY("remote:gdrive", "gdrive_service_account_user_email", CONFIG_STR, NULL,
	    "user to act for"),
	KEY("remote:gdrive", "gdrive_service_account_json_file_path", CONFIG_PATH, NULL,
	    "service account file"),
	KEY("remote:gdrive", "gdrive_trash_only", CONFIG_BOOL, "false",
	    "trash, not delete"),
	KEY("remote:gdrive", "gdrive_acknowledge_abuse", CONFIG_BOOL, "false",
	    "download flagged files"),
	VERIFY("remote:gdrive", "true"),
	HTTP_KEYS("remote:http"),
	HTTP_KEYS("remote:https"),
	WEBDAV_KEYS("remote:webdav"),
	WEBDAV_KEYS("remote:webdavs"),

	KEY("state", "dir", CONFIG_STR, NULL, OBSOLETE),
	KEY("state", "row_limit", CONFIG_COUNT, NULL, OBSOLETE),
	KEY("state", "row_cleanup_quota", CONFIG_INT, NULL, OBSOLETE),
	KEY("index", "dir", CONFIG_STR, NULL, OBSOLETE),
	CHOICE("machine", "cloud", "aws azure", NULL, OBSOLETE),
	CHOICE("machine", "region", "us-west us-east eu-west eu-north", NULL, OBSOLETE),
	KEY("machine", "image", CONFIG_STR, NULL, OBSOLETE),
	KEY("machine", "spot", CONFIG_BOOL, NULL, OBSOLETE),
	KEY("machine", "spot_price", CONFIG_FLOAT, NULL, OBSOLETE),
	KEY("machine", "instance_hdd_size", CONFIG_INT, NULL, OBSOLETE),
	KEY("machine", "instance_type", CONFIG_LOWER, NULL, OBSOLETE),
	KEY("machine", "instance_gpu", CONFIG_LOWER, NULL, OBSOLETE),
	KEY("machine", "ssh_private", CONFIG_STR, NULL, OBSOLETE),
	KEY("machine", "startup_script", CONFIG_PATH, NULL, OBSOLETE),
	KEY("machine", "setup_script", CONFIG_PATH, NULL, OBSOLETE),
	KEY("feature", "machine", CONFIG_BOOL, NULL, OBSOLETE),
	KEY("plots", "html_template", CONFIG_STR, NULL, "template of the page"),
	KEY("plots", "auto_open", CONFIG_BOOL, "false", "open the page"),
	KEY("plots", "out_dir", CONFIG_STR, NULL, "where plots are written"),
	KEY("exp", "code", CONFIG_STR, NULL, OBSOLETE),
	KEY("exp", "data", CONFIG_STR, NULL, OBSOLETE),
	KEY("exp", "models", CONFIG_STR, NULL, OBSOLETE),
	KEY("exp", "metrics", CONFIG_STR, NULL, OBSOLETE),
	KEY("exp", "params", CONFIG_STR, NULL, OBSOLETE),
	KEY("exp", "plots", CONFIG_STR, NULL, OBSOLETE),
	KEY("exp", "live", CONFIG_STR, NULL, OBSOLETE),
	KEY("exp", "auto_push", CONFIG_BOOL, NULL, "push experiments as they end"),
	KEY("exp", "git_remote", CONFIG_STR, NULL, "where to"),
	CHOICE("parsing", "bool", "store_true boolean_optional", "store_true",
	       "how booleans of a map expand in cmd"),
	CHOICE("parsing", "list", "nargs append", "nargs",
	       "how lists of a map expand in cmd"),
	KEY("hydra", "enabled", CONFIG_BOOL, "false", "compose params with Hydra"),
	KEY("hydra", "config_dir", CONFIG_STR, NULL, "directory of the configs"),
	KEY("hydra", "config_module", CONFIG_STR, NULL, "module of the configs"),
	KEY("hydra", "config_name", CONFIG_STR, NULL, "name of the config"),
	KEY("hydra", "plugins_path", CONFIG_STR, NULL, "path of plugins"),
	SECRET("studio", "token", "access token"),
	KEY("studio", "url", CONFIG_STR, NULL, "address of the service"),
	KEY("studio", "repo_url", CONFIG_STR, NULL, "address of the repository"),
	KEY("studio", "offline", CONFIG_BOOL, "false", "send nothing"),
	KEY("db", "url", CONFIG_STR, NULL, "address of the database"),
	KEY("db", "username", CONFIG_STR, NULL, "user name"),
	SECRET("db", "password", "password"),

	{.section = "lode",
	 .key = "sync",
	 .type = CONFIG_CHOICE,
	 .choices = "batch object none",
	 .def = "batch",
	 .doc = "what is flushed to disk, and when",
	 .own = true},
	OWN("lode", "jobs", CONFIG_COUNT, NULL, "threads that hash and link"),
	OWN("lode", "lock_timeout", CONFIG_SECONDS, "60",
	    "how long to wait for another process"),
	OWN("lode", "gc_grace", CONFIG_SECONDS,
	    "0; 24h in a shared cache and on a remote", "younger objects survive gc"),
	OWN("lode", "remote_ttl", CONFIG_SECONDS, "1h",
	    "how long a remote's confirmed objects are believed"),
	OWN("lode", "progress", CONFIG_BOOL, "true", "show progress"),
	{.section = "remote:s3",
	 .key = "addressing",
	 .type = CONFIG_CHOICE,
	 .choices = "auto path virtual",
	 .def = "auto",
	 .doc = "bucket in the path or in the host name",
	 .own = true},
	OWN("remote:s3", "part_size", CONFIG_BYTES, NULL, "bytes of a multipart part"),
	OWN("remote:s3", "provider", CONFIG_STR, NULL,
	    "whose service it is, where its host's name does not tell"),
	OWN("remote:s3", "storage_class", CONFIG_STR, NULL, "storage class of objects"),
	OWN("remote:s3", "request_payer", CONFIG_BOOL, "false",
	    "requester pays: accept the costs of requests"),
	OWN("remote:s3", "expected_bucket_owner", CONFIG_STR, NULL,
	    "refuse a bucket of another account"),
	OWN("remote:s3", "tagging", CONFIG_STR, NULL,
	    "tags of objects, as a query string"),
	OWN("remote:s3", "bucket_key_enabled", CONFIG_BOOL, NULL,
	    "an S3 bucket key for KMS"),
	OWN("remote:s3", "sse_kms_context", CONFIG_STR, NULL,
	    "encryption context for KMS, base64 of JSON"),
	OWN("remote:s3", "use_accelerate_endpoint", CONFIG_BOOL, "false",
	    "transfer acceleration"),
	OWN("remote:s3", "use_dualstack_endpoint", CONFIG_BOOL, "false",
	    "IPv6 endpoints"),
	OWN("remote:s3", "use_fips_endpoint", CONFIG_BOOL, "false", "FIPS endpoints"),
	{.section = "remote",
	 .key = "proxy",
	 .type = CONFIG_STR,
	 .doc = "proxy's URL; else the environment's",
	 .own = true,
	 .secret = true,
	 .trusted_only = true},
	OWN("remote", "limit_up", CONFIG_BYTES, NULL, "bytes a second of uploads"),
	OWN("remote", "limit_down", CONFIG_BYTES, NULL, "bytes a second of downloads"),
	OWN("remote", "max_connections", CONFIG_COUNT, "64", "connections at a time"),
	OWN("remote", "start_connections", CONFIG_COUNT, "8",
	    "connections that a command begins with"),
	OWN("remote", "retries", CONFIG_COUNT, NULL, "tries of a request"),
	OWN("remote", "stall_timeout", CONFIG_SECONDS, NULL,
	    "a transfer without progress is given up"),
};
const size_t config_keys_nr = ARRAY_SIZE(config_keys);

/* Does row apply to a section as a person writes it ("remote.NAME")? Which
 * scheme the remote has is not asked here. */
static bool row_in(const struct config_key *row, const char *section)
{
	size_t n = strcspn(row->section, ":"), m = strcspn(section, ".");

	return n == m && strncasecmp(row->section, section, n) == 0;
}

bool config_is_secret(const char *section, const char *key)
{
	for (size_t i = 0; i < config_keys_nr; i++)
		if (config_keys[i].secret && row_in(&config_keys[i], section) &&
		    strcasecmp(config_keys[i].key, key) == 0)
			return true;
	return false;
}

bool config_is_own(const char *section, const char *key)
{
	if (strncasecmp(section, "lode", 4) == 0 &&
	    (section[4] == '\0' || section[4] == '.'))
		return true;
	for (size_t i = 0; i < config_keys_nr; i++)
		if (config_keys[i].own && row_in(&config_keys[i], section) &&
		    strcasecmp(config_keys[i].key, key) == 0)
			return true;
	return false;
}

const char *config_nearest_key(const char *section, const char *key)
{
	const char *names[ARRAY_SIZE(config_keys) + 1];
	size_t nr = 0;

	for (size_t i = 0; i < config_keys_nr; i++)
		if (row_in(&config_keys[i], section))
			names[nr++] = config_keys[i].key;
	names[nr] = NULL;
	return text_nearest(key, names);
}
