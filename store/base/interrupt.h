/*
 * SIGINT and SIGTERM, seen as a flag.
 *
 * The first signal sets a flag that long work tests between files, parts and
 * epochs; work unwinds with ERR_CANCELED. The second unlinks the registered
 * temporaries of this process, restores the default action and raises again.
 * Safe from any thread.
 */
#ifndef STORE_BASE_INTERRUPT_H
#define STORE_BASE_INTERRUPT_H

#include "store/base/compiler.h"

#include <stdbool.h>

struct err;

void interrupt_install(void); /* handlers, and SIGPIPE ignored; main() only */
bool interrupt_pending(void);
void interrupt_request(void); /* as if the signal had come; for tests */
void interrupt_reset(void);

/* 0, or ERR_CANCELED with "interrupted". The usual cancellation point. */
int interrupt_check(struct err *e) MUST_CHECK;

#endif
