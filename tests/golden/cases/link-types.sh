# cache.type hardlink, symlink, copy; unprotect; checkout --relink.
repo
q dvc config cache.type hardlink
w f 1
w d/a a
w d/b b
w e ''
w x 'x'
chmod 755 x
hint dvc add f d e x
snap hardlink
q dvc config cache.type symlink
step dvc checkout --relink
snap symlink
q dvc config cache.type copy
step dvc checkout --relink
snap copy
q dvc config cache.type hardlink,copy
step dvc checkout --relink
step dvc unprotect f d
snap unprotect
step dvc unprotect nosuch
w g 1
hint dvc add g
hint dvc add f
step dvc config cache.type foo
step dvc checkout
