/*
 * A model as ONNX: protocol buffers by hand. Trees are one TreeEnsembleRegressor of
 * binary32 (ai.onnx.ml 3, which every runtime of the last years has) whose output is
 * the margin; the link stands behind it. A set is a chain of comparisons, one a
 * category, whose true sides are one node. Categories come in as strings, so a model
 * with some has one input for each feature; else there is one matrix.
 */
#include "train/core/model.h"

#include <stdlib.h>
#include <string.h>

#include "store/base/alloc.h"
#include "store/base/err.h"
#include "train/core/model_impl.h"

/* Field numbers of onnx.proto. */
enum {
	MODEL_IR = 1,
	MODEL_PRODUCER = 2,
	MODEL_GRAPH = 7,
	MODEL_OPSET = 8,
	MODEL_METADATA = 14,
	OPSET_DOMAIN = 1,
	OPSET_VERSION = 2,
	ENTRY_KEY = 1,
	ENTRY_VALUE = 2,
	GRAPH_NODE = 1,
	GRAPH_NAME = 2,
	GRAPH_INITIALIZER = 5,
	GRAPH_INPUT = 11,
	GRAPH_OUTPUT = 12,
	NODE_INPUT = 1,
	NODE_OUTPUT = 2,
	NODE_NAME = 3,
	NODE_OP = 4,
	NODE_ATTRIBUTE = 5,
	NODE_DOMAIN = 7,
	ATTR_NAME = 1,
	ATTR_F = 2,
	ATTR_I = 3,
	ATTR_S = 4,
	ATTR_FLOATS = 7,
	ATTR_INTS = 8,
	ATTR_STRINGS = 9,
	ATTR_TYPE = 20,
	TYPE_FLOAT = 1, /* of an attribute */
	TYPE_INT = 2,
	TYPE_STRING = 3,
	TYPE_FLOATS = 6,
	TYPE_INTS = 7,
	TYPE_STRINGS = 8,
	ELEM_FLOAT = 1, /* of a tensor */
	ELEM_STRING = 8,
	ELEM_DOUBLE = 11,
	TENSOR_DIMS = 1,
	TENSOR_TYPE = 2,
	TENSOR_NAME = 8,
	TENSOR_RAW = 9,
	WIRE_VARINT = 0,
	WIRE_BYTES = 2,
	WIRE_FLOAT = 5,
};

static void varint(struct buf *out, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_addc(out, (char)((v & 0x7f) | 0x80));
	buf_addc(out, (char)v);
}

static void field_int(struct buf *out, unsigned field, uint64_t v)
{
	varint(out, field << 3 | WIRE_VARINT);
	varint(out, v);
}

static void field_bytes(struct buf *out, unsigned field, struct slice s)
{
	varint(out, field << 3 | WIRE_BYTES);
	varint(out, s.n);
	buf_addslice(out, s);
}

static void field_text(struct buf *out, unsigned field, const char *s)
{
	field_bytes(out, field, slice_of(s));
}

/* A message that was built on its own; it is emptied. */
static void field_take(struct buf *out, unsigned field, struct buf *message)
{
	field_bytes(out, field, buf_slice(message));
	buf_release(message);
}

static void little_endian(struct buf *out, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		buf_addc(out, (char)(v >> 8 * i & 0xff));
}

static void add_float(struct buf *out, float v)
{
	uint32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	little_endian(out, bits, 4);
}

static void add_double(struct buf *out, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	little_endian(out, bits, 8);
}

/* ---- attributes of a node ------------------------------------------------------ */

static void attr_int(struct buf *node, const char *name, int64_t v)
{
	struct buf a = {0};

	field_text(&a, ATTR_NAME, name);
	field_int(&a, ATTR_I, (uint64_t)v);
	field_int(&a, ATTR_TYPE, TYPE_INT);
	field_take(node, NODE_ATTRIBUTE, &a);
}

static void attr_float(struct buf *node, const char *name, float v)
{
	struct buf a = {0};

	field_text(&a, ATTR_NAME, name);
	varint(&a, ATTR_F << 3 | WIRE_FLOAT);
	add_float(&a, v);
	field_int(&a, ATTR_TYPE, TYPE_FLOAT);
	field_take(node, NODE_ATTRIBUTE, &a);
}

