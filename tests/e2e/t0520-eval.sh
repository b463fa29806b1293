#!/bin/sh
# eval: metrics, slices, bounds that set the exit status.
. "$(dirname "$0")/../lib/tap.sh"

# x < 0: margin -1; else margin 1: probabilities 0.268941 and 0.731059.
model()
{
	printf '{"version":[1,7,0],"learner":{"learner_model_param":{"base_score":"%s","num_class":"0","num_feature":"1"},"objective":{"name":"%s","reg_loss_param":{"scale_pos_weight":"1"}},"gradient_booster":{"name":"gbtree","model":{"gbtree_model_param":{"num_trees":"1","num_parallel_tree":"1","size_leaf_vector":"0"},"tree_info":[0],"trees":[{"id":0,"tree_param":{"num_nodes":"3","num_feature":"1","num_deleted":"0","size_leaf_vector":"1"},"left_children":[1,-1,-1],"right_children":[2,-1,-1],"parents":[2147483647,0,0],"split_indices":[0,0,0],"split_conditions":[0E0,-1E0,1E0],"default_left":[1,0,0],"loss_changes":[1E0,0E0,0E0],"sum_hessian":[2E0,1E0,1E0],"base_weights":[0E0,0E0,0E0],"rows":[2,1,1]}]}},"feature_names":["x"],"feature_types":["float"],"attributes":{%s"lode.grid":"17","lode.model":"1","lode.objective":"{\\"name\\":\\"%s\\",\\"arg\\":0.0,\\"scale_pos_weight\\":1.0}","lode.target":"y"}}}\n' "$1" "$2" "$4" "$3"
}
model 5E-1 binary:logistic binary '"lode.classes":"[\"no\",\"yes\"]",' >binary.json
model 0E0 reg:squarederror l2 '' >number.json
printf 'x,y,sex,age\n-1,no,f,10\n-2,no,m,20\n-3,yes,f,30\n1,yes,m,40\n2,yes,f,50\n3,no,f,60\n4,yes,m,70\n5,yes,f,80\n' >t.csv

must_pass lode eval binary.json t.csv
has "$OUT" 'rows 8'
# Of 15 pairs 4 * 2 are won and 1 * 2 + 4 * 1 tied.
has "$OUT" 'auc  *0.733333' 'the AUC by hand'
has "$OUT" 'accuracy  *0.75' 'the accuracy by hand'
has "$OUT" '^no  *2  *1' 'the confusion matrix, first row'
has "$OUT" '^yes  *1  *4' 'and second'
must_pass lode eval --metric rmse --target x number.json t.csv
must_fail 255 lode eval --metric auc number.json t.csv
must_pass lode eval --metric accuracy --slice sex --slice sex,age --bins 2 binary.json t.csv
has "$OUT" '^sex  *f  *5  *0.6' 'a slice'
has "$OUT" '^sex  *m  *3  *1' 'another'
has "$OUT" '^sex,age  *f, 10  *1  *1' 'a pair'

# Bounds.
must_pass lode eval --min accuracy=0.75 --max error=0.25 binary.json t.csv
must_fail 1 lode eval --min accuracy=0.76 binary.json t.csv
has "$OUT" 'accuracy >= 0.76 .*FAILED'
must_fail 1 lode eval --slice sex --slice-min accuracy=0.7 --slice-rows 1 binary.json t.csv
has "$OUT" 'sex: f .*FAILED' 'a slice fails alone'
must_pass lode eval --slice sex --slice-min accuracy=0.7 binary.json t.csv
printf 'metrics: accuracy\nslices: [sex]\nslice_min: {accuracy: 0.7}\nslice_rows: 2\n' >eval.yaml
must_fail 1 lode eval --config eval.yaml binary.json t.csv
must_fail 1 lode eval --json --config eval.yaml binary.json t.csv
has "$OUT" '"passed": false' 'the document says so'
has "$OUT" '"accuracy": {"value": 0.75' 'and gives values'
printf 'metrics: accuracy\nslces: [sex]\n' >eval.yaml
must_fail 255 lode eval --config eval.yaml binary.json t.csv
has "$ERR" "line 2: 'slces' is no key, did you mean 'slices'" 'a slip is named'
must_pass lode eval --md --slice sex binary.json t.csv
has "$OUT" '^## Slices$' 'Markdown'

# Permutation importance: the same for any number of threads.
must_pass lode model importance --type permutation --metric accuracy --data t.csv binary.json
has "$OUT" 'accuracy 0.75'
cp "$OUT" one
must_pass lode model importance --type permutation --metric accuracy --data t.csv --threads 3 binary.json
same one "$OUT" 'by three threads the same'
must_fail 255 lode model importance --type permutation binary.json
must_fail 255 lode model importance --data t.csv binary.json

# What goes wrong.
must_fail 255 lode eval --metric acu binary.json t.csv
has "$ERR" "did you mean 'auc'"
must_fail 255 lode eval --slice nope binary.json t.csv
has "$ERR" nope 'a column that is not there'
must_fail 255 lode eval --min auc binary.json t.csv
printf 'x,y\n1,maybe\n' >odd.csv
must_fail 255 lode eval binary.json odd.csv
has "$ERR" maybe 'a class that the model has not'
printf 'x,y\n' >none.csv
must_fail 255 lode eval binary.json none.csv
has "$ERR" 'no rows'
must_pass lode eval --metric accuracy binary.json t.csv t.csv
has "$OUT" 'rows 16' 'two tables are one'
plan_done
