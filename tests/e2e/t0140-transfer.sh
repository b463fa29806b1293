#!/bin/sh
# push, fetch and pull with a directory: what moves, what is said of it, and where
# DVC would say something else.
. "$(dirname "$0")/../lib/tap.sh"

git_repo
must_pass lode init -q
must_fail 1 lode push
has "$ERR" 'no remote specified' 'push needs a remote'
expect 'pull without a remote and without data' 'Everything is up to date.' lode pull
must_pass lode remote add -q -d store "$WORK/store"
put d/a one
put d/b two
put f three
must_pass lode add -q d f
git_all v1

must_pass lode push --dry-run
has "$OUT" '^Would push 4 files, ' 'a dry run counts'
missing "$WORK/store/files"
expect 'push counts manifests too' '4 files pushed' lode push
expect 'a second push moves nothing' 'Everything is up to date.' lode push
exists "$(object "$WORK/store" f)"
is "$(mode_of "$(object "$WORK/store" f)")" 444 'objects on the remote are read-only'

must_pass git clone -q . ../clone
cd ../clone || tap_bail clone
expect 'pull places what it fetched' 'A       d/
A       f
4 files fetched and 3 files added' lode pull
same d ../repo/d
same f ../repo/f
expect 'a second pull has nothing to do' 'Everything is up to date.' lode pull
run lode pull --json
cp "$OUT" "$WORK/doc"
expect 'pull tells JSON' 'pull True 0' python3 -c '
import json, sys
d = json.load(sys.stdin)
print(d["command"], d["ok"], d["moved"])' <"$WORK/doc"

# A missing object: the rest moves, it is named, and the command fails.
rm -rf .dvc/cache d f
rm -f "$(object "$WORK/store" ../repo/d/a)"
must_fail 1 lode pull
has "$ERR" 'd/a' 'the missing file is named'
exists d/b
same f ../repo/f 'what could be had is in place'
must_fail 1 lode fetch
has "$ERR" '0cc175b9|f97c5d29941bfb1b2fdab0874906ab82|d/a' 'fetch names it too'

# Repaired by the one who has it; the other one gets it.
(cd ../repo && lode push --refresh >"$OUT" 2>"$ERR")
is "$(cat "$OUT")" '1 file pushed' 'push --refresh sees what is missing'
must_pass lode pull
same d ../repo/d

# A path inside a directory takes no manifest along that would promise too much.
cd ../repo || tap_bail repo
put e/x 1
put e/y 2
must_pass lode add -q e
expect 'a partial push' '1 file pushed' lode push e/x
run lode status -c
has "$OUT" 'new: +e/y' 'the rest is still new'
must_pass lode push
run lode status -c
is "$(cat "$OUT")" "Cache and remote 'store' are in sync." 'then all is there'
git_all v2
cd ../clone || tap_bail clone
git pull -q
must_pass lode fetch e/x
must_pass lode fetch e/x
must_pass lode pull
same e ../repo/e 'a full pull after partial ones gets the rest'

# Both kinds of targets at once.
rm -rf d f e
must_pass lode pull d.dvc f
exists d/a
exists f
missing e
must_fail 1 lode push nosuch
must_fail 1 lode push -r nosuch
has "$ERR" "remote 'nosuch' doesn't exist"

# Wrong bytes on the remote never get a name here.
lode checkout -q
object=$(object "$WORK/store" f)
chmod u+w "$object" && printf wrong >"$object"
rm -rf f .dvc/cache
must_fail 1 lode pull
missing f

# What was pushed is asked for again; what cannot be moved is refused, not skipped.
put verified 'read back'
must_pass lode add -q verified
expect 'push --verify' '1 file pushed' lode push --verify verified.dvc
# status --deep reads the manifests and tells sizes.
expect 'all is there in depth' "Cache and remote 'store' are in sync." lode status -c --deep e.dvc
manifest=$(find "$WORK/store/files/md5" -name '*.dir' | head -n 1)
cp "$manifest" "$WORK/manifest"
chmod u+w "$manifest" && printf '[]' >"$manifest"
rm -f "$(object "$WORK/store" e/x)"
run lode status -c --deep
has "$OUT" 'damaged: +[a-z]' 'a wrong manifest is told'
has "$OUT" 'new: +e/x' 'and what is not there'
run lode status -c --deep --json
has "$OUT" '"damaged"' 'in JSON too'
must_fail 1 lode status --deep
has "$ERR" 'meaningless' 'it is for -c'
cp "$WORK/manifest" "$manifest"
lode push -q --refresh

run lode push --run-cache
isnt_zero=$((RC != 0))
is "$isnt_zero" 1 'the run cache is refused'
has "$ERR" 'run cache' 'by name'
plan_done
