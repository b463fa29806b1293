#!/bin/sh
# gc: scopes, questions, grace, and what it never deletes.
. "$(dirname "$0")/../lib/tap.sh"

git_repo
must_pass lode init -q
put f one
must_pass lode add -q f
git_all v1
git tag v1
cp f "$WORK/one"
put f two
must_pass lode add -q f
git_all v2

must_fail 255 lode gc
must_fail 255 lode gc -c
must_fail 255 lode gc -w -n 1
must_fail 255 lode gc -w -c --not-in-remote
must_fail 1 sh -c 'lode gc -w </dev/null'
has "$OUT" '^Are you sure you want to proceed\? \[y/n\]: $' 'the question'
exists "$(object "$WORK/one")"
must_pass lode gc -w --dry
has "$OUT" "^Removing $PWD/.dvc/cache/files/md5/"
exists "$(object "$WORK/one")"
must_pass lode gc -T -f
exists "$(object "$WORK/one")"

# Names that are none of ours stay, in the cache and on a remote.
put .dvc/cache/files/md5/ab/README keep
put .dvc/cache/xy/z keep
put "$WORK/store/ab/cd" keep
must_pass lode remote add -q -d store "$WORK/store"
must_pass lode push -a -T
expect 'a yes is enough' '' sh -c 'echo y | lode gc -w >/dev/null'
missing "$(object "$WORK/one")"
exists "$(object f)"
exists .dvc/cache/files/md5/ab/README
exists .dvc/cache/xy/z
must_pass lode gc -w -c -f
exists "$(object "$WORK/store" "$WORK/one")"
must_pass lode gc -w -c -f --grace 0
missing "$(object "$WORK/store" "$WORK/one")"
exists "$(object "$WORK/store" f)"
exists "$WORK/store/ab/cd"

# With -c the plan comes before the question, and no takes nothing.
put f three
must_pass lode add -q f
must_pass lode push -q
put f four
must_pass lode add -q f
must_fail 1 sh -c 'lode gc -w -c --grace 0 </dev/null'
has "$ERR" "^Of the remote's objects, [1-9][0-9]* .*to go" 'the plan'
has "$ERR" '1 keys that are no objects stay|no objects stay' 'and what is not ours'
must_pass sh -c 'lode gc -w -c --dry --grace 0'
has "$OUT" '^Removing files/md5/' 'a dry run names keys'

# Two projects, one remote: what a named one reaches stays.
must_pass git init -q ../second
cd ../second || tap_bail second
must_pass lode init -q
must_pass lode remote add -q -d store "$WORK/store"
put theirs theirs
must_pass lode add -q theirs
must_pass lode push -q
cd ../repo || tap_bail repo
must_pass lode gc -w -c -f --grace 0 -p ../second
exists "$(object "$WORK/store" ../second/theirs)"
must_pass lode gc -w -c -f --grace 0
missing "$(object "$WORK/store" ../second/theirs)"

# Nothing goes while a metadata file in scope cannot be read.
put g three
must_pass lode add -q g
: >broken.dvc
run lode gc -w -f
is "$((RC != 0))" 1 'an empty .dvc file stops gc'
has "$ERR" 'broken.dvc' 'and is named'
exists "$(object g)"
plan_done
