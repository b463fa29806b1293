#!/bin/sh
# train: a model from pinned data, its stage, its record; verify; what is refused.
. "$(dirname "$0")/../lib/tap.sh"

# table FILE ROWS SEED: two numbers, a category and a target that hangs on them
table()
{
	awk -v n="$2" -v s="$3" 'function u() { s = (s * 1103515245 + 12345) % 2147483648; return s / 2147483648 }
		BEGIN { print "a,b,c,y"
			for (i = 0; i < n; i++) {
				a = u(); b = u(); k = int(3 * u())
				printf "%.4f,%.4f,%s,%d\n", a, b, substr("xyz", k + 1, 1), (a + 0.3 * b + (k == 0) * 0.3 + 0.4 * u() > 0.9)
			} }' >"$1"
}

config()
{
	cat >"$1" <<'E'
data: tr.csv
target: y
seed: 7
model: {type: gbt, objective: binary, trees: 20, max_leaves: 15, learning_rate: 0.1, max_bin: 255, lambda: 1, min_child_weight: 1}
out: model.json
E
}

sha()
{
	sha256sum "$1" | cut -d' ' -f1
}

git_repo "$WORK/w/r"
must_pass lode init -q
must_fail 1 lode train
has "$ERR" 'train init DATA' 'the way to begin is told'
table tr.csv 800 1
config train.yaml
must_fail 1 lode train
has "$ERR" "'tr.csv' is tracked neither by lode nor by git" 'data that nothing tracks'
missing model.json
must_pass lode add -q tr.csv
git_all data
must_pass lode train
has "$OUT" "Stage 'train' is recorded" 'the stage is told'
exists model.json
exists model.metrics.json
exists model.run.json
expect 'the stage' 'stages:
  train:
    cmd: lode train train.yaml
    deps:
    - tr.csv
    - train.yaml
    outs:
    - model.json
    - model.run.json:
        cache: false
    metrics:
    - dvclive/model/metrics.json:
        cache: false
    - model.metrics.json:
        cache: false
    plots:
    - dvclive/model/plots/metrics:
        cache: false
        x: step' cat dvc.yaml
expect 'everything is up to date' 'Data and pipelines are up to date.' lode status
has .gitignore '^/model.json$' 'the model is ignored by git'
has model.run.json "\"sha256\": \"$(sha tr.csv)\"" 'the record pins the data'
has model.run.json "\"sha256\": \"$(sha model.json)\"" 'and the model'
has model.run.json '"core": ' 'and the core'
hasnt model.run.json "$(uname -n)" 'but no host'
has .dvc/tmp/lode/train.log "\"model_sha256\": \"$(sha model.json)\"" 'a line in the log'
expect 'a row of the live file a round' 21 sh -c 'wc -l <dvclive/model/plots/metrics/train/logloss.tsv'
cp model.json "$WORK/first.json"
cp model.run.json "$WORK/first.run"
git_all trained

# ---- the same bytes, however -----------------------------------------------

must_pass lode train
has "$OUT" 'up to date' 'nothing changed: nothing done'
for how in '--threads 1' '--threads 3' '--threads 8 --simd scalar' '--simd sse2'; do
	rm model.json
	# shellcheck disable=SC2086 # words
	must_pass lode train -f $how
	same "$WORK/first.json" model.json "the model with $how"
	same "$WORK/first.run" model.run.json "the record with $how"
done
expect 'nothing for git to see' '' git status --porcelain
must_pass lode train verify
has "$OUT" '^MATCH model.run.json' 'it verifies'

# ---- overrides -------------------------------------------------------------

must_pass lode train -S trees=5 -S seed=3
has dvc.yaml 'cmd: lode train -S model.trees=5 -S seed=3 train.yaml' 'overrides are in the command, sorted'
differ "$WORK/first.json" model.json 'another model'
must_pass lode train -S seed=3 -S model.trees=5
has "$OUT" 'up to date' 'in another order they are the same'
must_pass lode train verify train
must_pass lode train
same "$WORK/first.json" model.json 'back again'
must_fail 1 lode train -S tres=5
has "$ERR" "did you mean 'model.trees'" 'a slip in an override'
sed 's/seed/sed/' train.yaml >bad.yaml
must_fail 1 lode train bad.yaml
has "$ERR" "bad.yaml:3: unknown key 'sed'; did you mean 'seed'?" 'a slip in the file'
rm bad.yaml

