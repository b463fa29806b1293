# --to-remote: only the remote and the .dvc.
repo
q dvc remote add -d r "$HOME/remote"
w "$HOME/ext" external
step dvc add "$HOME/ext" --to-remote
w "$HOME/dir/x" 1
w "$HOME/dir/y/z" 2
step dvc add "$HOME/dir" --to-remote -o renamed
snap remote "$HOME/remote"
step dvc add --to-remote a b
