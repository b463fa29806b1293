/*
 * The canonical document: XGBoost's JSON shape with keys in one order, no spaces,
 * shortest floats. The same document is written as UBJSON, so what goes out passes
 * through one small writer with two spellings. docs/format/model.md has it whole.
 */
#include "train/core/model.h"

#include <string.h>

#include "store/fmt/jsonw.h"
#include "store/fmt/number.h"
#include "train/core/model_impl.h"

struct docw {
	struct buf *out;
	bool ubj;
	bool comma; /* JSON: something stands before */
};

static void big_endian(struct buf *out, uint64_t v, unsigned bytes)
{
	while (bytes-- > 0)
		buf_addc(out, (char)(v >> 8 * bytes & 0xff));
}

static void separate(struct docw *w)
{
	if (!w->ubj && w->comma)
		buf_addc(w->out, ',');
	w->comma = true;
}

static void open(struct docw *w, char c)
{
	separate(w);
	buf_addc(w->out, c);
	w->comma = false;
}

static void shut(struct docw *w, char c)
{
	buf_addc(w->out, c);
	w->comma = true;
}

static void length_and(struct docw *w, const char *s)
{
	buf_addc(w->out, 'L');
	big_endian(w->out, strlen(s), 8);
	buf_adds(w->out, s);
}

static void text(struct docw *w, const char *s)
{
	struct jsonw j;

	separate(w);
	if (w->ubj) {
		buf_addc(w->out, 'S');
		length_and(w, s);
		return;
	}
	/* XGBoost keeps an escape of a character as its six letters. */
	jsonw_init(&j, w->out, 0);
	j.utf8 = true;
	jsonw_str(&j, s);
}

static void key(struct docw *w, const char *s)
{
	if (w->ubj) {
		length_and(w, s);
		return;
	}
	text(w, s);
	buf_addc(w->out, ':');
	w->comma = false;
}

static void key_text(struct docw *w, const char *k, const char *s)
{
	key(w, k);
	text(w, s);
}

static void key_count(struct docw *w, const char *k, uint64_t v)
{
	char s[24];

	IGNORE_RESULT(snprintf(s, sizeof(s), "%llu", (unsigned long long)v) < 0);
	key_text(w, k, s);
}

/* A parameter: whole numbers without a point, as XGBoost writes its defaults. */
static void key_number(struct docw *w, const char *k, double v, bool in_list)
{
	struct buf s = {0};

	if (in_list)
		buf_addc(&s, '[');
	number_add(&s, v);
	if (s.n > 2 && memcmp(s.p + s.n - 2, ".0", 2) == 0)
		buf_cut(&s, s.n - 2);
	if (in_list)
		buf_addc(&s, ']');
	key_text(w, k, buf_str(&s));
	buf_release(&s);
}

/* Arrays of numbers: integers of 1, 4 or 8 bytes, or binary32. */
static void numbers_open(struct docw *w, char type, size_t nr)
{
	open(w, '[');
	if (!w->ubj)
		return;
	buf_addc(w->out, '$');
	buf_addc(w->out, type);
	buf_adds(w->out, "#L");
	big_endian(w->out, nr, 8);
}

static void numbers_shut(struct docw *w)
{
	if (w->ubj)
		w->comma = true; /* counted arrays have no end */
	else
		shut(w, ']');
}

static void integer(struct docw *w, char type, int64_t v)
{
	char s[24], *p = s + sizeof(s);
	uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;

	if (w->ubj) {
		big_endian(w->out, (uint64_t)v, type == 'U' ? 1 : type == 'l' ? 4 : 8);
		return;
	}
	separate(w);
	do
		*--p = (char)('0' + u % 10);
	while ((u /= 10) > 0);
	if (v < 0)
		*--p = '-';
	buf_add(w->out, p, (size_t)(s + sizeof(s) - p));
}

/* A number on its own, or in an array whose numbers XGBoost takes one by one. */
static void single(struct docw *w, int64_t v)
{
	if (w->ubj)
		buf_addc(w->out, 'l');
	integer(w, 'l', v);
	w->comma = true;
}

