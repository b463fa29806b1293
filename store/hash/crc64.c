/*
 * CRC-64/NVME, reflected: eight bytes a step by tables, or sixteen times four a
 * step by carry-less multiplication where the CPU has it.
 */
#include "store/hash/crc64.h"

#include "store/hash/hash.h"

#include <pthread.h>
#include <string.h>

/* 0xad93d23594c93659 with its bits reversed. */
#define POLY UINT64_C(0x9a6c9329ac4bc9b5)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint64_t table[8][256];
static bool use_pclmul;

static uint64_t times_x(uint64_t v)
{
	return v & 1 ? v >> 1 ^ POLY : v >> 1;
}

uint64_t crc64_power(unsigned n)
{
	uint64_t v = UINT64_C(1) << 63; /* x^0: the highest bit is the lowest power */

	while (n-- > 0)
		v = times_x(v);
	return v;
}

static void prepare(void)
{
	for (unsigned i = 0; i < 256; i++) {
		uint64_t v = i;

		for (int k = 0; k < 8; k++)
			v = times_x(v);
		table[0][i] = v;
	}
	for (unsigned i = 0; i < 256; i++)
		for (unsigned k = 1; k < 8; k++)
			table[k][i] =
				table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xff];
	use_pclmul = crc64_has_pclmul();
}

static uint64_t load_le64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

uint64_t crc64_table(uint64_t state, const uint8_t *p, size_t n)
{
	pthread_once(&once, prepare);
	for (; n >= 8; p += 8, n -= 8) {
		uint64_t v = state ^ load_le64(p);

		state = 0;
		for (unsigned k = 0; k < 8; k++)
			state ^= table[7 - k][v >> (8 * k) & 0xff];
	}
	for (; n > 0; p++, n--)
		state = state >> 8 ^ table[0][(state ^ *p) & 0xff];
	return state;
}

uint64_t hash_crc64nvme(uint64_t crc, const void *data, size_t n)
{
	const uint8_t *p = data;
	uint64_t state = ~crc;

	pthread_once(&once, prepare);
	if (use_pclmul && n >= 64) {
		size_t whole = n - n % 64;
		uint8_t left[16];

		crc64_fold_pclmul(state, p, whole, left);
		state = crc64_table(0, left, sizeof(left));
		p += whole;
		n -= whole;
	}
	return ~crc64_table(state, p, n);
}
