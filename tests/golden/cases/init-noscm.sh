# Without git: init must be told; no ignore files, no hints.
step dvc init
step dvc init --no-scm
w f f
step dvc add f
step dvc status
step dvc config core.no_scm
step dvc diff
step dvc data status
