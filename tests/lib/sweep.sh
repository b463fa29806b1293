# shellcheck shell=sh
#
# The n-th-system-call sweep: every call of a command that changes a disk fails
# once, in turn, with each of some errors, and the process is killed at each of
# them once. After each, fsck must find nothing wrong, a second run must finish
# the work, and the result must be that of a run without any failure.
#
#	. "$(dirname "$0")/../lib/tap.sh"
#	. "$TESTDIR/../lib/sweep.sh"
#	sweep_needs_faults
#	mkdir "$WORK/template"; cd "$WORK/template"; ...   (repo/ below it)
#	sweep 'add' lode add -q data
#	plan_done
#
# The command runs in repo/ below a fresh copy of $WORK/template. A function
# sweep_rerun, if there is one, runs instead of the command the second time.
# SWEEP_STEP=N in the environment takes each N-th call only.

sweep_needs_faults()
{
	mkdir -p "$WORK/probe"
	(cd "$WORK/probe" && LODE_FAULT=w0:EIO LODE_FAULT_COUNT=$WORK/probe.n lode --version \
		>/dev/null 2>&1)
	[ -s "$WORK/probe.n" ] || skip_all "the program was built without fault injection"
}

sweep_fresh()
{
	rm -rf "$WORK/trial"
	cp -a "$WORK/template" "$WORK/trial" || tap_bail "no copy of the template"
	cd "$WORK/trial/repo" || tap_bail "the template has no repo"
}

# Everything that the command is about, in a form that compares. Temporaries of a
# killed run may stay in a cache or remote until gc; nowhere else.
sweep_find()
{
	find . -path ./repo/.git -prune -o -path '*/.dvc/tmp' -prune -o -path '*/lode' -prune -o \
		-path '*/files/md5/*' -name '.??????????????????????.tmp' -prune -o -type f "$@"
}

sweep_state()
{
	(cd "$WORK/trial" && sweep_find -printf '%P %m\n' | LC_ALL=C sort &&
		sweep_find -exec md5sum {} + | LC_ALL=C sort -k 2)
}

sweep_again()
{
	if command -v sweep_rerun >/dev/null; then
		sweep_rerun "$@"
	else
		"$@"
	fi
}

# One trial: the call number and the error. Prints why it failed.
sweep_trial()
{
	sweep_n=$1 sweep_error=$2
	shift 2
	sweep_fresh
	sweep_rc=0
	LODE_FAULT=w$sweep_n:$sweep_error "$@" >"$OUT" 2>"$ERR" || sweep_rc=$?
	if [ "$sweep_error" = kill ] && [ "$sweep_rc" -ne 137 ]; then
		echo "was not killed at call $sweep_n but ended with $sweep_rc"
		return 1
	fi
	if [ "$sweep_error" = EINTR ] && [ "$sweep_rc" -ne 0 ]; then
		echo "an interrupted call $sweep_n was not taken up again: status $sweep_rc"
		return 1
	fi
	if ! lode fsck >"$OUT" 2>"$ERR"; then
		echo "fsck after call $sweep_n (status $sweep_rc)"
		return 1
	fi
	if ! sweep_again "$@" >"$OUT" 2>"$ERR"; then
		echo "the run after call $sweep_n (status $sweep_rc)"
		return 1
	fi
	sweep_state >"$WORK/state"
	if ! cmp -s "$WORK/state.good" "$WORK/state"; then
		echo "another result after call $sweep_n (status $sweep_rc)"
		diff "$WORK/state.good" "$WORK/state" | head -n 6
		return 1
	fi
}

# sweep NAME COMMAND...: one check for each error
sweep()
{
	sweep_name=$1
	shift
	sweep_fresh
	if ! LODE_FAULT=w0:EIO LODE_FAULT_COUNT=$WORK/count "$@" >"$OUT" 2>"$ERR"; then
		fail "$sweep_name: the command alone"
		tap_show stderr "$ERR"
		return
	fi
	sweep_state >"$WORK/state.good"
	sweep_calls=$(cat "$WORK/count")
	if [ "$sweep_calls" -gt 5 ]; then
		pass "$sweep_name: $sweep_calls calls to fail"
	else
		fail "$sweep_name: only $sweep_calls calls to fail"
	fi
	for sweep_with in ENOSPC EIO EINTR kill; do
		sweep_bad=
		sweep_i=1
		while [ "$sweep_i" -le "$sweep_calls" ]; do
			if ! sweep_trial "$sweep_i" "$sweep_with" "$@" >"$WORK/reason"; then
				sweep_bad=$sweep_i
				break
			fi
			sweep_i=$((sweep_i + ${SWEEP_STEP:-1}))
		done
		if [ -z "$sweep_bad" ]; then
			pass "$sweep_name survives $sweep_with at any call"
		else
			fail "$sweep_name survives $sweep_with at any call"
			tap_note "$(cat "$WORK/reason")"
			tap_show stdout "$OUT"
			tap_show stderr "$ERR"
		fi
	done
	cd "$WORK/w" || tap_bail "no working directory"
}

# The template all sweeps start from: a repository with a remote beside it, and
# data that is not tracked yet. $1: the link type.
sweep_template()
{
	mkdir -p "$WORK/template/remote" "$WORK/template/repo"
	cd "$WORK/template/repo" || tap_bail "no template"
	if ! { git init -q . && lode init -q && lode config cache.type "$1" &&
		lode remote add -q -d store ../remote; }; then
		tap_bail "no repository"
	fi
	git_all start
	put data/a 'first'
	put data/b/c 'second'
	put data/b/d 'third'
	put data/empty ''
	put single 'alone'
	chmod 755 single
}