static void attr_text(struct buf *node, const char *name, const char *v)
{
	struct buf a = {0};

	field_text(&a, ATTR_NAME, name);
	field_text(&a, ATTR_S, v);
	field_int(&a, ATTR_TYPE, TYPE_STRING);
	field_take(node, NODE_ATTRIBUTE, &a);
}

static void attr_texts(struct buf *node, const char *name, char *const *v, size_t nr)
{
	struct buf a = {0};

	field_text(&a, ATTR_NAME, name);
	for (size_t i = 0; i < nr; i++)
		field_text(&a, ATTR_STRINGS, v[i]);
	field_int(&a, ATTR_TYPE, TYPE_STRINGS);
	field_take(node, NODE_ATTRIBUTE, &a);
}

/* Packed numbers, gathered before: what is of the type FLOATS or INTS. */
static void attr_packed(struct buf *node, const char *name, bool floats,
			struct buf *packed)
{
	struct buf a = {0};

	field_text(&a, ATTR_NAME, name);
	field_take(&a, floats ? ATTR_FLOATS : ATTR_INTS, packed);
	field_int(&a, ATTR_TYPE, floats ? TYPE_FLOATS : TYPE_INTS);
	field_take(node, NODE_ATTRIBUTE, &a);
}

static void node_head(struct buf *node, const char *op, const char *domain,
		      const char *input, const char *output)
{
	if (input)
		field_text(node, NODE_INPUT, input);
	field_text(node, NODE_OUTPUT, output);
	field_text(node, NODE_NAME, output);
	field_text(node, NODE_OP, op);
	field_text(node, NODE_DOMAIN, domain);
}

static const char ml[] = "ai.onnx.ml";

/* ---- trees ---------------------------------------------------------------------- */

enum list {
	TREE_ID,
	NODE_ID,
	FEATURE_ID,
	MODE,
	TRUE_ID,
	FALSE_ID,
	MISSING_TRUE,
	VALUE,
	TARGET_TREE,
	TARGET_NODE,
	TARGET_ID,
	TARGET_WEIGHT,
	LISTS_NR
};

static const struct {
	const char *name;
	bool floats;
} lists[LISTS_NR] = {
	[TREE_ID] = {"nodes_treeids", false},
	[NODE_ID] = {"nodes_nodeids", false},
	[FEATURE_ID] = {"nodes_featureids", false},
	[MODE] = {"nodes_modes", false}, /* strings, built as they are */
	[TRUE_ID] = {"nodes_truenodeids", false},
	[FALSE_ID] = {"nodes_falsenodeids", false},
	[MISSING_TRUE] = {"nodes_missing_value_tracks_true", false},
	[VALUE] = {"nodes_values", true},
	[TARGET_TREE] = {"target_treeids", false},
	[TARGET_NODE] = {"target_nodeids", false},
	[TARGET_ID] = {"target_ids", false},
	[TARGET_WEIGHT] = {"target_weights", true},
};

struct ensemble {
	struct buf list[LISTS_NR];
};

struct entry {
	uint64_t tree, node, feature, yes, no;
	const char *mode;
	bool missing_yes;
	float value;
};

static void add_entry(struct ensemble *s, const struct entry *n)
{
	varint(&s->list[TREE_ID], n->tree);
	varint(&s->list[NODE_ID], n->node);
	varint(&s->list[FEATURE_ID], n->feature);
	field_text(&s->list[MODE], ATTR_STRINGS, n->mode);
	varint(&s->list[TRUE_ID], n->yes);
	varint(&s->list[FALSE_ID], n->no);
	varint(&s->list[MISSING_TRUE], n->missing_yes);
	add_float(&s->list[VALUE], n->value);
}

/* A split by a set: is it the first, the second ... else outside. The first link has
 * the node's own number, the others come behind all nodes. */
static void add_chain(struct ensemble *s, const struct tree *tree, struct entry *x,
		      const struct node *n, uint64_t *extra)
{
	x->mode = "BRANCH_EQ";
	x->missing_yes = false;
	x->yes = (uint64_t)n->right;
	for (uint32_t i = 0; i < n->set_nr; i++) {
		x->value = (float)tree->sets[n->set + i];
		x->no = i + 1 < n->set_nr ? *extra : (uint64_t)n->left;
		add_entry(s, x);
		if (i + 1 < n->set_nr)
			x->node = (*extra)++;
	}
}

