#!/bin/sh
# A pipeline that dvc runs: its outputs are lode's outputs too.
. "$(dirname "$0")/../lib/tap.sh"
. "$TESTDIR/lib.sh"

project "$WORK/w/r"
must_pass lode remote add -q -d store "$WORK/store"
put in.txt 'input
'
must_pass lode add -q in.txt
put params.yaml 'lr: 0.1
names: [a, b]
'
cat >dvc.yaml <<'E'
vars:
- dir: out
stages:
  prepare:
    cmd: mkdir -p ${dir}/s && cp in.txt ${dir}/x && cp in.txt "${dir}/s/y z"
    deps: [in.txt]
    params: [lr]
    outs: ["${dir}"]
  each:
    foreach: ${names}
    do:
      cmd: echo ${item} ${lr} > each-${item}.txt
      deps: ["${dir}"]
      outs: ["each-${item}.txt"]
  grid:
    matrix: {x: [1, 2], y: [u]}
    cmd: echo ${item.x}${item.y} > grid-${item.x}.txt
    metrics:
    - grid-${item.x}.txt: {cache: false}
E
must_pass dvc repro -q
git_all made
both 'status after repro' status
both_json 'data status after repro' data status --unchanged --granular --json
expect 'lode pushes the outputs' '4 files pushed' lode push
both 'both find the remote in step' status -c
git clone -q . ../clone
cd ../clone || exit
must_pass lode pull -q
alike . ../r 'a clone pulled by lode has all outputs'
expect 'dvc agrees' 'Data and pipelines are up to date.' dvc status
expect 'and has nothing to run' '' sh -c 'dvc repro | grep -i running || :'

rm each-a.txt
put out/x changed
put params.yaml 'lr: 0.2
names: [a, b, c]
'
both 'status when everything changed' status
both_json 'the same in JSON' status --json
both 'status of a group' status each
both 'status of one' status each@b
both 'diff' diff
both_json 'diff in JSON' diff --json --show-hash
both_json 'data status' data status --granular --json
# One output was never made: neither tool can have a clean end here.
run lode checkout -q -f
both 'status after checkout' status
must_pass dvc repro -q
both 'status after another repro' status
must_pass lode push -q
expect 'dvc finds it all there' "Cache and remote 'store' are in sync." dvc status -c

# commit by either writes the same lock file
put out/x 'by hand'
cp -a . ../clone2
must_pass dvc commit -q -f prepare
cd ../clone2 || exit
must_pass lode commit -q -f prepare
alike ../clone . 'a commit of a stage writes the same dvc.lock and objects'
must_fail 1 lode add out/x
must_fail 1 lode add each-a.txt
cp -a .dvc/cache ../cache.before
must_pass lode gc -q -f -w
both 'gc keeps what the pipeline names' status
plan_done
