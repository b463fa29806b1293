# remove: .dvc files, --outs, several, errors.
repo
w a 1
w b 1
w d/x 1
hint dvc add a b d
q dvc config cache.type hardlink
step dvc checkout --relink
step dvc remove a
step dvc remove a.dvc
snap kept
step dvc remove --outs b.dvc d.dvc
snap gone
step dvc remove nosuch.dvc
step dvc remove
w c 1
hint dvc add c
step dvc rm c.dvc
