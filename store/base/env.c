#include "store/base/env.h"

#include <stdlib.h>

/*
 * Nothing in the program calls setenv after its threads have started, so the
 * pointers of getenv stay good.
 */
const char *env_get(const char *name)
{
	const char *v = getenv(name);

	return v && v[0] ? v : NULL;
}

const char *env_get_raw(const char *name)
{
	return getenv(name);
}
