# import from a git repository, import-url from a path. given: made by DVC.
q git init -q "$HOME/src"
cd "$HOME/src" || exit
q dvc init -q
w f 1
w d/a a
w d/b b
w plain p
q dvc add f d
git_all one
q git tag v1
cd "$world/r" || exit
repo
given import-file dvc import ../home/src f -o ff
given import-dir dvc import ../home/src d --rev v1
given import-git dvc import ../home/src plain
given import-noexec dvc import ../home/src f -o later --no-exec
given import-nodownload dvc import ../home/src f -o later2 --no-download
w "$HOME/ext/e" ext
given url-file dvc import-url "../home/ext/e"
given url-dir dvc import-url "../home/ext" ed
w local 1
given url-local dvc import-url local copy
snap made
git_all imports
status dvc status --no-updates
rm -r ff d e ed copy
step dvc checkout
snap checkout
w "$HOME/ext/e" changed
status dvc status --no-updates
dstatus dvc data status --json
step dvc diff
lines dvc gc -w -f
given freeze dvc freeze e.dvc
given unfreeze dvc unfreeze e.dvc
q dvc remote add -d r "$HOME/remote"
step dvc push
snap remote "$HOME/remote"