static void number32(struct docw *w, float v)
{
	char s[NUMBER_MAX];
	uint32_t bits;

	if (w->ubj) {
		memcpy(&bits, &v, sizeof(bits));
		big_endian(w->out, bits, 4);
		return;
	}
	separate(w);
	buf_add(w->out, s, number_json32(s, v));
}

static void number64(struct docw *w, double v)
{
	char s[NUMBER_MAX];

	if (w->ubj) {
		number32(w, (float)v);
		return;
	}
	separate(w);
	buf_add(w->out, s, number_json(s, v));
}

/* ---- trees ----------------------------------------------------------------- */

struct tree_view {
	const struct model *m;
	const struct tree *tree;
	size_t index;
	bool binary32;
};

/* One array of a tree, by the column of nodes it holds. */
static void int_array(struct docw *w, const struct tree_view *v, const char *name,
		      char type, int64_t (*get)(const struct node *n))
{
	key(w, name);
	numbers_open(w, type, v->tree->nr);
	for (size_t i = 0; i < v->tree->nr; i++)
		integer(w, type, get(&v->tree->nodes[i]));
	numbers_shut(w);
}

static void float_array(struct docw *w, const struct tree_view *v, const char *name,
			float (*get)(const struct node *n))
{
	key(w, name);
	numbers_open(w, 'd', v->tree->nr);
	for (size_t i = 0; i < v->tree->nr; i++)
		number32(w, get(&v->tree->nodes[i]));
	numbers_shut(w);
}

static int64_t get_left(const struct node *n)
{
	return n->left;
}

static int64_t get_right(const struct node *n)
{
	return n->right;
}

static int64_t get_parent(const struct node *n)
{
	return n->parent < 0 ? MODEL_ROOT_PARENT : n->parent;
}

static int64_t get_feature(const struct node *n)
{
	return n->left < 0 ? 0 : n->feature;
}

static int64_t get_default_left(const struct node *n)
{
	return n->left >= 0 && (n->categorical || n->default_left);
}

static int64_t get_split_type(const struct node *n)
{
	return n->left >= 0 && n->categorical;
}

static int64_t get_rows(const struct node *n)
{
	return (int64_t)n->rows;
}

static float get_gain(const struct node *n)
{
	return n->left < 0 ? 0 : n->gain;
}

static float get_cover(const struct node *n)
{
	return n->cover;
}

static float get_weight(const struct node *n)
{
	return n->weight;
}

/* The cut of a split, the value of a leaf. */
static void conditions(struct docw *w, const struct tree_view *v)
{
	key(w, "split_conditions");
	numbers_open(w, 'd', v->tree->nr);
	for (size_t i = 0; i < v->tree->nr; i++) {
		const struct node *n = &v->tree->nodes[i];

		if (n->left >= 0)
			number32(w, n->categorical ? 0 : n->cut);
		else if (v->binary32)
			number32(w, (float)model_leaf(v->m, v->index, n));
		else
			number64(w, model_leaf(v->m, v->index, n));
	}
	numbers_shut(w);
}

static size_t tree_sets(const struct tree *tree, size_t *codes)
{
	size_t nr = 0;

	*codes = 0;
	for (size_t i = 0; i < tree->nr; i++)
		if (get_split_type(&tree->nodes[i])) {
			nr++;
			*codes += tree->nodes[i].set_nr;
		}
	return nr;
}

/* One entry for each categorical node, in order of nodes. */
static void set_array(struct docw *w, const struct tree *tree, const char *name,
		      char type, size_t nr, char what)
{
	int64_t at = 0;

	key(w, name);
	numbers_open(w, type, nr);
	for (size_t i = 0; i < tree->nr; i++) {
		const struct node *n = &tree->nodes[i];

		if (!get_split_type(n))
			continue;
		integer(w, type, what == 'n' ? (int64_t)i : what == 'o' ? at : n->set_nr);
		at += n->set_nr;
	}
	numbers_shut(w);
}

