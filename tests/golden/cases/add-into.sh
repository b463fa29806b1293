# Targets inside a tracked directory.
repo
w d/a a
w d/s/b b
hint dvc add d
w d/new new
w d/s/more more
hint dvc add d/new
snap one
hint dvc add d/s
snap sub
rm d/a
hint dvc add d/a
snap gone
w d/new changed
w d/a back
hint dvc add d/new
snap partial
status dvc status
hint dvc add d
step dvc add d/zz
w dd/x 1
step dvc add dd/nope
step dvc add nope
