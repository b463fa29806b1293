/*
 * Between md5_many.c, which decides what runs in which lane, and the kernels,
 * which run it. Nothing else includes it.
 *
 * A kernel advances every lane of group 0, and of group 1 too when both is set,
 * by the same number of 64-byte blocks. A group is half of the lanes the kernel
 * has. Two groups are interleaved because a step of MD5 waits for the one before
 * it: one group leaves half of the machine idle.
 */
#ifndef STORE_HASH_MD5_LANES_H
#define STORE_HASH_MD5_LANES_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MD5_LANES_MAX 32

struct md5_lanes {
	alignas(64) uint32_t s[4][MD5_LANES_MAX]; /* a, b, c, d of each lane */
	const uint8_t *p[MD5_LANES_MAX]; /* the next block; moved on by the kernel */
};

void md5_scalar(uint32_t s[4], const uint8_t *p, size_t blocks);
#if defined(__x86_64__)
void md5_lanes_avx2(struct md5_lanes *l, size_t blocks, bool both);   /* 2 x 8 */
void md5_lanes_avx512(struct md5_lanes *l, size_t blocks, bool both); /* 2 x 16 */
#endif

#endif
