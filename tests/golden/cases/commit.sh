# commit: asks, -f, targets, unchanged, exec bit, missing.
repo
w f 1
w d/a a
w d/b b
hint dvc add f d
step dvc commit
w f 2
step dvc commit
step dvc commit -f
snap f
w d/a aa
w d/n n
step dvc commit d
step dvc commit -f d/a
snap part
status dvc status
step dvc commit -f d
snap whole
chmod 755 f
step dvc status
step dvc commit
step dvc commit -f
snap exec
rm f
step dvc commit -f
step dvc commit nosuch
w e ''
hint dvc add --no-commit e
step dvc commit
q dvc commit -f e.dvc
w f.dvc '# comment
outs:
- md5: 5d41402abc4b2a76b9719d911017c592 # c
  hash: md5
  path: f
'
w f new
step dvc commit -f f.dvc
