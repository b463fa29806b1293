# Directories: empty, nested, empty inside, two equal files, executables inside.
repo
q mkdir -p e
hint dvc add e
w d/a a
w d/b/c c
w d/b/d/e/f/g/h/i/j/k deep
w d/b/same a
q mkdir -p d/hollow
w d/run x
chmod 755 d/run
hint dvc add d
q mkdir -p n/hollow/more
hint dvc add n
w slash/a a
hint dvc add slash/
step dvc status
