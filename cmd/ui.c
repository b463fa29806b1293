#include "cmd/ui.h"

#include "store/base/buf.h"
#include "store/base/clock.h"
#include "store/base/env.h"
#include "store/base/sys.h"
#include "store/base/text.h"
#include "store/base/utf8.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)

enum {
	FIRST_MS = 500,	 /* quick work shows nothing */
	REDRAW_MS = 100, /* a terminal */
	PLAIN_MS = 5000, /* a file or a pipe */
	COLUMNS_DEFAULT = 80
};

bool ui_wants_colour(int fd)
{
	const char *term = env_get("TERM");

	return isatty(fd) && !env_get("NO_COLOR") && term && strcmp(term, "dumb") != 0;
}

static unsigned columns_of(int fd)
{
	struct winsize w = {0};

	if (ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
		return w.ws_col;
	return COLUMNS_DEFAULT;
}

static bool is_foreground(int fd)
{
	return tcgetpgrp(fd) == getpgrp();
}

/* Stderr has nowhere to report its own failure, so its writes go unchecked. */
static void put(const struct ui *ui, const struct buf *b)
{
	IGNORE_RESULT(write(ui->fd, b->p, b->n) < 0);
}

/* Everything counts files but a training, which counts rounds. */
static void add_count(struct buf *out, const char *phase, uint64_t done, uint64_t all)
{
	const char *what = strcmp(phase, "training") == 0 ? "rounds" : "files";

	if (all > 0)
		buf_addf(out, "%llu/%llu %s", (unsigned long long)done,
			 (unsigned long long)all, what);
	else
		buf_addf(out, "%llu %s", (unsigned long long)done, what);
}

void ui_line(const struct ui *ui, int64_t now_ns, unsigned columns, struct buf *out)
{
	uint64_t items = atomic_load(&ui->items_done),
		 bytes = atomic_load(&ui->bytes_done);
	double seconds = (double)(now_ns - ui->begun_ns) / (double)NS_PER_S;
	double share = 0;

	buf_addf(out, "%s: ", ui->phase);
	add_count(out, ui->phase, items, ui->items);
	if (bytes > 0 || ui->bytes > 0) {
		buf_adds(out, ", ");
		text_bytes(out, bytes);
		if (ui->bytes > 0) {
			buf_adds(out, " of ");
			text_bytes(out, ui->bytes);
		}
		if (seconds > 0) {
			buf_adds(out, ", ");
			text_bytes(out, (uint64_t)((double)bytes / seconds));
			buf_adds(out, "/s");
		}
	}
	if (ui->detail[0])
		buf_addf(out, ", %s", ui->detail);
	if (ui->bytes > 0)
		share = (double)bytes / (double)ui->bytes;
	else if (ui->items > 0)
		share = (double)items / (double)ui->items;
	if (share > 0 && share < 1) {
		buf_adds(out, ", ");
		text_duration(out, (uint64_t)(seconds / share - seconds + 0.5));
		buf_adds(out, " to go");
	}
	/* A line that wraps could not be taken back. Bytes are columns enough: the
	 * text is ASCII but for what a phase may hold. */
	if (columns > 0 && out->n >= columns)
		buf_cut(out, utf8_cut(out->p, columns - 1));
}

static void clear_locked(struct ui *ui)
{
	struct buf b = {0};

	if (!ui->is_drawn)
		return;
	buf_adds(&b, "\r\033[K");
	put(ui, &b);
	buf_release(&b);
	ui->is_drawn = false;
}

static void draw_locked(struct ui *ui, int64_t now_ns)
{
	struct buf b = {0};

	if (ui->is_terminal && !is_foreground(ui->fd))
		return;
	if (ui->is_terminal)
		buf_adds(&b, "\r");
	if (ui->is_terminal) {
		struct buf line = {0};

		ui_line(ui, now_ns, columns_of(ui->fd), &line);
		buf_addslice(&b, buf_slice(&line));
		buf_adds(&b, "\033[K");
		buf_release(&line);
		ui->is_drawn = true;
	} else {
		ui_line(ui, now_ns, 0, &b);
		buf_addc(&b, '\n');
	}
	put(ui, &b);
	buf_release(&b);
}

static void on_begin(struct sink *s, const char *phase, uint64_t items, uint64_t bytes)
{
	struct ui *ui = (struct ui *)s;
	int64_t now_ns = clock_mono_ns();

	pthread_mutex_lock(&ui->mutex);
	if (!ui->phase || strcmp(ui->phase, phase) != 0) {
		clear_locked(ui);
		ui->begun_ns = now_ns;
		ui->detail[0] = '\0';
		atomic_store(&ui->items_done, 0);
		atomic_store(&ui->bytes_done, 0);
		atomic_store(&ui->next_ns,
			     now_ns +
				     (ui->is_terminal ? FIRST_MS : PLAIN_MS) * 1000000LL);
	}
	ui->phase = phase;
	ui->items = items;
	ui->bytes = bytes;
	pthread_mutex_unlock(&ui->mutex);
}

/* What this thread has ticked of the item that it has in work. */
static _Thread_local uint64_t ticked;

static void advance(struct ui *ui, uint64_t items, uint64_t bytes)
{
	int64_t now_ns, next_ns;

	atomic_fetch_add_explicit(&ui->items_done, items, memory_order_relaxed);
	atomic_fetch_add_explicit(&ui->bytes_done, bytes, memory_order_relaxed);
	if (ui->is_silent)
		return;
	now_ns = clock_mono_ns();
	next_ns = atomic_load_explicit(&ui->next_ns, memory_order_relaxed);
	/* Whoever moves the time on draws; the others go back to work. */
	if (now_ns < next_ns ||
	    !atomic_compare_exchange_strong(
		    &ui->next_ns, &next_ns,
		    now_ns + (ui->is_terminal ? REDRAW_MS : PLAIN_MS) * 1000000LL))
		return;
	pthread_mutex_lock(&ui->mutex);
	if (ui->phase)
		draw_locked(ui, now_ns);
	pthread_mutex_unlock(&ui->mutex);
}

static void on_add(struct sink *s, uint64_t items, uint64_t bytes)
{
	/* Less than nothing wraps around, which the sum undoes. */
	advance((struct ui *)s, items, bytes - ticked);
	ticked = 0;
}

static void on_tick(struct sink *s, uint64_t bytes)
{
	ticked += bytes;
	advance((struct ui *)s, 0, bytes);
}

static void on_tell(struct sink *s, const char *text)
{
	struct ui *ui = (struct ui *)s;
	size_t n = strlen(text);

	if (n >= sizeof(ui->detail))
		n = utf8_cut(text, sizeof(ui->detail) - 1);
	pthread_mutex_lock(&ui->mutex);
	memcpy(ui->detail, text, n);
	ui->detail[n] = '\0';
	pthread_mutex_unlock(&ui->mutex);
}

static void on_end(struct sink *s)
{
	struct ui *ui = (struct ui *)s;

	pthread_mutex_lock(&ui->mutex);
	clear_locked(ui);
	ui->phase = NULL;
	pthread_mutex_unlock(&ui->mutex);
}

/* A message line; its own newlines stay, what could move the cursor does not. */
static void put_line(struct ui *ui, const char *sgr, const char *word, const char *text)
{
	struct slice rest = slice_of(text);
	struct buf b = {0};
	bool first = true;

	if (sgr && ui->is_colour)
		buf_addf(&b, "\033[%sm%s\033[0m: ", sgr, word);
	else if (word)
		buf_addf(&b, "%s: ", word);
	while (rest.p) {
		if (!first)
			buf_addc(&b, '\n');
		text_escape(&b, slice_cut(&rest, '\n'));
		first = false;
	}
	buf_addc(&b, '\n');
	pthread_mutex_lock(&ui->mutex);
	clear_locked(ui);
	put(ui, &b);
	pthread_mutex_unlock(&ui->mutex);
	buf_release(&b);
}

static void on_note(struct sink *s, const char *text)
{
	struct ui *ui = (struct ui *)s;

	if (!ui->is_silent)
		put_line(ui, NULL, NULL, text);
}

/*
 * On the terminal itself, whatever the streams are: data may come on stdin. What
 * is typed is not shown. A process in the background would only be stopped.
 */
static int on_ask(struct sink *s, const char *question, char *out, size_t size)
{
	struct ui *ui = (struct ui *)s;
	int fd = sys_openat(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY, 0);
	struct termios was, hidden;
	struct buf b = {0};
	size_t n = 0;
	char c;

	if (fd < 0 || !is_foreground(fd) || tcgetattr(fd, &was) < 0) {
		if (fd >= 0)
			sys_close(fd);
		return -1;
	}
	pthread_mutex_lock(&ui->mutex);
	clear_locked(ui);
	text_escape(&b, slice_of(question));
	buf_adds(&b, ": ");
	hidden = was;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	IGNORE_RESULT(tcsetattr(fd, TCSAFLUSH, &hidden) < 0);
	IGNORE_RESULT(sys_write(fd, b.p, b.n) < 0);
	while (sys_read_some(fd, &c, 1) == 1 && c != '\n')
		if (n + 1 < size && c != '\r')
			out[n++] = c;
	out[n] = '\0';
	IGNORE_RESULT(tcsetattr(fd, TCSAFLUSH, &was) < 0);
	IGNORE_RESULT(sys_write(fd, "\n", 1) < 0);
	pthread_mutex_unlock(&ui->mutex);
	buf_release(&b);
	sys_close(fd);
	return 0;
}

#define PUT_FORMATTED(ui, sgr, word, fmt)                                                \
	do {                                                                             \
		struct buf text_ = {0};                                                  \
		va_list ap_;                                                             \
                                                                                         \
		if ((ui)->is_silent)                                                     \
			return;                                                          \
		va_start(ap_, fmt);                                                      \
		buf_vaddf(&text_, fmt, ap_);                                             \
		va_end(ap_);                                                             \
		put_line(ui, sgr, word, buf_str(&text_));                                \
		buf_release(&text_);                                                     \
	} while (0)

void ui_warn(struct ui *ui, const char *fmt, ...)
{
	PUT_FORMATTED(ui, "33", "WARNING", fmt);
}

void ui_error(struct ui *ui, const char *fmt, ...)
{
	PUT_FORMATTED(ui, "31", "ERROR", fmt);
}

void ui_say(struct ui *ui, const char *fmt, ...)
{
	PUT_FORMATTED(ui, NULL, NULL, fmt);
}

void ui_init(struct ui *ui, int fd, bool is_silent)
{
	*ui = (struct ui){
		.sink = {.begin = on_begin,
			 .add = on_add,
			 .tick = on_tick,
			 .tell = on_tell,
			 .end = on_end,
			 .note = on_note,
			 .ask = on_ask},
		.fd = fd,
		.is_silent = is_silent,
	};
	pthread_mutex_init(&ui->mutex, NULL);
	ui->is_terminal = isatty(fd) == 1;
	ui->is_colour = ui_wants_colour(fd);
}

void ui_clear(struct ui *ui)
{
	pthread_mutex_lock(&ui->mutex);
	clear_locked(ui);
	pthread_mutex_unlock(&ui->mutex);
}