static void add_tree(struct ensemble *s, const struct model *m, size_t index)
{
	const struct tree *tree = model_tree(m, index);
	uint64_t extra = tree->nr;

	for (size_t i = 0; i < tree->nr; i++) {
		const struct node *n = &tree->nodes[i];
		struct entry x = {.tree = index, .node = i, .mode = "LEAF"};

		if (n->left < 0) {
			add_entry(s, &x);
			varint(&s->list[TARGET_TREE], index);
			varint(&s->list[TARGET_NODE], i);
			varint(&s->list[TARGET_ID], index % m->outputs);
			add_float(&s->list[TARGET_WEIGHT],
				  (float)model_leaf(m, index, n));
			continue;
		}
		x.feature = n->feature;
		if (n->categorical) {
			add_chain(s, tree, &x, n, &extra);
			continue;
		}
		x.mode = "BRANCH_LT";
		x.yes = (uint64_t)n->left;
		x.no = (uint64_t)n->right;
		x.missing_yes = n->default_left;
		x.value = n->cut;
		add_entry(s, &x);
	}
}

static void ensemble_node(struct buf *graph, const struct model *m, const char *input)
{
	struct ensemble s = {0};
	struct buf node = {0};

	for (size_t i = 0; i < model_trees(m); i++)
		add_tree(&s, m, i);
	node_head(&node, "TreeEnsembleRegressor", ml, input, "margin");
	attr_int(&node, "n_targets", m->outputs);
	attr_text(&node, "aggregate_function", "SUM");
	attr_text(&node, "post_transform", "NONE");
	for (size_t i = 0; i < LISTS_NR; i++) {
		struct buf a = {0};

		if (i != MODE) {
			attr_packed(&node, lists[i].name, lists[i].floats, &s.list[i]);
			continue;
		}
		field_text(&a, ATTR_NAME, lists[i].name);
		buf_addslice(&a, buf_slice(&s.list[i]));
		field_int(&a, ATTR_TYPE, TYPE_STRINGS);
		field_take(&node, NODE_ATTRIBUTE, &a);
		buf_release(&s.list[i]);
	}
	field_take(graph, GRAPH_NODE, &node);
}

/* ---- linear models --------------------------------------------------------------- */

/* A constant of binary64, rows x columns. */
static void constant(struct buf *graph, const char *name, const double *v, size_t rows,
		     size_t columns)
{
	struct buf t = {0}, raw = {0};

	field_int(&t, TENSOR_DIMS, rows);
	field_int(&t, TENSOR_DIMS, columns);
	field_int(&t, TENSOR_TYPE, ELEM_DOUBLE);
	field_text(&t, TENSOR_NAME, name);
	for (size_t i = 0; i < rows * columns; i++)
		add_double(&raw, v[i]);
	field_take(&t, TENSOR_RAW, &raw);
	field_take(graph, GRAPH_INITIALIZER, &t);
}

static void cast_node(struct buf *graph, const char *from, const char *to, int64_t elem)
{
	struct buf node = {0};

	node_head(&node, "Cast", "", from, to);
	attr_int(&node, "to", elem);
	field_take(graph, GRAPH_NODE, &node);
}

/* margin = inputs * weights + bias, in binary64, rounded at the end. */
static void linear_nodes(struct buf *graph, const struct model *m, const char *input)
{
	double *turned = xcalloc(m->weights_nr * m->outputs + 1, sizeof(*turned));
	struct buf node = {0};

	for (size_t i = 0; i < m->weights_nr; i++)
		for (size_t k = 0; k < m->outputs; k++)
			turned[i * m->outputs + k] = m->weights[k * m->weights_nr + i];
	constant(graph, "weights", turned, m->weights_nr, m->outputs);
	constant(graph, "bias", m->bias, 1, m->outputs);
	free(turned);
	cast_node(graph, input, "wide", ELEM_DOUBLE);
	field_text(&node, NODE_INPUT, "wide");
	field_text(&node, NODE_INPUT, "weights");
	node_head(&node, "MatMul", "", NULL, "product");
	field_take(graph, GRAPH_NODE, &node);
	field_text(&node, NODE_INPUT, "product");
	field_text(&node, NODE_INPUT, "bias");
	node_head(&node, "Add", "", NULL, "wide_margin");
	field_take(graph, GRAPH_NODE, &node);
	cast_node(graph, "wide_margin", "margin", ELEM_FLOAT);
}

