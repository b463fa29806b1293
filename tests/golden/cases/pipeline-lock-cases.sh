# dvc.lock by hand: missing entries, changed commands, legacy entries, bad ones.
repo
w dvc.yaml 'stages:
  a:
    cmd: echo a
    deps: [i]
    outs: [o, p]
  b:
    cmd: echo b
    deps: [o]
    params: [k, x.y, other.yaml: [z]]
    outs: [q]
  c:
    cmd: echo c
    frozen: true
    deps: [gone]
    outs: [r]
'
w i 1
w o 1
status dvc status
status dvc status --json
w dvc.lock "schema: '2.0'
stages:
  a:
    cmd: echo other
    deps:
    - path: i
      hash: md5
      md5: c4ca4238a0b923820dcc509a6f75849b
      size: 1
    outs:
    - path: o
      md5: c4ca4238a0b923820dcc509a6f75849b
      size: 1
    - path: p
      hash: md5
      md5: d41d8cd98f00b204e9800998ecf8427e
      size: 0
  b:
    cmd: echo b
    params:
      params.yaml:
        k: 1
        x.y: old
      other.yaml:
        z: 1
    outs:
    - path: q
      hash: md5
  gone:
    cmd: x
"
w params.yaml 'k: 1.0
x: {y: new}
'
w other.yaml 'y: 1
'
status dvc status
status dvc status --json
step dvc diff
dstatus dvc data status --json
step dvc checkout
lines dvc gc -w --dry
for text in '' 'schema: 3' 'stages: {}' "schema: '2.0'
stages:
  a: {cmd: x, bogus: 1}" "schema: '2.0'
stages:
  a: {outs: []}" "schema: '2.0'
bogus: 1" '{' 'a: {cmd: x}'; do
	w dvc.lock "$text
"
	step dvc status
done
