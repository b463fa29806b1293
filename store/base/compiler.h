/* What the compilers can be told, under one spelling. */
#ifndef STORE_BASE_COMPILER_H
#define STORE_BASE_COMPILER_H

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define MUST_CHECK	       __attribute__((warn_unused_result))
#define NORETURN	       __attribute__((noreturn))
#define UNUSED		       __attribute__((unused))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN_OF(a, b)  ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b)  ((a) > (b) ? (a) : (b))

/* Drop a result on purpose; the reason stands beside the call. */
#define IGNORE_RESULT(call)                                                              \
	do {                                                                             \
		if (call) {                                                              \
		}                                                                        \
	} while (0)

#endif
