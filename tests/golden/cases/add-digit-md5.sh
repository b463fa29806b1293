# Digests that YAML would read as numbers, alone and in a directory.
repo
w digits 1518375
w expo 46793
hint dvc add digits
hint dvc add expo
w d/a 1518375
w d/b 46793
hint dvc add d
step dvc status
