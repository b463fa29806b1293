/* Numbers as text, without the locale. */
#ifndef STORE_FMT_FMT_H
#define STORE_FMT_FMT_H

struct buf;

/*
 * The shortest decimal that reads back as f, laid out as Python's repr():
 * 0.1, 1.0, 1e-05, 1e+16, -0.0, inf, -inf, nan.
 */
void fmt_double(struct buf *out, double f);

#endif
