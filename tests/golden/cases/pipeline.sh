# A pipeline with vars, foreach, matrix, metrics, plots; lock file; how the data
# commands see it. given: made by dvc repro.
repo
w params.yaml 'lr: 0.1
names: [a, b]
opt: {m: 0.9, n: null, big: 1e20}
'
w in.txt 'input
'
w src/s.txt 's
'
hint dvc add in.txt
w dvc.yaml 'vars:
- out: prepared
stages:
  prepare:
    cmd: mkdir -p ${out} && cp in.txt ${out}/x && cp in.txt "${out}/y z"
    deps: [in.txt, src]
    params: [lr, opt]
    outs: ["${out}"]
  each:
    foreach: ${names}
    do:
      cmd: echo ${item} ${lr} > each-${item}.txt
      deps: ["${out}"]
      outs: ["each-${item}.txt"]
  grid:
    matrix: {x: [1, 2], y: [u]}
    cmd: echo ${item.x}${item.y} > grid-${item.x}.txt
    outs:
    - grid-${item.x}.txt: {cache: false}
  eval:
    wdir: ev
    cmd:
    - echo "{\"acc\":" 1} > m.json
    - printf "x,y\n1,2\n" > p.csv && echo a very long command line indeed that is folded by the writer somewhere > o
    deps: [../each-a.txt]
    metrics: [m.json: {cache: false}]
    plots: [p.csv: {x: x}]
    outs: [o: {persist: true}]
  exec:
    cmd: printf x > prog && chmod +x prog && printf "" > none
    outs: [prog, none]
    always_changed: true
'
q mkdir ev
w dvc.yaml "$(sed 's/, side: {push: false}//' dvc.yaml)
"
given repro dvc repro
snap made
git_all one
status dvc status
status dvc status --json
step dvc diff
dstatus dvc data status --unchanged --json
rm -r prepared each-a.txt ev/o prog
step dvc checkout
snap checkout
w each-b.txt changed
w params.yaml 'lr: 0.2
names: [a, b]
opt: {m: 0.9, n: null, big: 1e20}
'
w prepared/new n
status dvc status
status dvc status --json
status dvc status each
step dvc status each@b
step dvc status dvc.yaml:prepare
step dvc diff
step dvc diff --json
dstatus dvc data status --granular --json
step dvc checkout each@b
step dvc checkout -f prepared
q git checkout -q params.yaml
q dvc remote add -d r "$HOME/remote"
step dvc push
snap remote "$HOME/remote"
step dvc status -c
lines dvc gc -w -f
snap gc
rm -rf .dvc/cache prepared each-a.txt each-b.txt prog none ev/o ev/p.csv
step dvc pull
snap pulled
step dvc add prepared/x
step dvc add each-a.txt
step dvc remove each@a
step dvc move each-a.txt zz
w prepared/x changed
step dvc commit prepare
step dvc commit -f prepare
snap commit
