/*
 * The AWS files' dialect of INI: "[profile x]" sections, "key = value", nested
 * blocks by indentation ("s3 =" with indented lines become "s3.key"), comments
 * by # and ;, BOM and CRLF. The text of secrets is wiped on release.
 */
#ifndef REMOTE_AWS_INI_H
#define REMOTE_AWS_INI_H

#include "store/base/compiler.h"
#include "store/base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct err;

struct aws_ini_item {
	char *section, *key, *value; /* a section's own line has key NULL */
};

struct aws_ini {
	struct aws_ini_item *v;
	size_t nr, cap;
};

/* name is for messages: ERR_CONFIG tells it and the line, never the text. */
int aws_ini_parse(struct aws_ini *out, struct slice text, const char *name,
		  struct err *e) MUST_CHECK;
void aws_ini_release(struct aws_ini *ini);
bool aws_ini_has(const struct aws_ini *ini, const char *section);
const char *aws_ini_get(const struct aws_ini *ini, const char *section,
			const char *key); /* NULL: not there; the last one counts */

#endif