/* ---- inputs ----------------------------------------------------------------------- */

/* A value of rows x columns; columns 0: any. */
static void value_info(struct buf *graph, unsigned field, const char *name, uint64_t elem,
		       size_t columns)
{
	struct buf info = {0}, type = {0}, tensor = {0}, shape = {0}, dim = {0};

	field_text(&dim, 2, "rows"); /* dim_param */
	field_take(&shape, 1, &dim);
	field_int(&dim, 1, columns); /* dim_value */
	field_take(&shape, 1, &dim);
	field_int(&tensor, 1, elem);
	field_take(&tensor, 2, &shape);
	field_take(&type, 1, &tensor); /* tensor_type */
	field_text(&info, 1, name);
	field_take(&info, 2, &type);
	field_take(graph, field, &info);
}

/* Strings to their codes, -1 for those that are none. */
static void encoder_node(struct buf *graph, const struct feature *f, const char *output)
{
	struct buf node = {0}, codes = {0};

	node_head(&node, "LabelEncoder", ml, f->name, output);
	attr_texts(&node, "keys_strings", f->cats, f->cats_nr);
	for (size_t i = 0; i < f->cats_nr; i++)
		add_float(&codes, (float)i);
	attr_packed(&node, "values_floats", true, &codes);
	attr_float(&node, "default_float", -1);
	field_take(graph, GRAPH_NODE, &node);
}

/* Rows x 1 become rows x 1 x categories, and flat again. */
static void one_hot_node(struct buf *graph, const struct feature *f, const char *output)
{
	char *cube = xasprintf("%s_hot", output);
	struct buf node = {0};

	node_head(&node, "OneHotEncoder", ml, f->name, cube);
	attr_texts(&node, "cats_strings", f->cats, f->cats_nr);
	attr_int(&node, "zeros", 1);
	field_take(graph, GRAPH_NODE, &node);
	node_head(&node, "Flatten", "", cube, output);
	attr_int(&node, "axis", 1);
	field_take(graph, GRAPH_NODE, &node);
	free(cube);
}

static void imputer_node(struct buf *graph, const char *input, const char *output,
			 const double *fill, size_t nr)
{
	struct buf node = {0}, values = {0};

	node_head(&node, "Imputer", ml, input, output);
	for (size_t i = 0; i < nr; i++)
		add_float(&values, (float)fill[i]);
	attr_packed(&node, "imputed_value_floats", true, &values);
	attr_float(&node, "replaced_value_float", __builtin_nanf(""));
	field_take(graph, GRAPH_NODE, &node);
}

static bool has_categories(const struct model *m)
{
	for (size_t i = 0; i < m->features_nr; i++)
		if (m->features[i].kind == FEATURE_CATEGORICAL)
			return true;
	return false;
}

/* One column of the matrix, as the model reads it, under a name of ours. */
static void column(struct buf *graph, const struct model *m, size_t i, const char *name)
{
	const struct feature *f = &m->features[i];
	bool linear = m->type == MODEL_LINEAR;
	struct buf node = {0};

	if (f->kind == FEATURE_CATEGORICAL) {
		if (linear)
			one_hot_node(graph, f, name);
		else
			encoder_node(graph, f, name);
	} else if (linear) {
		imputer_node(graph, f->name, name, &m->fill[i], 1);
	} else {
		node_head(&node, "Identity", "", f->name, name);
		field_take(graph, GRAPH_NODE, &node);
	}
}

