# checkout: A, M and D lines, --summary, refusals, -f, targets, missing objects.
repo
w f 1
w d/a a
w d/b b
w d/s/c c
hint dvc add f d
git_all one
step dvc checkout
rm -r f d
step dvc checkout
rm -r f d
step dvc checkout --summary
rm d/a
w f 1changed
step dvc checkout f
step dvc checkout d/a
step dvc checkout --force f
w d/extra x
step dvc checkout
step dvc checkout -f
snap forced
w f 2
w d/a aa
rm d/b
w d/new n
hint dvc add f d
git_all two
q git checkout -q HEAD~1
step dvc checkout
q git checkout -q main
step dvc checkout --summary
q git checkout -q HEAD~1
step dvc checkout d.dvc
step dvc checkout f.dvc
q git checkout -q main
step dvc checkout -R .
step dvc checkout nosuch
w g 1
hint dvc add g
git_all three
q git checkout -q HEAD~1
step dvc checkout
q git checkout -q main
step dvc checkout
rm -f .dvc/cache/files/md5/*/*
rm f
step dvc checkout
step dvc checkout --allow-missing
snap missing
step dvc checkout -q
