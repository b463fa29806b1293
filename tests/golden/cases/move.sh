# move: into a name, into a directory, a custom .dvc name, errors.
repo
w f 1
hint dvc add f
printf '  desc: d\ndesc: t\n' >>f.dvc
hint dvc move f g
snap renamed
q mkdir sub
hint dvc move g sub
snap into
hint dvc move sub/g sub/h
w d/a 1
w d/b/c 2
hint dvc add d
hint dvc move d sub/e
snap dir
step dvc move nosuch x
w x 1
hint dvc add x
w y 1
hint dvc add y
step dvc move x y
mv y.dvc custom.dvc
hint dvc move y z
snap custom
step dvc move x x
rm x
step dvc move x xx
w k.dvc 'outs:
- path: k
  md5: 5d41402abc4b2a76b9719d911017c592
  hash: md5
'
step dvc move k kk
hint dvc mv sub/h back
