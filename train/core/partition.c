/*
 * Rows of a node to its children: stable, without branches. A row's number is
 * stored at both cursors and one of them moves; the right ones wait in scratch.
 */
#include "train/core/gbt.h"

#include "store/base/alloc.h"
#include "train/core/team.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_PER_MEMBER 8192

static size_t cut_rows(uint32_t *rows, size_t nr, uint32_t *right, const uint8_t *code,
		       const uint8_t *left)
{
	size_t l = 0, r = 0;

	for (size_t i = 0; i < nr; i++) {
		uint32_t row = rows[i];
		size_t goes = left[code[row]];

		rows[l] = row;
		right[r] = row;
		l += goes;
		r += 1 - goes;
	}
	return l;
}

/* Members cut a piece each, then copy theirs to where it belongs. */
struct piece {
	size_t from, nr, left;
	size_t left_to, right_to;
};

struct job {
	uint32_t *rows, *scratch;
	const uint8_t *code;
	const uint8_t *left;
	size_t nr;
	struct piece *pieces;
};

static void cut_piece(void *ctx, unsigned member, unsigned members)
{
	struct job *j = ctx;
	struct piece *p = &j->pieces[member];
	size_t l = 0, r;

	p->from = j->nr * member / members;
	p->nr = j->nr * (member + 1) / members - p->from;
	r = p->nr;
	/* Left ones upward from the start of the piece, right ones down from its
	 * end; the two never meet before the last row. */
	for (size_t i = 0; i < p->nr; i++) {
		uint32_t row = j->rows[p->from + i];
		size_t goes = j->left[j->code[row]];
		uint32_t *at = j->scratch + p->from;

		at[l] = row;
		at[r - 1] = goes ? at[r - 1] : row;
		l += goes;
		r -= 1 - goes;
	}
	p->left = l;
}

static void copy_piece(void *ctx, unsigned member, unsigned members)
{
	struct job *j = ctx;
	const struct piece *p = &j->pieces[member];
	const uint32_t *from = j->scratch + p->from;
	uint32_t *right = j->rows + p->right_to;

	(void)members;
	memcpy(j->rows + p->left_to, from, p->left * sizeof(*from));
	for (size_t i = 0; i < p->nr - p->left; i++)
		right[i] = from[p->nr - 1 - i];
}

static size_t cut_together(struct team *team, struct job *j)
{
	unsigned members = team_size(team);
	size_t left = 0, right;

	j->pieces = xcalloc(members, sizeof(*j->pieces));
	team_run(team, cut_piece, j);
	for (unsigned m = 0; m < members; m++) {
		j->pieces[m].left_to = left;
		left += j->pieces[m].left;
	}
	right = left;
	for (unsigned m = 0; m < members; m++) {
		j->pieces[m].right_to = right;
		right += j->pieces[m].nr - j->pieces[m].left;
	}
	team_run(team, copy_piece, j);
	free(j->pieces);
	return left;
}

static struct job job_of(struct gbt *g, size_t from, size_t nr, const struct split *s,
			 uint8_t left[256])
{
	const struct bin_feature *f = &g->bins.f[s->feature];

	split_table(left, s, f->nr);
	return (struct job){
		.rows = g->rows + from,
		.scratch = g->scratch + from,
		.code = f->code,
		.left = left,
		.nr = nr,
	};
}

size_t partition_alone(struct gbt *g, size_t from, size_t nr, const struct split *s)
{
	uint8_t left[256];
	struct job j = job_of(g, from, nr, s, left);
	size_t l = cut_rows(j.rows, nr, j.scratch, j.code, left);

	memcpy(j.rows + l, j.scratch, (nr - l) * sizeof(*j.rows));
	return l;
}

size_t partition_rows(struct gbt *g, size_t from, size_t nr, const struct split *s)
{
	unsigned members = team_size(g->team);
	uint8_t left[256];
	struct job j;

	if (members == 1 || nr < (size_t)members * ROWS_PER_MEMBER)
		return partition_alone(g, from, nr, s);
	j = job_of(g, from, nr, s, left);
	return cut_together(g->team, &j);
}
