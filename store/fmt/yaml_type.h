/* How plain scalars resolve, shared by the reader and the writer of YAML. */
#ifndef STORE_FMT_YAML_TYPE_H
#define STORE_FMT_YAML_TYPE_H

#include "store/base/slice.h"

enum yaml_type {
	YAML_TYPE_STR = 0,
	YAML_TYPE_NULL,
	YAML_TYPE_BOOL,
	YAML_TYPE_INT,
	YAML_TYPE_FLOAT,
	YAML_TYPE_TIMESTAMP,
	YAML_TYPE_MERGE, /* << */
	YAML_TYPE_VALUE, /* = */
};

/* By the implicit resolvers of ruamel.yaml for YAML 1.2. */
enum yaml_type yaml_type_of(struct slice s);

#endif
