# Symbolic links as targets and inside directories.
repo
w real/f 1
ln -s real/f lf
hint dvc add lf
ln -s real ld
step dvc add ld
step dvc add ld/f
w d/a 1
ln -s ../real/f d/l
ln -s ../real d/dirlink
hint dvc add d
snap before
ln -s nowhere d/broken
step dvc add d
step dvc status
rm d/broken
ln -s nowhere broken
step dvc add broken