# ---- pins ------------------------------------------------------------------

echo '0.5,0.5,x,1' >>tr.csv
must_fail 1 lode train
has "$ERR" "'tr.csv' is not what tr.csv.dvc says" 'changed data stops'
same "$WORK/first.json" model.json 'nothing was published'
must_fail 1 lode train -f
must_fail 2 lode train verify
has "$OUT" '^DIFFERS tr.csv' 'verify names the input'
must_pass lode train --update
differ "$WORK/first.json" model.json 'trained on what is there'
expect 'all is in step' 'Data and pipelines are up to date.' lode status
must_pass lode train verify
git_all moved

# by git, as small tables are
mkdir sub
table sub/v.csv 300 2
config sub/train.yaml
sed -i 's/tr.csv/v.csv/' sub/train.yaml
git add sub/v.csv
must_pass lode train sub/train.yaml
exists sub/dvc.lock
exists sub/model.json
echo '0.5,0.5,x,1' >>sub/v.csv
must_fail 1 lode train sub/train.yaml
has "$ERR" "is not what dvc.lock says" 'the lock is a pin'
must_pass lode train --update sub/train.yaml
must_pass lode train verify sub/dvc.yaml:train

# straight from the cache: no stage
md5=$(sed -n 's/.*md5: \([0-9a-f]*\).*/\1/p' tr.csv.dvc | head -n 1)
printf 'data: md5:%s\ntarget: y\nmodel: {objective: binary, trees: 3}\nout: d/m.json\n' "$md5" >digest.yaml
cp dvc.yaml dvc.lock "$WORK"
must_pass lode train digest.yaml
same dvc.yaml "$WORK/dvc.yaml" 'a digest writes no stage'
same dvc.lock "$WORK/dvc.lock" 'and no entry'
must_pass lode train verify d/m.run.json
must_fail 1 lode train digest.yaml -S data=md5:00000000000000000000000000000000
rm -r d digest.yaml

# ---- a tampered model ------------------------------------------------------

chmod u+w model.json
sed -i 's/"split_conditions":\[[^,]*,/"split_conditions":[0.123E0,/' model.json
must_fail 1 lode train verify
has "$OUT" '^DIFFERS model.json.*tree 0, node 0' 'the first tree and node that differ'
must_fail 1 lode train verify --json
has "$OUT" '"state": "model"' 'the same in JSON'
must_pass lode checkout -f -q
git_all again

# ---- a clone with only git and the remote ----------------------------------

must_pass lode remote add -q -d store "$WORK/store"
must_pass lode push -q
git_all remote
git clone -q . ../clone
cd ../clone || exit
must_pass lode train verify
has "$OUT" '^MATCH' 'a clone verifies'
missing tr.csv
missing model.json
expect 'and stays as it was' '' git status --porcelain
cd ../r || exit

# ---- inside dvc repro ------------------------------------------------------

cp dvc.yaml dvc.lock .gitignore "$WORK"
rm model.json model.run.json
DVC_STAGE=train DVC_ROOT=$PWD must_pass lode train -S seed=11 train.yaml
same dvc.yaml "$WORK/dvc.yaml" 'dvc.yaml is not touched'
same dvc.lock "$WORK/dvc.lock" 'nor dvc.lock'
same .gitignore "$WORK/.gitignore" 'nor .gitignore'
exists model.json
exists model.run.json
must_pass lode train -f

# ---- interrupts ------------------------------------------------------------

cat >slow.yaml <<'E'
data: tr.csv
target: y
split: 0.25
early_stopping: {rounds: 100000, metric: auc}
model: {objective: binary, trees: 600}
out: slow.json
E
must_pass lode train slow.yaml
mkdir "$WORK/before"
cp -r slow.json slow.metrics.json slow.run.json dvc.lock dvclive/slow "$WORK/before"
must_pass lode remove -q slow
rm -rf slow.json slow.metrics.json slow.run.json dvclive/slow
lode train slow.yaml >/dev/null 2>&1 &
pid=$!
background $pid
n=0
while [ ! -e dvclive/slow/metrics.json ] && [ $n -lt 100 ]; do
	sleep 0.02
	n=$((n + 1))
done
kill -INT $pid
wait $pid
is "$?" 252 'an interrupt has its own status'
exists slow.json
missing slow.run.json
hasnt dvc.lock slow 'no entry of half a run'
ok 'the model is usable' grep -q '"learner"' slow.json
must_pass lode train --resume slow.yaml
has "$OUT" '^Resumed' 'it went on'
for f in slow.json slow.metrics.json slow.run.json; do
	same "$WORK/before/$f" $f "$f as without the interrupt"
