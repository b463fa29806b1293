# cache.shared = group and an external cache directory.
repo
q dvc config cache.shared group
q dvc cache dir "$HOME/cache"
umask 077
w f 1
w d/a a
hint dvc add f d
snap end
snap cache "$HOME/cache"
step dvc cache dir
q dvc config cache.type hardlink
step dvc checkout --relink
step dvc unprotect f
