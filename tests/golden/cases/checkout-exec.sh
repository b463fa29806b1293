# The executable bit of a file.
repo
w x 1
chmod 755 x
hint dvc add x
rm x
step dvc checkout
snap plain
chmod 644 x
step dvc checkout
snap kept
step dvc status
