# Two spaces at a fold: DVC writes what it cannot read back. (A wanted difference.)
repo
x=$(printf '%074d' 0 | tr 0 x)
w "$x  y" 1
hint dvc add "$x  y"
step dvc status
