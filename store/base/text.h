/* Text for people: escaping, quoting, sizes, the nearest name. */
#ifndef STORE_BASE_TEXT_H
#define STORE_BASE_TEXT_H

#include "store/base/slice.h"

#include <stdint.h>

struct buf;

/*
 * Control characters, DEL, C1 and bytes that are no UTF-8 as \n \t \r \xHH, and
 * backslash as is: what may safely reach a terminal.
 */
void text_escape(struct buf *out, struct slice s);

/* As a POSIX shell word, in Python's shlex.quote manner. */
void text_shell_quote(struct buf *out, struct slice s);

/* "512 B", "1.5 kB", "2.0 GB": decimal units, three significant digits. */
void text_bytes(struct buf *out, uint64_t bytes);

/* "3:07" or "1:02:03" */
void text_duration(struct buf *out, uint64_t seconds);

/*
 * The name among names (ended by NULL) nearest to word, if near enough to be a
 * slip of the hand; else NULL.
 */
const char *text_nearest(const char *word, const char *const *names);

#endif
