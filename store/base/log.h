/*
 * Logs for -v: areas, monotonic time, thread. Off by default and then free of
 * cost but for one load. Secrets never reach a log: callers wipe them first.
 * Thread-safe; a line is written whole.
 */
#ifndef STORE_BASE_LOG_H
#define STORE_BASE_LOG_H

#include "store/base/compiler.h"

#include <stdbool.h>

/* Areas to log, comma separated ("http,odb"), or NULL for all; fd gets the lines. */
void log_open(int fd, const char *areas);
bool log_on(const char *area);
void log_debug(const char *area, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