static void categories(struct docw *w, const struct tree_view *v)
{
	const struct tree *tree = v->tree;
	size_t codes, nr = tree_sets(tree, &codes);

	if (nr == 0)
		return;
	int_array(w, v, "split_type", 'U', get_split_type);
	key(w, "categories");
	numbers_open(w, 'l', codes);
	for (size_t i = 0; i < tree->nr; i++) {
		const struct node *n = &tree->nodes[i];

		for (uint32_t j = 0; get_split_type(n) && j < n->set_nr; j++)
			integer(w, 'l', tree->sets[n->set + j]);
	}
	numbers_shut(w);
	set_array(w, tree, "categories_nodes", 'l', nr, 'n');
	set_array(w, tree, "categories_segments", 'L', nr, 'o');
	set_array(w, tree, "categories_sizes", 'L', nr, 's');
}

static void tree_document(struct docw *w, const struct tree_view *v)
{
	open(w, '{');
	key(w, "id");
	single(w, (int64_t)v->index);
	key(w, "tree_param");
	open(w, '{');
	key_count(w, "num_nodes", v->tree->nr);
	key_count(w, "num_feature", v->m->features_nr);
	key_text(w, "num_deleted", "0");
	key_text(w, "size_leaf_vector", "1");
	shut(w, '}');
	int_array(w, v, "left_children", 'l', get_left);
	int_array(w, v, "right_children", 'l', get_right);
	int_array(w, v, "parents", 'l', get_parent);
	int_array(w, v, "split_indices", 'l', get_feature);
	conditions(w, v);
	int_array(w, v, "default_left", 'U', get_default_left);
	float_array(w, v, "loss_changes", get_gain);
	float_array(w, v, "sum_hessian", get_cover);
	float_array(w, v, "base_weights", get_weight);
	categories(w, v);
	int_array(w, v, "rows", 'L', get_rows);
	shut(w, '}');
}

/* ---- the head ---------------------------------------------------------------- */

static const struct xgboost_objective {
	const char *name, *group, *key;
} objectives[OBJ_NR] = {
	[OBJ_L2] = {"reg:squarederror", "reg_loss_param", "scale_pos_weight"},
	[OBJ_L1] = {"reg:absoluteerror", NULL, NULL},
	[OBJ_HUBER] = {"reg:pseudohubererror", "pseudo_huber_param", "huber_slope"},
	[OBJ_QUANTILE] = {"reg:quantileerror", "quantile_loss_param", "quantile_alpha"},
	[OBJ_POISSON] = {"count:poisson", "poisson_regression_param", "max_delta_step"},
	[OBJ_GAMMA] = {"reg:gamma", "reg_loss_param", "scale_pos_weight"},
	[OBJ_TWEEDIE] = {"reg:tweedie", "tweedie_regression_param",
			 "tweedie_variance_power"},
	[OBJ_BINARY] = {"binary:logistic", "reg_loss_param", "scale_pos_weight"},
	[OBJ_SOFTMAX] = {"multi:softprob", "softmax_multiclass_param", "num_class"},
	/* It has none of these; their margins are what they are. */
	[OBJ_OVA] = {"multi:softprob", "softmax_multiclass_param", "num_class"},
	[OBJ_LAMBDARANK] = {"rank:ndcg", NULL, NULL},
	[OBJ_FAIR] = {"reg:squarederror", "reg_loss_param", "scale_pos_weight"},
	[OBJ_MAPE] = {"reg:squarederror", "reg_loss_param", "scale_pos_weight"},
};

const char *model_objective_xgboost(enum objective o)
{
	return objectives[o].name;
}

/* What gives a margin of exactly 0 through the objective's link. */
static const char *neutral_base(enum objective o)
{
	if (o == OBJ_BINARY)
		return "5E-1";
	return o == OBJ_POISSON || o == OBJ_GAMMA || o == OBJ_TWEEDIE ? "1E0" : "0E0";
}

static double objective_param(const struct model *m)
{
	switch (m->objective) {
	case OBJ_HUBER:
	case OBJ_QUANTILE:
	case OBJ_TWEEDIE:
		return m->objective_arg;
	case OBJ_POISSON:
		return m->objective_arg > 0 ? m->objective_arg : 0.7;
	case OBJ_SOFTMAX:
	case OBJ_OVA:
		return m->outputs;
	default:
		return m->scale_pos_weight > 0 ? m->scale_pos_weight : 1;
	}
}

