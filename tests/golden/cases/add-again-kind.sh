# A file becomes a directory and back; annotations stay, keys change.
repo
w f 1
hint dvc add f
printf '  desc: mine\n' >>f.dvc
rm f
w f/a 1
w f/b 2
hint dvc add f
snap dir
rm -r f
w f 3
hint dvc add f
snap file
chmod 755 f
hint dvc add f
snap exec
chmod 644 f
hint dvc add f
