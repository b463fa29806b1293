# init in git: output, what is staged, a second time, -f.
q git init -q
step dvc init
step git status --porcelain
step dvc init
w .dvc/cache/files/md5/aa/bb x
step dvc init -f
snap forced
step dvc init --no-scm --subdir
w .dvcignore 'mine
'
q rm -rf .dvc
q git rm -rq --cached .dvc
step dvc init
step cat .dvcignore
