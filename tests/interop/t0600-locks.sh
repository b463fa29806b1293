#!/bin/sh
# The tools keep each other out, by DVC's own locks.
. "$(dirname "$0")/../lib/tap.sh"
. "$TESTDIR/lib.sh"

command -v flock >/dev/null || skip_all 'no flock'

project "$WORK/w/r"
put f 1
must_pass lode add -q f

# shellcheck disable=SC2317 # called through run
# hold CMD...: run CMD while the lock is held by the kernel, as by either tool
hold()
{
	flock -x .dvc/tmp/lock "$@"
}

run hold lode --no-wait add f
[ "$RC" -ne 0 ] && has "$ERR" 'Unable to acquire lock' 'lode stops at a held lock'
for cmd in push 'add f' checkout commit 'gc -w -f'; do
	# shellcheck disable=SC2086 # several words
	run hold dvc $cmd
	dvc_rc=$RC
	# shellcheck disable=SC2086
	run hold lode --no-wait $cmd
	is "$RC" "$dvc_rc" "$cmd ends with the status that dvc has"
done
ok 'a reader of lode needs no lock' hold lode status

# locked: somebody holds it. Bounded, for the case that nobody ever does.
locked()
{
	tries=0
	while flock -n .dvc/tmp/lock true; do
		tries=$((tries + 1))
		[ $tries -lt 400 ] && kill -0 "$1" 2>/dev/null || return 1
		sleep 0.01
	done
}

# A tool that is stopped while it holds the lock.
for tool in dvc lode; do
	user=dvc
	[ $tool = lode ] || user=lode
	head -c 600000000 /dev/zero >"$tool.big"
	$tool add -q "$tool.big" >"$WORK/holder" 2>&1 &
	pid=$!
	background $pid
	if locked $pid; then
		kill -STOP $pid
		if flock -n .dvc/tmp/lock true; then
			skip "$user waits for $tool" 'it was faster'
		else
			[ $user = lode ] && wait=--no-wait || wait=
			# shellcheck disable=SC2086 # nothing or one word
			run $user $wait add f
			is "$([ "$RC" -ne 0 ] && grep -c 'Unable to acquire lock' "$ERR")" 1 \
				"$user does not enter while $tool holds the lock"
		fi
		kill -CONT $pid
	else
		skip "$user waits for $tool" 'it was faster'
	fi
	wait $pid
	is $? 0 "$tool finishes"
	must_pass $user status -q
done

# Entries of rwlock: a live process is honoured, a dead one is not.
sleep 60 &
live=$!
background $live
printf '{"write": {"%s": {"pid": %d, "cmd": "dvc repro"}}, "read": {}}' "$PWD/f" "$live" >.dvc/tmp/rwlock
put f 2
must_fail 1 dvc add -q f
must_fail 1 lode add -q f
put g 1
must_pass lode add -q g
kill "$live"
wait "$live" 2>/dev/null
must_pass lode add -q f
printf '{"write": {"%s": {"pid": %d, "cmd": "dvc repro"}}, "read": {}}' "$PWD/f" "$live" >.dvc/tmp/rwlock
put f 3
must_pass dvc add -q f
plan_done
