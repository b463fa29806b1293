/*
 * Random draws as a pure function of (seed, stream, tree, row key): no state, so
 * nothing depends on who draws first. Part of the model format.
 *
 *     H(seed, stream, tree, key) = sm(sm(sm(seed ^ stream*K) + tree) ^ key)
 */
#ifndef TRAIN_CORE_RNG_H
#define TRAIN_CORE_RNG_H

#include <stdint.h>

enum rng_stream {
	RNG_QUANT = 1,
	RNG_BAG,
	RNG_COL,
	RNG_BIN,
	RNG_FOLD,
	RNG_HPO,
	RNG_PERTURB,
	RNG_PERMUTE,
	RNG_SPLIT,
};

static inline uint64_t rng_sm(uint64_t z)
{
	z += 0x9E3779B97F4A7C15u;
	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

/* The part that does not depend on the key: hoisted out of loops over rows. */
static inline uint64_t rng_base(uint64_t seed, enum rng_stream stream, uint64_t tree)
{
	return rng_sm(rng_sm(seed ^ (uint64_t)stream * 0xD1342543DE82EF95u) + tree);
}

static inline uint64_t rng_at(uint64_t base, uint64_t key)
{
	return rng_sm(base ^ key);
}

static inline uint64_t rng_hash(uint64_t seed, enum rng_stream stream, uint64_t tree,
				uint64_t key)
{
	return rng_at(rng_base(seed, stream, tree), key);
}

/* Two draws of 24 bits in [0, 1) from one hash. */
static inline double rng_u0(uint64_t h)
{
	return (double)(h >> 40) * 0x1p-24;
}

static inline double rng_u1(uint64_t h)
{
	return (double)(h >> 8 & 0xffffff) * 0x1p-24;
}

/* The bound under which a hash falls with probability f in [0, 1]: floor(f * 2^64).
 * f = 1 has no bound that fits: ask rng_below. */
static inline int rng_below(uint64_t h, double f)
{
	return f >= 1 || h < (uint64_t)(f * 0x1p64);
}

#endif
