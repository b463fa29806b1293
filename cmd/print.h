/*
 * Standard output: buffered, its flush checked, names made harmless.
 *
 * Results go through here, so that a full disk or a closed pipe is seen once,
 * at the end, and becomes the exit status. Nothing is written while quiet or
 * while --json wants the stream for its one document.
 */
#ifndef CMD_PRINT_H
#define CMD_PRINT_H

#include "store/base/buf.h"
#include "store/base/compiler.h"

#include <stdbool.h>

struct err;

struct print {
	int fd;
	bool is_mute; /* -q or --json: text results are dropped */
	bool is_nul;  /* -z: names raw, records ended by NUL */
	bool is_terminal;
	bool is_colour;
	bool is_broken; /* a write failed: sys keeps why */
	int sys;
	struct buf pending;
};

/* Text as it is; dropped when mute. */
void print_text(struct print *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The same, not dropped: help, versions, what was asked for by name. */
void print_force(struct print *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
void print_bytes(struct print *p, struct slice text); /* not dropped */

/* A file's name: control characters escaped, or raw with -z. */
void print_name(struct print *p, const char *name);
/* A name (or word), then spaces to the next column of eight, as DVC's library
 * shows a tab; with -z the name and a tab. */
void print_column(struct print *p, const char *name);
void print_end(struct print *p); /* the end of a record: newline, or NUL with -z */

/* An SGR sequence ("1", "32"), on a terminal with colour only; NULL resets. */
void print_colour(struct print *p, const char *sgr);

/* Write what is pending. ERR_IO with errno in e->sys; EPIPE is told apart there. */
int print_flush(struct print *p, struct err *e) MUST_CHECK;
void print_release(struct print *p);

#endif
