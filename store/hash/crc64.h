/*
 * The two ways to CRC-64/NVME, for hash.h and the test that compares them. State
 * is the register itself: hash_crc64nvme() inverts it at both ends.
 */
#ifndef STORE_HASH_CRC64_H
#define STORE_HASH_CRC64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t crc64_table(uint64_t state, const uint8_t *p, size_t n);

/* By carry-less multiplication; false where the CPU has none. */
bool crc64_has_pclmul(void);
/* n is at least 64 and a multiple of 64; the state goes in, sixteen bytes that
 * stand for all come out: their CRC from the state 0 is that of the whole. */
void crc64_fold_pclmul(uint64_t state, const uint8_t *p, size_t n, uint8_t out[16]);
/* x^n mod the polynomial, reflected: the constants of folding. */
uint64_t crc64_power(unsigned n);

#endif
