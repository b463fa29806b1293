#!/bin/sh
# Two at once, few descriptors, no room, no permission.
. "$(dirname "$0")/../lib/tap.sh"

files_into()
{
	mkdir -p "$1"
	awk -v dir="$1" -v n="$2" 'BEGIN { for (i = 0; i < n; i++) {
		f = dir "/f" i; print "content of " dir " " i > f; close(f) } }'
}

# Two processes on one repository.
git_repo
must_pass lode init -q
files_into one 300
files_into two 300
lode add -q one &
first=$!
lode add -q two
second_rc=$?
wait "$first"
is "$?/$second_rc" 0/0 'two adds at once both succeed'
must_pass lode fsck
is "$(find .dvc/cache/files/md5 -type f | wc -l)" 602 'all objects and both manifests are there'
expect 'nothing has changed' '' git diff

# The lock excludes, says so, and ends.
(exec 9>>.dvc/tmp/lock && flock 9 && sleep 5) &
background $!
sleep 0.3
must_fail 255 lode --no-wait checkout
has "$ERR" 'lock' 'the message is about the lock'
must_fail 1 lode --no-wait add one
must_pass lode version
must_pass lode root

# Two repositories that share a cache.
cd ..
mkdir common
for repo in left right; do
	git_repo "$repo"
	lode init -q && lode config cache.dir ../common && lode config cache.shared group
	files_into data 200
	cd ..
done
(cd left && lode add -q data) &
first=$!
(cd right && lode add -q data)
second_rc=$?
wait "$first"
is "$?/$second_rc" 0/0 'two adds into one shared cache both succeed'
ok 'and the cache is clean' sh -c 'cd left && lode fsck'
is "$(mode_of common/files/md5)" 2775 'directories of a shared cache are for the group'
same left/data.dvc right/data.dvc

# 64 descriptors.
git_repo few
must_pass lode init -q
files_into data 600
mkdir ../store
must_pass lode remote add -q -d store ../store
must_pass sh -c 'ulimit -n 64; lode add -q data'
must_pass sh -c 'ulimit -n 64; lode push -q'
rm -rf .dvc/cache data
must_pass sh -c 'ulimit -n 64; lode pull -q'
must_pass sh -c 'ulimit -n 64; lode status'
must_pass lode fsck
cd ..

# No room, and a workspace that is read-only. Needs the right to mount.
mkdir small
if mount -t tmpfs -o size=3m tmpfs small 2>/dev/null; then
	at_exit "umount -l '$PWD/small'"
	git_repo small/repo
	must_pass lode init -q
	lode config cache.type copy
	head -c 1800000 /dev/urandom >big
	md5sum big >"$WORK/big.md5"
	run lode add big
	if [ "$RC" -ne 0 ]; then pass 'no room: add fails'; else fail 'no room: add fails'; fi
	has "$ERR" 'No space left' 'and says why'
	ok 'the data is untouched' md5sum -c --quiet "$WORK/big.md5"
	missing big.dvc
	must_pass lode fsck
	head -c 100000 big >fits
	must_pass lode add -q fits
	mount -o remount,ro "$WORK/w/small"
	must_pass lode status
	run lode add fits
	if [ "$RC" -ne 0 ]; then pass 'read-only: add fails'; else fail 'read-only: add fails'; fi
	has "$ERR" 'Read-only' 'and says why'
	must_pass lode diff
	mount -o remount,rw "$WORK/w/small"
	cd "$WORK/w" || exit
	umount small
else
	skip 'a full disk' 'no right to mount'
fi
plan_done
