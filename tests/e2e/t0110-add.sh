#!/bin/sh
# add, commit, status, move, remove, unprotect: the shortest way through each.
. "$(dirname "$0")/../lib/tap.sh"

git_repo
must_pass lode init -q
run lode status
is "$(head -n 1 "$OUT")" 'There are no data or pipelines tracked in this project yet.' 'an empty project'
put d/a one
put d/b two
put f three
must_pass lode add d f
has "$OUT" '^	git add \.gitignore d\.dvc f\.dvc$' 'the hint about git'
is "$(cat f.dvc)" 'outs:
- md5: 35d6d33467aae9a2e3dccb4b6b027878
  size: 5
  hash: md5
  path: f' 'the .dvc file'
is "$(cat .gitignore)" '/d
/f' 'the ignore lines'
exists "$(object f)"
is "$(mode_of "$(object f)")" 444 'objects are read-only'
expect 'clean' 'Data and pipelines are up to date.' lode status
git_all v1

put d/c new
rm d/a
put f THREE
expect 'what changed' 'd.dvc:
	changed outs:
		modified:           d
f.dvc:
	changed outs:
		modified:           f' lode status
must_fail 1 lode status -q
must_fail 1 lode commit
has "$ERR" 'Use `-f' 'commit wants to be sure'
must_pass lode commit -f
expect 'clean again' 'Data and pipelines are up to date.' lode status
expect 'data status' 'DVC committed changes:
  (git commit the corresponding dvc files to update the repo)
        modified: d/
        modified: f' sh -c 'lode data status | grep -v "^(there are"'
expect 'diff' 'Added:
    d/c

Deleted:
    d/a

Modified:
    d/
    f

files summary: 1 added, 1 deleted, 1 modified' lode diff
git_all v2

mkdir -p sub
must_pass lode move f sub/g
exists sub/g.dvc
missing f
must_pass lode mv sub/g sub/h
must_pass lode remove sub/h.dvc
exists sub/h
missing sub/h.dvc
must_pass lode rm --outs d.dvc
missing d

# Links: an executable is never one with its object, and unprotect gives copies.
must_pass lode config cache.type hardlink,copy
put x '#!/bin/sh'
chmod +x x
put y yes
must_pass lode add -q x y
is "$(stat -c %h y)" 2 'a hard link'
is "$(stat -c %h x)" 1 'an executable is a copy'
ok 'and stays executable' test -x x
must_pass lode unprotect y
is "$(stat -c %h y)" 1 'a copy now'
ok 'that may be written' test -w y

# What cannot be tracked is refused by name.
mkfifo pipe
run lode add pipe
is "$((RC != 0))" 1 'a FIFO is refused'
must_fail 1 lode add nosuch
must_fail 1 lode add ../elsewhere
printf 'x' >"$(printf 'bad\377')"
run lode add "$(printf 'bad\377')"
is "$((RC != 0))" 1 'a name that is no UTF-8 is refused'
missing "$(printf 'bad\377.dvc')"

# Ignore lines are written and removed in the same, escaped form.
put 'odd #[1]!.txt' odd
must_pass lode add -q 'odd #[1]!.txt'
has .gitignore '^/odd \\#\\\[1\\\]\\!\.txt$' 'an escaped line'
must_pass lode remove 'odd #[1]!.txt.dvc'
hasnt .gitignore odd 'is removed again'
# From a URL: what lies below a remote, under its own name.
mkdir -p "$WORK/far/raw/sub"
printf far >"$WORK/far/raw/file"
printf deep >"$WORK/far/raw/sub/x"
must_pass lode remote add -q y "$WORK/far"
must_pass lode add -q remote://y/raw/file -o got
is "$(cat got)" far 'a file of a remote'
must_pass lode add -q remote://y/raw -o tree
is "$(cat tree/sub/x)" deep 'a directory of a remote'
must_pass lode status
must_pass lode add -q "file://$WORK/far/raw/file" -o other
is "$(cat other)" far 'a file URL'
must_fail 1 lode add remote://y/nothing -o none
has "$ERR" 'does not exist'
missing none.dvc
must_fail 1 lode add remote://y/raw/file
has "$ERR" 'out' 'a URL needs a place to go'
ok 'nothing of ours is left' sh -c '! ls -d .dvc/tmp/lode/origin-* 2>/dev/null'
plan_done
