# push, fetch, pull with a directory as remote: texts, counts, layout.
repo
step dvc push
step dvc fetch
step dvc pull
q dvc remote add r "$HOME/remote"
step dvc push
q dvc remote default r
w f 1
w d/a a
w d/b b
w e ''
hint dvc add f d e
lines dvc status -c
status dvc status -c --json
step dvc push
snap remote "$HOME/remote"
step dvc push
step dvc status -c
rm -rf .dvc/cache f d
lines dvc status -c
step dvc fetch
step dvc fetch
step dvc checkout
rm -rf .dvc/cache f d e
step dvc pull
step dvc pull
rm -rf .dvc/cache f d e
step dvc pull f
step dvc fetch d/a
snap partial
step dvc pull d
step dvc push nosuch
step dvc fetch nosuch
step dvc pull nosuch
step dvc push -r nope
w g 1g
hint dvc add g
step dvc push g.dvc
step dvc push -r r d
w h 1h
hint dvc add h
rm -rf .dvc/cache/files/md5/81
lines dvc status -c
step dvc push
rm h
step dvc pull
step dvc fetch --max-size 1
step dvc push -q
step dvc push -j 2
git_all one
step dvc push -a
step dvc push -T
step dvc push --glob 'f*'
w k kk
hint dvc add k
printf '  push: false\n' >>k.dvc
step dvc push