/* The matrix that the model multiplies or splits; its name is returned. */
static const char *inputs(struct buf *graph, struct buf *infos, const struct model *m)
{
	struct buf concat = {0};
	bool linear = m->type == MODEL_LINEAR;

	if (!has_categories(m)) {
		value_info(infos, GRAPH_INPUT, "input", ELEM_FLOAT, m->features_nr);
		if (!linear)
			return "input";
		imputer_node(graph, "input", "inputs_of_model", m->fill, m->features_nr);
		return "inputs_of_model";
	}
	for (size_t i = 0; i < m->features_nr; i++) {
		const struct feature *f = &m->features[i];
		char *name = xasprintf("column_of_model_%zu", i);

		value_info(infos, GRAPH_INPUT, f->name,
			   f->kind == FEATURE_CATEGORICAL ? ELEM_STRING : ELEM_FLOAT, 1);
		/* Without categories a one-hot column has no columns at all. */
		if (!linear || f->kind == FEATURE_NUMERIC || f->cats_nr > 0) {
			column(graph, m, i, name);
			field_text(&concat, NODE_INPUT, name);
		}
		free(name);
	}
	node_head(&concat, "Concat", "", NULL, "inputs_of_model");
	attr_int(&concat, "axis", 1);
	field_take(graph, GRAPH_NODE, &concat);
	return "inputs_of_model";
}

static void link_node(struct buf *graph, const struct model *m)
{
	struct buf node = {0};

	switch (m->objective) {
	case OBJ_BINARY:
	case OBJ_OVA:
		node_head(&node, "Sigmoid", "", "margin", "prediction");
		break;
	case OBJ_POISSON:
	case OBJ_GAMMA:
	case OBJ_TWEEDIE:
		node_head(&node, "Exp", "", "margin", "prediction");
		break;
	case OBJ_SOFTMAX:
		node_head(&node, "Softmax", "", "margin", "prediction");
		attr_int(&node, "axis", 1);
		break;
	default:
		node_head(&node, "Identity", "", "margin", "prediction");
		break;
	}
	field_take(graph, GRAPH_NODE, &node);
}

static void opset(struct buf *model, const char *domain, uint64_t version)
{
	struct buf o = {0};

	field_text(&o, OPSET_DOMAIN, domain);
	field_int(&o, OPSET_VERSION, version);
	field_take(model, MODEL_OPSET, &o);
}

static void metadata(struct buf *model, const char *key, const char *value)
{
	struct buf entry = {0};

	field_text(&entry, ENTRY_KEY, key);
	field_text(&entry, ENTRY_VALUE, value);
	field_take(model, MODEL_METADATA, &entry);
}

/* Names of features are names of values there: none may be ours or come twice. */
static int check_names(const struct model *m, struct err *e)
{
	static const char *const ours[] = {"margin",  "prediction",  "inputs_of_model",
					   "weights", "bias",	     "wide",
					   "product", "wide_margin", "input"};

	for (size_t i = 0; i < m->features_nr; i++) {
		const char *name = m->features[i].name;

		if (!*name || strncmp(name, "column_of_model_", 16) == 0)
			return err_set(e, ERR_UNSUPPORTED,
				       "feature '%.100s': no name for an ONNX input",
				       name);
		for (size_t j = 0; j < ARRAY_SIZE(ours); j++)
			if (strcmp(name, ours[j]) == 0)
				return err_set(e, ERR_UNSUPPORTED,
					       "feature '%s': a name that the ONNX graph "
					       "has already",
					       name);
	}
	return 0;
}

int model_onnx(struct buf *out, const struct model *m, struct err *e)
{
	struct buf graph = {0}, infos = {0};
	struct model all = {0};
	const char *input;
	int r;

	if (m->features_nr == 0)
		return err_set(e, ERR_UNSUPPORTED,
			       "ONNX cannot hold a model without features");
	if (has_categories(m) && (r = check_names(m, e)) < 0)
		return r;
	input = inputs(&graph, &infos, m);
	if (m->type == MODEL_LINEAR)
		linear_nodes(&graph, m, input);
	else
		ensemble_node(&graph, m, input);
	link_node(&graph, m);
	field_text(&graph, GRAPH_NAME, "lode");
	buf_addslice(&graph, buf_slice(&infos));
	value_info(&graph, GRAPH_OUTPUT, "margin", ELEM_FLOAT, m->outputs);
	value_info(&graph, GRAPH_OUTPUT, "prediction", ELEM_FLOAT, m->outputs);
	buf_release(&infos);

	field_int(out, MODEL_IR, 7);
	field_text(out, MODEL_PRODUCER, "lode");
	field_take(out, MODEL_GRAPH, &graph);
	opset(out, "", 13);
	opset(out, ml, 3);
	model_all_attributes(&all, m);
	for (size_t i = 0; i < all.attributes_nr; i++)
		metadata(out, all.attributes[i].name, all.attributes[i].value);
	model_release(&all);
	return 0;
}
