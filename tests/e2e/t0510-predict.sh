#!/bin/sh
# predict and model: a table in, a table out, and what models say of themselves.
. "$(dirname "$0")/../lib/tap.sh"

# x < 1.5 or missing: -1; else town in {Ulm}: 2, else 0.5; base 0.25; grid.
tree='{"id":0,"tree_param":{"num_nodes":"5","num_feature":"2","num_deleted":"0","size_leaf_vector":"1"},"left_children":[1,-1,3,-1,-1],"right_children":[2,-1,4,-1,-1],"parents":[2147483647,0,0,2,2],"split_indices":[0,0,1,0,0],"split_conditions":[1.5E0,-7.5E-1,0E0,7.5E-1,2.25E0],"default_left":[1,0,1,0,0],"loss_changes":[3E0,0E0,1E0,0E0,0E0],"sum_hessian":[4E0,1E0,3E0,1E0,2E0],"base_weights":[0E0,0E0,0E0,0E0,0E0],"split_type":[0,0,1,0,0],"categories":[1],"categories_nodes":[2],"categories_segments":[0],"categories_sizes":[1],"rows":[9,4,5,2,3]}'
model()
{
	printf '{"version":[1,7,0],"learner":{"learner_model_param":{"base_score":"%s","num_class":"0","num_feature":"2"},"objective":{"name":"%s","reg_loss_param":{"scale_pos_weight":"1"}},"gradient_booster":{"name":"gbtree","model":{"gbtree_model_param":{"num_trees":"1","num_parallel_tree":"1","size_leaf_vector":"0"},"tree_info":[0],"trees":[%s]}},"feature_names":["x","town"],"feature_types":["float","c"],"attributes":{"lode.base":"[0.25]","lode.categories":"[[\\"Bonn\\",\\"Ulm\\"]]",%s"lode.grid":"17","lode.model":"1","lode.objective":"{\\"name\\":\\"%s\\",\\"arg\\":0.0,\\"scale_pos_weight\\":1.0}","lode.target":"y"}}}\n' "$1" "$2" "$tree" "$4" "$3"
}
model 0E0 reg:squarederror l2 '' >model.json
model 5E-1 binary:logistic binary '"lode.classes":"[\"no\",\"yes\"]",' >binary.json
printf 'id,x,note,town\n1,1,"a,b",Ulm\n2,2,,Ulm\n3,2,"say ""so""",Bonn\n4,,x,Bonn\n5,1.5,é,Oslo\n6,2,z,\n' >t.csv

expect 'records as they stood, the prediction last' 'id,x,note,town,prediction
1,1,"a,b",Ulm,-0.75
2,2,,Ulm,2.25
3,2,"say ""so""",Bonn,0.75
4,,x,Bonn,-0.75
5,1.5,é,Oslo,0.75
6,2,z,,0.75' lode predict model.json t.csv
cp "$OUT" want
must_pass lode predict --threads 3 -o out.csv model.json t.csv
same want out.csv 'the same into a file, by three threads'
gzip -k t.csv
must_pass lode predict model.json t.csv.gz
same want "$OUT" 'and from a compressed table'
lode predict model.json - <t.csv >out 2>err
same want out 'from standard input, a file'
gzip -dc t.csv.gz | lode predict model.json - >out 2>err
same want out 'or a pipe'
printf 'x\ttown\n2\tUlm\n' >t.tsv
expect 'TSV stays TSV' "$(printf 'x\ttown\tprediction\n2\tUlm\t2.25')" lode predict model.json t.tsv
printf 'x,town' >none.csv
expect 'no rows, a header all the same' 'x,town,prediction' lode predict model.json none.csv

expect 'a binary model gives the probability of its second class' 'id,x,note,town,prediction
2,2,,Ulm,0.9046505351008904' sh -c 'lode predict binary.json t.csv | sed -n "1p;3p"'
expect 'or both, and the class' 'id,x,note,town,probability_no,probability_yes,prediction
2,2,,Ulm,0.09534946489910956,0.9046505351008904,yes
4,,x,Bonn,0.679178699175393,0.320821300824607,no' sh -c 'lode predict --proba binary.json t.csv | sed -n "1p;3p;5p"'
expect 'or the margin' 'id,x,note,town,prediction
2,2,,Ulm,2.25' sh -c 'lode predict --margin binary.json t.csv | sed -n "1p;3p"'

# By hand: 1.125 by covers, 1.75 with x, 1.5 with town, 2.25 with both.
expect 'what features add' 'x,town,shap_x,shap_town,shap_(base),prediction
2,Ulm,0.6875,0.43750000000000006,1.125,2.25' sh -c 'printf "x,town\\n2,Ulm\\n" >one.csv; lode predict --shap model.json one.csv'

# What goes wrong is named, and leaves nothing behind.
printf 'x,other\n1,2\n' >lacks.csv
must_fail 255 lode predict -o new.csv model.json lacks.csv
has "$ERR" town 'a missing column is named'
printf 'x,town\n1,Ulm\nfour,Ulm\n' >text.csv
must_fail 255 lode predict -o new.csv model.json text.csv
has "$ERR" 'row 2' 'text among numbers: the row'
has "$ERR" "x" 'and the column'
missing new.csv 'no output after a failure'
must_fail 255 lode predict --proba model.json t.csv
has "$ERR" 'no classes'
must_fail 255 lode predict -o t.csv model.json t.csv
has "$ERR" 'is read' 'the data are not written over'
must_fail 255 lode predict model.json nope.csv
must_fail 255 lode predict --json model.json t.csv
must_pass lode predict --json -o out.csv model.json t.csv
has "$OUT" '"counts": {"rows": 6}' 'the document counts rows'
printf '{"learner":1}' >bad.json
must_fail 255 lode predict bad.json t.csv
has "$ERR" 'bad.json'
lode predict model.json t.csv | head -n 1 >/dev/null
ln -s "$PWD" here
must_pass lode predict -o /dev/null model.json t.csv

# model show, importance, export.
must_pass lode model show --features --tree 0 model.json
has "$OUT" 'objective *l2'
has "$OUT" 'x < 1.5 or missing: 1, else 2'
has "$OUT" 'town not in {Ulm}: 3, else 4'
expect 'importance' 'feature  gain  share
x        3     75.0%
town     1     25.0%' sh -c 'lode model importance model.json | grep .'
must_pass lode model export model.json
same model.json "$OUT" 'the export of a canonical model is the model'
must_pass lode model export -f lightgbm -o m.txt model.json
has m.txt 'threshold=1.499999940395355 0'
must_pass lode model export -f onnx -o m.onnx model.json
must_pass lode model export -f ubj -o m.ubj model.json
must_pass lode model show --json model.json
has "$OUT" '"trees": 1'

# Tracked, and not in the workspace.
git_repo
must_pass lode init -q
cp ../t.csv ../model.json .
must_pass lode add t.csv model.json
rm t.csv model.json
must_pass lode predict model.json t.csv
same ../want "$OUT" 'both come from the cache'
must_pass lode predict "md5:$(sed -n 's/.*md5: \([0-9a-f]*\)$/\1/p' model.json.dvc)" t.csv
same ../want "$OUT" 'or by digest'
plan_done
