# add over an existing .dvc keeps what people wrote into it.
repo
w a 1
w a.dvc '# head comment
outs:
# about the out
- md5: 5d41402abc4b2a76b9719d911017c592  # the digest
  size: 5
  hash: md5
  path: a  # the path
  desc: words
  type: model
  labels:
  - x
  - y
  meta:
    k: v   # deep
# before desc
desc: stage words
meta: {b: 1, a: [1, 2]}
'
hint dvc add a
w b 1
w b.dvc "desc: 'quoted'
outs:
    - path: \"b\"
      hash: md5
      md5: 5d41402abc4b2a76b9719d911017c592
      size: 5
      remote: other
      push: false
meta:
  list:
    - 1
    - two


  # trailing
"
hint dvc add b
w c 1
w c.dvc 'outs: [{md5: 5d41402abc4b2a76b9719d911017c592, size: 5, hash: md5, path: c}]
'
hint dvc add c
w d 1
printf 'outs:\r\n- md5: 5d41402abc4b2a76b9719d911017c592\r\n  size: 5\r\n  hash: md5\r\n  path: d\r\n' >d.dvc
hint dvc add d
w e 1
printf '\357\273\277outs:\n- md5: 5d41402abc4b2a76b9719d911017c592\n  hash: md5\n  path: e\n' >e.dvc
hint dvc add e
w f 1
w f.dvc 'wdir: .
outs:
- md5:
  hash: md5
  path: f
'
hint dvc add f
w sub/g 1
w g.dvc 'wdir: sub
outs:
- md5: 5d41402abc4b2a76b9719d911017c592
  size: 5
  hash: md5
  path: g
  cache: true
  persist: false
'
hint dvc add sub/g
w h1 1
w h2 2
w two.dvc 'outs:
- md5: 5d41402abc4b2a76b9719d911017c592
  size: 5
  hash: md5
  path: h1
- md5: 5d41402abc4b2a76b9719d911017c592
  size: 5
  hash: md5
  path: h2
  desc: second
'
hint dvc add h2
w i 1
w i.dvc 'x-anchor: &a 1
outs:
- path: i
'
hint dvc add i
rm i.dvc
w j 1
w j.dvc 'outs:
- path: j
'
hint dvc add j
w k 1
w k.dvc 'outs:
- md5: 5d41402abc4b2a76b9719d911017c592
  size: 5
  hash: md5
  path: k
  desc: |
    a block
    of lines
  meta:
    folded: >-
      some
      text
    null1: null
    null2: ~
    num: 0x1F
    oct: 0o17
    under: 1_000
    fl: 1.50
    exp: 1E3
    tr: True
    q: "quoted"
    sq: '"'single'"'
    empty: {}
    el: []
    anchor: &x [1]
    alias: *x
frozen: false
'
hint dvc add k