done
same "$WORK/before/slow" dvclive/slow 'the live files too'
same "$WORK/before/dvc.lock" dvc.lock 'and the lock'
expect 'no checkpoint is left' '' sh -c 'ls .dvc/tmp/lode | grep checkpoint || :'

# ---- a stage that is somebody else's ---------------------------------------

cat >other.yaml <<'E'
data: tr.csv
target: y
stage: count
model: {objective: binary, trees: 2}
out: other.json
E
must_pass lode train -n count -d tr.csv -o n.txt -- sh -c 'wc -l <tr.csv >n.txt'
must_fail 1 lode train other.yaml
has "$ERR" 'runs something else' 'a stage is not taken over'
must_fail 1 lode train other.yaml -S stage=other -S out=model.json
has "$ERR" "output 'model.json' is specified in" 'an output of another stage'
must_fail 1 lode train other.yaml -S stage=other -S out=../x.json

# A configuration, or a record, that came with a clone.
for out in out=../x.json 'out={record: ../../x.json, model: y.json}' live=../up out=.git/x.json live=.dvc/up \
	out=dvc.yaml 'out={metrics: /tmp/x.json}'; do
	must_fail 1 lode train other.yaml -S stage=other -S "$out"
done
mkdir "$WORK/outside"
ln -s "$WORK/outside" way
must_fail 1 lode train other.yaml -S stage=other -S out=way/x.json
must_fail 1 lode train other.yaml -S stage=other -S live=way
is "$(ls "$WORK/outside")" '' 'nothing is written through a link'
rm way
sed 's|"file": "train.yaml"|"file": "../../../etc/passwd"|' model.run.json >evil.run.json
must_fail 255 lode train verify evil.run.json
has "$ERR" 'is none of the inputs' 'a record cannot have any file read'
hasnt "$ERR" root: 'nor shown'
sed 's|"path": "tr.csv"|"path": "../../../etc/passwd"|' model.run.json >evil.run.json
must_fail 255 lode train verify evil.run.json
sed 's|"path": "model.json"|"path": "../../../etc/passwd"|' model.run.json >evil.run.json
must_pass lode train verify evil.run.json
echo '{' >evil.run.json
must_fail 255 lode train verify evil.run.json
rm evil.run.json

# ---- any command -----------------------------------------------------------

exists count.run.json
is "$(tr -d ' ' <n.txt)" 802 'it ran'
expect 'in step' 'Data and pipelines are up to date.' lode status count
must_pass lode train -n count -d tr.csv -o n.txt -- sh -c 'wc -l <tr.csv >n.txt'
has "$OUT" 'up to date' 'not run again'
must_fail 3 lode train verify count
has "$OUT" 'wc -l' 'verify shows the command'
must_pass lode train verify --run count
has "$OUT" '^MATCH count.run.json' 'and runs it when told to'
must_fail 1 lode train -n bad -d tr.csv -O bad.txt -- 'cp tr.csv bad.txt; echo x >>tr.csv'
has "$ERR" "'tr.csv' changed while the command ran" 'inputs are looked at again'
hasnt dvc.lock bad.txt 'nothing was recorded'
must_pass lode checkout -f -q
must_fail 1 lode train -n bad -d tr.csv -O worse.txt -- 'exit 7'
has "$ERR" 'exited with 7' 'a command that fails'
must_fail 1 lode train -n bad -d tr.csv -O worse.txt -- true
has "$ERR" "output 'worse.txt' does not exist" 'an output that was not made'
must_fail 254 lode train train.yaml -- true
must_fail 254 lode train --

# ---- a first configuration -------------------------------------------------

must_fail 1 lode train init tr.csv --target y
has "$ERR" 'exists' 'nothing is overwritten'
must_pass lode train init tr.csv --target y -o first.yaml
has first.yaml 'objective: binary' 'two classes'
has first.yaml '^  categorical: \[c\]' 'categories'
sed -i 's/model.json/first.json/' first.yaml
must_pass lode train first.yaml --json
has "$OUT" '"state": "trained"' 'it trains as it is'
must_fail 254 lode train init tr.csv
must_fail 1 lode train init tr.csv --target nope -o x.yaml
missing x.yaml

plan_done
