/* Functions that lose data or lie, poisoned. Included by every build (-include). */
#ifndef STORE_BASE_BANNED_H
#define STORE_BASE_BANNED_H

/* The system's own headers use some of the names; let them go by first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __FAST_MATH__
#error "results must not depend on the compiler's mood: build without -ffast-math"
#endif

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok atoi atol  \
	atof
/* Not ctime: libgit2's headers have a field of that name. */
#pragma GCC poison localtime gmtime asctime mktemp tmpnam

#endif
