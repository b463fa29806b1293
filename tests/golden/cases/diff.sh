# diff: text, --json, --md, --show-hash, renames, revisions, targets.
repo
step dvc diff
w f 1
w d/a a
w d/b b
w g gg
hint dvc add f d g
step dvc diff
step dvc diff --json --show-hash
git_all one
q git tag v1
step dvc diff
step dvc diff --json
step dvc diff --md
w f 2
w d/c c
rm d/a
w d/b bb
hint dvc add f d
hint dvc move g h
step dvc diff
step dvc diff --show-hash
step dvc diff --json
step dvc diff --json --show-hash
step dvc diff --md
step dvc diff --md --show-hash
step dvc diff --targets d
step dvc diff --targets d/b f
step dvc diff --targets nosuch
git_all two
step dvc diff v1
step dvc diff v1 HEAD
step dvc diff HEAD v1 --json
step dvc diff v1 main --show-hash
step dvc diff HEAD
step dvc diff nosuch
step dvc diff HEAD nosuch
rm -r f d
step dvc diff
step dvc diff --json
step dvc checkout -q
w f 3
step dvc diff
step dvc diff --json --show-hash
rm -rf .dvc/cache/files/md5/c4 .dvc/cache/files/md5/c8
step dvc diff
step dvc diff --json
step dvc diff --hide-missing
step dvc diff v1 HEAD --json
q dvc checkout -q -f d.dvc
rm f
w f/x 1
step dvc diff
cd d || exit
step dvc diff
