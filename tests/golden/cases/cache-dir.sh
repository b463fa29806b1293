# cache dir: relative to here on the command line, to .dvc/ in the file.
repo
step dvc cache dir
step dvc cache dir ../cc
step dvc cache dir
step cat .dvc/config
w sub/x 1
cd sub || exit
step dvc cache dir in
step cat ../.dvc/config
step dvc cache dir
step dvc cache dir --local '~/lc'
step dvc cache dir
step dvc cache dir -u
step dvc cache dir --local
step dvc cache dir --local -u
step dvc cache dir
step dvc cache dir "$HOME/abs"
