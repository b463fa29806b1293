#!/bin/sh
# What DVC was seen to do and no other test holds us to.
. "$(dirname "$0")/../lib/tap.sh"

# core.autostage reaches what add and move write, not what commit and remove do.
git_repo
must_pass lode init -q
git_all init
must_pass lode config core.autostage true
git_all config
put f one
put sub/g two
must_pass lode add f sub/g
is "$(git status --porcelain)" 'A  .gitignore
A  f.dvc
A  sub/.gitignore
A  sub/g.dvc' 'add stages'
git_all one
must_pass lode remove f.dvc
must_pass lode move sub/g h
is "$(git status --porcelain)" 'M  .gitignore
 D f.dvc
R  sub/g.dvc -> h.dvc
 D sub/.gitignore
?? f' 'move stages its files, remove none'
put h three
must_pass lode commit -f h.dvc
is "$(git status --porcelain h.dvc)" 'AM h.dvc' 'commit stages nothing'
must_pass lode config -u core.autostage
git add -A
git commit -qm two

# An ignore file that lost its last line is not named to git.
mkdir d
must_pass lode move h d
has "$OUT" '^	git add d/\.gitignore d/h\.dvc h\.dvc$' 'the hint after a move'

# A file of its own gets the first kind of link, however it came.
must_pass lode config cache.type hardlink,copy
put a same
put b same
must_pass lode add -q a
must_pass lode add -q b
is "$(stat -c %h b)" 3 'bytes that are stored already are linked'
must_pass lode unprotect a
is "$(stat -c %h b)" 2
must_pass lode add -q a
is "$(stat -c %h a)" 3 'a file that was unprotected is linked again'
must_pass lode config cache.type symlink
put e ''
must_pass lode add -q e
is "$(readlink e)" "$(cd . && pwd -P)/$(object e)" 'an empty file is a symbolic link'

# What add put into the cache goes when another revision does not track it.
must_pass lode config cache.type copy
git add -A
git commit -qm three
put z last
must_pass lode add -q z
git_all four
git checkout -q HEAD~1
expect 'what the revision does not track goes' 'D       z' lode checkout
missing z
git checkout -q main
expect 'and comes back' 'A       z' lode checkout

# The owner's x that is put back is a change.
put x run
chmod 755 x
must_pass lode add -q x
chmod 644 x
expect 'an executable bit comes back' 'M       x' lode checkout
is "$(mode_of x)" 744

# diff names a directory only when it is asked for.
put t/a 1
put t/b 2
must_pass lode add -q t
git_all five
put t/a 3
expect 'diff of a path inside a directory' 'Modified:
    t/a

files summary: 1 modified' lode diff --targets t/a

# dvc.lock is told of once, not for each stage.
printf 'stages:\n  p: {cmd: x, outs: [p]}\n  q: {cmd: x, outs: [q]}\n' >dvc.yaml
put p 1
put q 2
must_pass lode commit -f
is "$(cat "$OUT")" "Generating lock file 'dvc.lock'
Updating lock file 'dvc.lock'" 'the lock file is told of'

# What is never pushed is not missed on a remote.
rm -f dvc.yaml dvc.lock
must_pass lode remote add -d r "$WORK/remote"
must_pass lode push -q
put n never
must_pass lode add -q n
printf '  push: false\n' >>n.dvc
expect 'status -c leaves out push: false' "Cache and remote 'r' are in sync." lode status -c

# gc with a remote that is not there removes nothing first.
rm n.dvc
old=$(object n)
must_fail 251 lode gc -w -c -f -r nosuch
exists "$old"
must_fail 253 lode gc -w -f -p nosuch
exists "$old"
must_pass lode gc -w -f
missing "$old"

# Without git, a scope of revisions is the workspace.
mkdir "$WORK/noscm"
cd "$WORK/noscm" || exit
must_pass lode init -q --no-scm
put f 1
must_pass lode add -q f
must_pass lode remote add -d r "$WORK/remote2"
expect 'push -a without git' '1 file pushed' lode push -a
must_fail 255 lode gc -a -f
exists "$(object f)"
plan_done
