# data status in all its sections and options.
q git init -q
q dvc init -q
step dvc data status
q git commit -q -m init
step dvc data status
w f 1
w d/a a
w d/b b
w g 1g
hint dvc add f d g
dstatus dvc data status
dstatus dvc data status --json
dstatus dvc data status --granular --json
git_all one
dstatus dvc data status
dstatus dvc data status --unchanged
dstatus dvc data status --unchanged --granular --json
w f 2
w d/c c
rm d/a
w d/b bb
w new n
w nd/x x
dstatus dvc data status
dstatus dvc data status --granular
dstatus dvc data status --granular --json
dstatus dvc data status --json --untracked-files
dstatus dvc data status --untracked-files=all
dstatus dvc data status --untracked-files=no
dstatus dvc data status --unchanged --granular --untracked-files
hint dvc add d
dstatus dvc data status --granular
dstatus dvc data status --granular --json
hint dvc move g g2
dstatus dvc data status
dstatus dvc data status --json
rm -f .dvc/cache/files/md5/c4/* .dvc/cache/files/md5/*/*.dir
dstatus dvc data status
dstatus dvc data status --granular --json
rm f.dvc
dstatus dvc data status --json
dstatus dvc data status --json d
cd d || exit
dstatus dvc data status --json --untracked-files
cd .. || exit
dstatus dvc data status --not-in-remote --json
q dvc remote add -d r "$HOME/remote"
dstatus dvc data status --not-in-remote --json
