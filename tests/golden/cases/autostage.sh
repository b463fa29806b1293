# core.autostage: git index, no hint.
repo
q dvc config core.autostage true
w f 1
step dvc add f
step git status --porcelain
git_all f
w f 2
step dvc add f
step git status --porcelain
step dvc move f g
step git status --porcelain
step dvc remove g.dvc
step git status --porcelain
