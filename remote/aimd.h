/*
 * How many transfers at a time: from 8 up to a ceiling while that makes the
 * whole faster, half when the server says slow down. Pure arithmetic on what
 * the engine reports; times come in from outside.
 */
#ifndef REMOTE_AIMD_H
#define REMOTE_AIMD_H

#include <stdbool.h>
#include <stdint.h>

struct aimd {
	unsigned limit, min, max;
	bool cautious;	 /* growth failed to pay, or the server said slow down */
	unsigned settle; /* answers to let go by after a growth: new connections begin */
	bool starved;	 /* the limit was not what held us back */
	int64_t window_ns;    /* the start of the measured window */
	uint64_t done, bytes; /* ended in this window */
	double rate;	      /* of the last window, in units a second */
	unsigned hold;	      /* windows to wait before the next attempt to grow */
	unsigned before;      /* the limit before the last growth, 0: none */
	int64_t cut_ns;	      /* the last halving */
};

/* start 0: 8. */
void aimd_init(struct aimd *a, unsigned max, unsigned start, int64_t now_ns);
/* A transfer of so many bytes went through; wanting: more wait for a place. */
void aimd_success(struct aimd *a, uint64_t bytes, bool wanting, int64_t now_ns);
void aimd_throttled(struct aimd *a, int64_t now_ns);

#endif
