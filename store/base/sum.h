/*
 * A fast checksum for our own rebuildable files: XXH3, whose values are stable.
 * It finds damage, not malice. Thread-safe.
 */
#ifndef STORE_BASE_SUM_H
#define STORE_BASE_SUM_H

#include <stddef.h>
#include <stdint.h>

uint64_t sum64(const void *p, size_t n);
uint64_t sum64_more(uint64_t sum, const void *p, size_t n); /* chained, seeded by sum */
void sum128(const void *p, size_t n, uint8_t out[16]);	    /* big-endian */

#endif
