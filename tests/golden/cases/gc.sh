# gc: scopes, --dry, remote, prompts.
repo
q dvc remote add -d r "$HOME/remote"
w f 1
w d/a a
w d/b b
hint dvc add f d
git_all one
q dvc push
w f 2
w d/a aa
hint dvc add f d
git_all two
q dvc push
step dvc gc
step dvc gc -w
step dvc gc -c
lines dvc gc -w --dry
lines dvc gc -a --dry
lines dvc gc -A --dry
lines dvc gc -A -f
snap allcommits
lines dvc gc -w -f
snap workspace
lines dvc gc -w -f
lines dvc gc -w -c --dry
lines dvc gc -w -c -f
snap remote "$HOME/remote"
lines dvc gc --rev HEAD~1 -n 1 -f
step dvc gc -w -n 1 -f
step dvc gc -w -c --not-in-remote -f
lines dvc gc -w --not-in-remote -f
snap notinremote
w .dvc/cache/files/md5/ab/.x.tmp t
w .dvc/cache/files/md5/top t
w .dvc/cache/files/md5/ab/deep/er t
lines dvc gc -w -f
snap strays
