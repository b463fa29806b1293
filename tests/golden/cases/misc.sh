# root, version, unprotect, destroy, usage.
repo
w sub/x/f 1
step dvc root
step dvc --version
step dvc -V
cd sub/x || exit
step dvc root
step dvc --cd ../.. root
cd ../.. || exit
step dvc --cd nosuch root
step dvc
step dvc bogus
step dvc add --bogus x
step dvc status -q -v
cd "$HOME" || exit
step dvc root
step dvc status
step dvc add x
cd "$world/r" || exit
w f 1
hint dvc add f
step dvc destroy
snap kept
step dvc destroy -f
