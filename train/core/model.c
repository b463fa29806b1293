#include "train/core/model.h"

#include <stdlib.h>
#include <string.h>

#include "store/base/alloc.h"

void model_release(struct model *m)
{
	for (size_t i = 0; i < m->features_nr; i++)
		feature_release(&m->features[i]);
	free(m->features);
	free(m->target);
	for (size_t i = 0; m->classes && i < m->classes_nr; i++)
		free(m->classes[i]);
	free(m->classes);
	free(m->base);
	for (size_t i = 0; i < m->trees_nr; i++) {
		free(m->trees[i].nodes);
		free(m->trees[i].sets);
	}
	free(m->trees);
	free(m->weights);
	free(m->bias);
	free(m->fill);
	for (size_t i = 0; i < m->attributes_nr; i++) {
		free(m->attributes[i].name);
		free(m->attributes[i].value);
	}
	free(m->attributes);
	*m = (struct model){0};
}

/* Where name stands, or would stand. */
static size_t attribute_at(const struct model *m, const char *name, bool *found)
{
	size_t lo = 0, hi = m->attributes_nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(m->attributes[mid].name, name);

		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*found = false;
	return lo;
}

void model_attribute_set(struct model *m, const char *name, const char *value)
{
	bool found;
	size_t at = attribute_at(m, name, &found);

	if (found) {
		char *copy = xstrdup(value);

		free(m->attributes[at].value);
		m->attributes[at].value = copy;
		return;
	}
	m->attributes = xreallocarray(m->attributes, m->attributes_nr + 1,
				      sizeof(*m->attributes));
	memmove(&m->attributes[at + 1], &m->attributes[at],
		(m->attributes_nr - at) * sizeof(*m->attributes));
	m->attributes[at] = (struct attribute){xstrdup(name), xstrdup(value)};
	m->attributes_nr++;
}

const char *model_attribute(const struct model *m, const char *name)
{
	bool found;
	size_t at = attribute_at(m, name, &found);

	return found ? m->attributes[at].value : NULL;
}
