#!/bin/sh
# gc of either tool leaves the same objects.
. "$(dirname "$0")/../lib/tap.sh"
. "$TESTDIR/lib.sh"

project "$WORK/w/r"
must_pass lode remote add -q -d store "$WORK/store"
for n in 1 2 3; do
	put f "f$n"
	put d/a "a$n"
	put d/b "b"
	lode add -q f d || tap_bail "lode add"
	git_all "v$n"
	git tag "v$n"
done
git checkout -q -b side v2
put f side
lode checkout -q d || tap_bail "lode checkout"
lode add -q f || tap_bail "lode add"
git_all side
git checkout -q main
lode checkout -q || tap_bail "lode checkout"
must_pass lode push -q -A
put .dvc/cache/files/md5/ab/cdefabcdefabcdefabcdefabcdefab 'garbage'

for scope in '-w' '-a' '-T' '-A' '-w --rev v1' '-w --rev v3 -n 2' '-a -n 1'; do
	for tool in dvc lode; do
		rm -rf "$WORK/w/x" "$WORK/store.x"
		cp -a "$WORK/w/r" "$WORK/w/x"
		cp -a "$WORK/store" "$WORK/store.x"
		cd "$WORK/w/x" || exit
		lode remote modify -q store url "$WORK/store.x"
		# shellcheck disable=SC2086 # several words
		must_pass $tool gc -q -f $scope
		# shellcheck disable=SC2086
		[ $tool = lode ] && grace=--grace=0 || grace=
		# shellcheck disable=SC2086
		must_pass $tool gc -q -f -c $grace $scope
		(cd .dvc/cache && find . -name lode -prune -o -type f -print | LC_ALL=C sort) >"$WORK/cache.$tool"
		(cd "$WORK/store.x" && find . -name lode -prune -o -type f -print | LC_ALL=C sort) >"$WORK/store.$tool"
		expect "$tool: still clean" 'Data and pipelines are up to date.' lode status
	done
	same "$WORK/cache.dvc" "$WORK/cache.lode" "gc $scope keeps the same objects"
	same "$WORK/store.dvc" "$WORK/store.lode" "gc -c $scope keeps the same objects on the remote"
done
plan_done
