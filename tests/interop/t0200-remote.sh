#!/bin/sh
# A remote that both tools write and read: a directory here, a bucket in t0210.
. "$(dirname "$0")/../lib/tap.sh"
. "$TESTDIR/lib.sh"

for tool in dvc lode; do
	project "$WORK/w/$tool"
	must_pass $tool remote add -q -d store "$WORK/store.$tool"
	put f 1
	put d/a a
	put d/b b
	put d/s/c c
	put e ''
	must_pass $tool add -q f d e
	git_all data
	expect "$tool pushes" '6 files pushed' $tool push
done
alike "$WORK/store.dvc" "$WORK/store.lode" 'both write the same remote'

for tool in dvc lode; do
	user=dvc
	[ $tool = lode ] || user=lode
	cd "$WORK/w/$tool" || exit
	expect "$user finds the remote of $tool in step" "Cache and remote 'store' are in sync." \
		$user status -c
	must_pass $user push -q
	git clone -q "$WORK/w/$tool" "$WORK/w/$tool.clone"
	cd "$WORK/w/$tool.clone" || exit
	must_pass $user pull -q
	alike . "$WORK/w/$tool" "$user pulls what $tool pushed"
	expect 'and is up to date' 'Data and pipelines are up to date.' $tool status

	# The other way: it changes, pushes, the first pulls.
	put f 2
	put d/new new
	rm d/a
	must_pass $user add -q f d
	git_all changed
	both 'the cloud status of what is new' status -c
	must_pass $user push -q
	git push -q origin HEAD:refs/heads/next
	cd "$WORK/w/$tool" || exit
	git merge -q next
	must_pass $tool fetch -q
	must_pass $tool checkout -q
	alike . "$WORK/w/$tool.clone" "$tool pulls what $user pushed"
	expect 'one remote, in step' "Cache and remote 'store' are in sync." $tool status -c
done

# Part of a directory: what lode leaves out must not fool dvc, and the other way.
project "$WORK/w/part"
must_pass lode remote add -q -d store "$WORK/store.part"
put p/a a
put p/b b
must_pass lode add -q p
git_all part
must_pass lode push -q p/a
must_pass dvc push -q
git clone -q . ../part.clone
cd ../part.clone || exit
must_pass dvc pull -q
is "$(cat p/a p/b)" ab 'a partial push of lode, a full one of dvc: nothing is missing'

project "$WORK/w/part2"
must_pass lode remote add -q -d store "$WORK/store.part2"
put p/a a
put p/b b
must_pass lode add -q p
git_all part
must_pass dvc push -q p/a
must_pass lode push -q
git clone -q . ../part2.clone
cd ../part2.clone || exit
must_pass lode pull -q
is "$(cat p/a p/b)" ab 'a partial push of dvc, a full one of lode: nothing is missing'
plan_done
