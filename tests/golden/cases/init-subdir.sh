# A project below the git root.
q git init -q
q mkdir -p sub/x
cd sub || exit
step dvc init
step dvc init --subdir
step git status --porcelain
w f f
hint dvc add f
cd x || exit
step dvc root
step dvc status
cd ../.. || exit
step dvc root
step dvc status
git_all one
cd sub || exit
w f ff
w new n
step dvc data status
dstatus dvc data status --json --untracked-files
step dvc diff
