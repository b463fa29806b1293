#!/bin/sh
# fsck: what is wrong, where, and what was done about it.
. "$(dirname "$0")/../lib/tap.sh"

git_repo
must_pass lode init -q
must_pass lode config cache.type copy
put d/a one
put d/b two
put f three
must_pass lode add -q d f
must_pass lode remote add -q -d store "$WORK/store"
must_pass lode push -q
must_pass lode fsck
has "$OUT" 'all is well' 'nothing is wrong'

# Wrong bytes, put right from the workspace.
bad=$(object f)
chmod u+w "$bad" && printf wrong >"$bad" && chmod a-w "$bad"
must_fail 1 lode fsck
has "$OUT" '^corrupt: ' 'a wrong object is told'
must_pass lode fsck --repair
same "$bad" f 'the object is right again'
must_pass lode fsck
is "$(cat f)" three 'the workspace was not written to'

# An empty name that a power cut left is not the object.
chmod u+w "$bad" && : >"$bad"
must_fail 1 lode fsck
has "$OUT" '^missing: f ' 'an empty object is a missing one'
must_pass lode fsck --repair
same "$bad" f 'and is right again'

# Missing, with the workspace's copy gone: from the remote.
rm -f "$(object d/a)"
mv d/a "$WORK/a"
must_pass lode fsck
has "$OUT" '^1 objects? .*not in the cache' 'what is neither here nor there is counted'
must_pass lode fsck --repair
must_pass lode checkout -q
same d/a "$WORK/a"

# A manifest on the remote is whole again when its member has come back.
rm "$WORK/store/files/md5/$(object d/b | sed 's|.*files/md5/||')"
must_fail 1 lode fsck -r store
has "$OUT" '^missing: d/b '
must_pass lode fsck -r store --repair
must_pass lode fsck -r store

# Wrong on the remote and nowhere else: manifest, then member, leave their names.
far=$WORK/store/files/md5/$(object d/b | sed 's|.*files/md5/||')
chmod u+w "$far" && printf 'two!' >"$far"
cp -r d "$WORK/d"
rm -rf d .dvc/cache .dvc/tmp/lode
must_fail 1 lode fsck -r store --repair
has "$OUT" '^kept: lode/quarantine/files/md5/' 'the wrong bytes are kept'
has "$OUT" '^quarantined: files/md5/.*dir' 'the manifest left'
missing "$far"
ok 'no manifest is left' sh -c "! find '$WORK/store/files' -name '*.dir' | grep ."
must_fail 1 lode fsck -r store --json
has "$OUT" '"quarantined": *2' 'JSON counts what is in quarantine'
mv "$WORK/d" d
must_pass lode add -q d
must_pass lode fsck -r store --repair
must_pass lode fsck -r store
ok 'manifest and member are back' test -f "$far"
expect 'DVC and lode have nothing to push' 'Everything is up to date.' lode push
must_pass lode fetch -q

# Bytes that match nothing are kept aside.
rm -rf "$WORK/store"
put f other
chmod u+w "$bad" && printf odd >"$bad" && chmod a-w "$bad"
must_fail 1 lode fsck --repair
ok 'they lie in lost+found' sh -c 'find .dvc/cache/lode/lost+found -type f | xargs grep -l odd'
is "$(cat f)" other 'the workspace keeps its own'

must_fail 1 lode fsck --sample 101
must_fail 1 lode fsck --cache -r store
plan_done
