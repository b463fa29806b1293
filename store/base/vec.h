/*
 * Vectors are plain structs { T *v; size_t nr, cap; } grown by vec_push().
 * All-zero is empty; the elements are the owner's to release.
 */
#ifndef STORE_BASE_VEC_H
#define STORE_BASE_VEC_H

#include <stdlib.h>

#define VEC_OF(T)                                                                        \
	struct {                                                                         \
		T *v;                                                                    \
		size_t nr, cap;                                                          \
	}

void *vec_grow(void *v, size_t *cap, size_t need, size_t size);

/* Make room for n elements in all. */
#define vec_reserve(x, n)                                                                \
	((n) <= (x)->cap                                                                 \
		 ? (void)0                                                               \
		 : (void)((x)->v = vec_grow((x)->v, &(x)->cap, (n), sizeof(*(x)->v))))

#define vec_push(x, item)                                                                \
	do {                                                                             \
		vec_reserve((x), (x)->nr + 1);                                           \
		(x)->v[(x)->nr++] = (item);                                              \
	} while (0)

#define vec_release(x)                                                                   \
	do {                                                                             \
		free((x)->v);                                                            \
		(x)->v = NULL;                                                           \
		(x)->nr = (x)->cap = 0;                                                  \
	} while (0)

/* A vector of malloc'ed strings, the one kind that is needed everywhere. */
struct strvec {
	char **v;
	size_t nr, cap;
};

void strvec_push(struct strvec *s, const char *text); /* copies */
void strvec_take(struct strvec *s, char *take_text);
void strvec_release(struct strvec *s);
void strvec_sort(struct strvec *s);   /* memcmp order */
void strvec_unique(struct strvec *s); /* of a sorted one */

#endif
