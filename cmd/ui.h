/*
 * Progress for a person: a struct sink that draws.
 *
 * On a foreground terminal one line is redrawn at most ten times a second:
 * phase, files, bytes, rate, time to go. Where stderr is no terminal, a plain
 * line comes every five seconds. Nothing appears for work that takes less than
 * half a second, nor when silent. Notes and warnings are whole lines; the
 * progress line gives way to them. add and note are thread-safe.
 */
#ifndef CMD_UI_H
#define CMD_UI_H

#include "store/base/compiler.h"
#include "store/base/sink.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct ui {
	struct sink sink; /* first: the sink is the ui */
	int fd;
	bool is_silent; /* -q */
	bool is_terminal;
	bool is_colour;
	pthread_mutex_t mutex; /* everything below but the atomics */
	const char *phase;     /* NULL: none */
	uint64_t items, bytes; /* to come; 0 unknown */
	int64_t begun_ns;
	char detail[160]; /* what sink.tell said last; "" when nothing */
	bool is_drawn;	  /* a progress line stands on the terminal */
	_Atomic uint64_t items_done, bytes_done;
	_Atomic int64_t next_ns;
};

void ui_init(struct ui *ui, int fd, bool is_silent);
void ui_clear(struct ui *ui); /* take the progress line away, before other text */

/* One line on stderr, "WARNING: ..." and "ERROR: ...", control characters
 * escaped but for newlines. Silent with -q. */
void ui_warn(struct ui *ui, const char *fmt, ...) PRINTF_LIKE(2, 3);
void ui_error(struct ui *ui, const char *fmt, ...) PRINTF_LIKE(2, 3);
void ui_say(struct ui *ui, const char *fmt, ...) PRINTF_LIKE(2, 3); /* no prefix */

/* Does this stream take colour? A terminal, no NO_COLOR, TERM not dumb. */
bool ui_wants_colour(int fd);

/* The text of a progress line, for tests: at most columns wide (0: no limit). */
struct buf;
void ui_line(const struct ui *ui, int64_t now_ns, unsigned columns, struct buf *out);

#endif
