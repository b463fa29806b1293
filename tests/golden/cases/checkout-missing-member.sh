# One member missing in the cache: DVC removes the directory. (A wanted difference.)
repo
w d/a a
w d/b b
hint dvc add d
rm -f .dvc/cache/files/md5/92/*
rm -r d
step dvc checkout
snap partly
