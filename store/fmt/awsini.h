/*
 * AWS's shared config and credentials files. A nested block
 *
 *	s3 =
 *	  addressing_style = path
 *
 * gives the key "s3.addressing_style". Lenient, as botocore is: later entries
 * win, a BOM, CRLF, "#" and ";" comments and spaces around "=" are accepted.
 */
#ifndef STORE_FMT_AWSINI_H
#define STORE_FMT_AWSINI_H

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct err;

struct awsini_entry {
	const char *section; /* as in the brackets, spaces and quotes normalised:
				"default", "profile x", "sso-session y" */
	const char *key;     /* lower case */
	char *value;
	unsigned line;
};

struct awsini {
	struct arena arena;
	struct awsini_entry *v;
	size_t nr, cap;
	const char **sections; /* also those without entries */
	size_t sections_nr, sections_cap;
};

/* Values are secrets: release wipes them. */
void awsini_release(struct awsini *ini);
/* ERR_CONFIG "NAME:LINE: what"; the text of a line never gets into an error. */
int awsini_read(struct awsini *out, struct slice text, const char *name,
		struct err *e) MUST_CHECK;
bool awsini_has_section(const struct awsini *ini, const char *section);
const char *awsini_get(const struct awsini *ini, const char *section, const char *key);

#endif
