#!/bin/sh
# Every failing call of train: data that git's and a .dvc's pin, a stage written.
. "$(dirname "$0")/../lib/tap.sh"
. "$TESTDIR/../lib/sweep.sh"
sweep_needs_faults
sweep_template copy
i=0
while [ $i -lt 60 ]; do
	echo "$((i % 7)),$((i * 5 % 11)),$((i % 7 > 3))"
	i=$((i + 1))
done | sed '1i a,b,y' >tr.csv
cat >train.yaml <<'E'
data: tr.csv
target: y
model: {objective: binary, trees: 2, min_data_in_leaf: 2}
E
lode add -q tr.csv || tap_bail add
git_all tracked
sweep 'train' lode train -q --threads 1
plan_done
