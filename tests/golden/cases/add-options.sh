# Several targets, --glob, --no-commit, --out, -f, --no-relink.
repo
w a 1
w b 2
w d/c.csv 3
w d/e.txt 4
w d/x/f.csv 5
w d/.h.csv 6
hint dvc add a b
step dvc add --glob 'zz*'
hint dvc add --glob 'd/*.csv'
hint dvc add --glob 'd/**/f.csv'
w n 7
hint dvc add --no-commit n
snap nocommit
w "$HOME/ext" external
hint dvc add "$HOME/ext" -o got
snap out
w "$HOME/ext" changed
step dvc add "$HOME/ext" -o got
hint dvc add "$HOME/ext" -o got -f
w "$HOME/dir/x" 1
w "$HOME/dir/y/z" 2
hint dvc add "$HOME/dir" -o sub
step dvc add --glob 'a*' -o z
step dvc add -r x a
step dvc add a b -o z
step dvc add "$HOME/ext"
step dvc add
step dvc add -q a
