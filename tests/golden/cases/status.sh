# status: text, json, -q, targets, from a directory, all states.
repo
step dvc status
status dvc status --json
w a 1
w b 1
w d/x x
w sub/c 1
hint dvc add a b d sub/c
step dvc status
status dvc status --json
step dvc status -q
w a 2
rm b
w d/new 1
rm -f .dvc/cache/files/md5/c4/*
status dvc status
status dvc status --json
step dvc status -q
step dvc status a.dvc
step dvc status a
step dvc status d d/x
status dvc status a.dvc d.dvc
cd sub || exit
status dvc status
step dvc status c.dvc
cd .. || exit
step dvc status -R sub
step dvc status nosuch
step dvc status nosuch.dvc
step dvc status -a
w g.dvc 'outs:
- path: g
  hash: md5
'
step dvc status g.dvc
w g 1
step dvc status g.dvc
w h.dvc 'frozen: true
outs:
- path: a2
  md5: c4ca4238a0b923820dcc509a6f75849b
  hash: md5
'
step dvc status h.dvc
w u 1
w u.dvc 'outs:
- path: u
  cache: false
  md5: c4ca4238a0b923820dcc509a6f75849b
  hash: md5
'
step dvc status u.dvc
w u 2
step dvc status u.dvc
