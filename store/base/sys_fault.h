/* Between sys.c and its fault injection; nothing else includes it. */
#ifndef STORE_BASE_SYS_FAULT_H
#define STORE_BASE_SYS_FAULT_H

#include <stdbool.h>

struct sys_event;

bool sys_fault(bool is_write); /* true: fail now, errno is set */
void sys_seen(const struct sys_event *ev);

#endif