static void objective_document(struct docw *w, const struct model *m)
{
	const struct xgboost_objective *o = &objectives[m->objective];

	key(w, "objective");
	open(w, '{');
	key_text(w, "name", o->name);
	if (o->group) {
		key(w, o->group);
		open(w, '{');
		key_number(w, o->key, objective_param(m), m->objective == OBJ_QUANTILE);
		shut(w, '}');
	}
	if (m->objective == OBJ_LAMBDARANK) {
		/* One name before version 2, the other since. */
		key(w, "lambda_rank_param");
		open(w, '{');
		key_text(w, "num_pairsample", "1");
		key_text(w, "fix_list_weight", "0");
		shut(w, '}');
		key(w, "lambdarank_param");
		open(w, '{');
		shut(w, '}');
	}
	shut(w, '}');
}

static bool is_multiclass(const struct model *m)
{
	return m->objective == OBJ_SOFTMAX || m->objective == OBJ_OVA;
}

static void booster_document(struct docw *w, const struct model *m)
{
	struct tree_view v = {.m = m, .binary32 = model_is_binary32(m)};
	size_t trees = model_trees(m);

	key(w, "gradient_booster");
	open(w, '{');
	key_text(w, "name", "gbtree");
	key(w, "model");
	open(w, '{');
	key(w, "gbtree_model_param");
	open(w, '{');
	key_count(w, "num_trees", trees);
	key_text(w, "num_parallel_tree", "1");
	key_text(w, "size_leaf_vector", "0");
	shut(w, '}');
	key(w, "tree_info");
	open(w, '[');
	for (size_t i = 0; i < trees; i++)
		single(w, (int64_t)(i % m->outputs));
	shut(w, ']');
	key(w, "trees");
	open(w, '[');
	for (v.index = 0; v.index < trees; v.index++) {
		v.tree = model_tree(m, v.index);
		tree_document(w, &v);
	}
	shut(w, ']');
	shut(w, '}');
	shut(w, '}');
}

static void features_document(struct docw *w, const struct model *m)
{
	key(w, "feature_names");
	open(w, '[');
	for (size_t i = 0; i < m->features_nr; i++)
		text(w, m->features[i].name);
	shut(w, ']');
	key(w, "feature_types");
	open(w, '[');
	for (size_t i = 0; i < m->features_nr; i++)
		text(w, m->features[i].kind == FEATURE_CATEGORICAL ? "c"
			: m->features[i].integer		   ? "int"
								   : "float");
	shut(w, ']');
}

static void attributes_document(struct docw *w, const struct model *m)
{
	struct model all = {0};

	model_all_attributes(&all, m);
	key(w, "attributes");
	open(w, '{');
	for (size_t i = 0; i < all.attributes_nr; i++)
		key_text(w, all.attributes[i].name, all.attributes[i].value);
	shut(w, '}');
	model_release(&all);
}

static void version_document(struct docw *w)
{
	static const int version[] = {1, 7, 0};

	key(w, "version");
	open(w, '[');
	for (size_t i = 0; i < ARRAY_SIZE(version); i++)
		single(w, version[i]);
	shut(w, ']');
}

void model_document(struct buf *out, const struct model *m, bool ubjson)
{
	struct docw writer = {.out = out, .ubj = ubjson}, *w = &writer;

	open(w, '{');
	version_document(w);
	key(w, "learner");
	open(w, '{');
	key(w, "learner_model_param");
	open(w, '{');
	key_text(w, "base_score", neutral_base(m->objective));
	key_count(w, "num_class", is_multiclass(m) ? m->outputs : 0);
	key_count(w, "num_feature", m->features_nr);
	shut(w, '}');
	objective_document(w, m);
	booster_document(w, m);
	features_document(w, m);
	attributes_document(w, m);
	shut(w, '}');
	shut(w, '}');
}

void model_json(struct buf *out, const struct model *m)
{
	if (m->type == MODEL_LINEAR)
		model_linear_json(out, m);
	else
		model_document(out, m, false);
	buf_addc(out, '\n');
}
