#!/bin/sh
# A stage that lode train wrote is dvc's, and dvc runs it.
. "$(dirname "$0")/../lib/tap.sh"
. "$TESTDIR/lib.sh"

project "$WORK/w/r"
must_pass lode remote add -q -d store "$WORK/store"
i=0
while [ $i -lt 300 ]; do
	echo "$((i % 17)),$((i * 7 % 31)),$((i % 17 > 8))"
	i=$((i + 1))
done | sed '1i a,b,y' >tr.csv
must_pass lode add -q tr.csv
cat >train.yaml <<'E'
data: tr.csv
target: y
seed: 7
split: 0.2
model: {objective: binary, trees: 10}
E
must_pass lode train
expect 'dvc sees an up-to-date stage' 'Data and pipelines are up to date.' dvc status
expect 'and has nothing to run' '' sh -c 'dvc repro | grep -i running || :'
both 'status' status
both_json 'data status' data status --unchanged --granular --json
cp dvc.yaml dvc.lock "$WORK"
must_pass dvc repro -q -f train
same dvc.lock "$WORK/dvc.lock" 'dvc repro -f leaves the same lock'
same dvc.yaml "$WORK/dvc.yaml" 'and the same stage'
must_pass dvc commit -q -f train
same dvc.lock "$WORK/dvc.lock" 'dvc commit writes the same bytes'
git_all trained
must_pass dvc metrics show
has "$OUT" 'model.metrics.json' 'dvc shows the metrics'
must_pass dvc plots show -o "$WORK/plots"
has "$WORK/plots/index.html" 'logloss' 'and plots the rounds'
ok 'dvc stage list' dvc stage list

# dvc runs it because something changed; lode only trains.
sed -i 's/trees: 10/trees: 12/' train.yaml
both 'status when the configuration changed' status
must_pass dvc repro
has "$OUT" "Running stage 'train'" 'dvc ran it'
expect 'in step for dvc' 'Data and pipelines are up to date.' dvc status
expect 'in step for lode' 'Data and pipelines are up to date.' lode status
must_pass lode train
has "$OUT" 'up to date' 'and for lode train'
must_pass lode train verify
cp dvc.lock "$WORK"
must_pass lode train -f
same dvc.lock "$WORK/dvc.lock" 'lode train writes what dvc wrote'
must_pass lode train -S trees=3
must_pass dvc repro
expect 'overrides are part of the command' '' sh -c 'dvc repro | grep -i running || :'
must_pass lode train -d tr.csv -o n.txt -n count -- 'wc -l <tr.csv >n.txt'
must_pass dvc repro -f count
expect 'a command, too' 'Data and pipelines are up to date.' dvc status
git_all more

# dvc pushes and pulls it
must_pass dvc push -q
git clone -q . ../clone
cd ../clone || exit
must_pass lode train verify
has "$OUT" '^MATCH' 'what dvc pushed verifies in a clone'
must_pass dvc pull -q
expect 'up to date after dvc pull' 'Data and pipelines are up to date.' dvc status
expect 'for lode too' 'Data and pipelines are up to date.' lode status

plan_done
