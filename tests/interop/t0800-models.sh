#!/bin/sh
# Models in the libraries they are exported for: the same margins, bit by bit, on every
# row of six tables, at every cut and beside it, with missing and unseen values.
. "$(dirname "$0")/../lib/tap.sh"

[ -n "${ML-}" ] || skip_all "ML names no Python with xgboost, lightgbm and onnxruntime"
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
driver=$TESTDIR/models.py
git_repo
must_pass lode init -q

for set in synthetic mixed breast_cancer diabetes wine digits; do
	mkdir "$set"
	"$ML" "$driver" data "$set" "$set" || tap_bail "data of $set"
	must_pass lode add -q "$set/train.csv"
	cat >"$set/train.yaml" <<-END
		data: train.csv
		target: y
		seed: 7
		model: {type: gbt, trees: 40, max_leaves: 31, learning_rate: 0.1, $(cat "$set/extra")}
		out: model.json
	END
	must_pass lode train "$set/train.yaml"
	"$ML" "$driver" probe "$set" || tap_bail "rows of $set"
	must_pass lode predict --margin --shap -o "$set/margin.csv" "$set/model.json" "$set/probe.csv"
	must_pass lode model export -f lightgbm -o "$set/model.txt" "$set/model.json"
	must_pass lode model export -f onnx -o "$set/model.onnx" "$set/model.json"
	must_pass lode model export -f ubj -o "$set/model.ubj" "$set/model.json"
	must_pass "$ML" "$driver" check "$set"
	tap_note "$(cat "$OUT")"
done
plan_done
