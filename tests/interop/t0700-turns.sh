#!/bin/sh
# A long random walk on one repository, the tools taking turns at random; after each
# step both must say the same of it. SEED and STEPS repeat or lengthen it.
. "$(dirname "$0")/../lib/tap.sh"
. "$TESTDIR/lib.sh"

seed=${SEED:-$(date +%s)}
steps=${STEPS:-25}
tap_note "SEED=$seed STEPS=$steps"

# A step: one of the actions of choose(), by one of the tools.
rand()
{
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	r=$((seed / 65536 % $1))
}

project "$WORK/w/r"
lode remote add -q -d store "$WORK/store" || tap_bail "lode remote add"
put f0 0
put d/a a
put d/b b
lode add -q f0 d || tap_bail "lode add"
git_all start

choose()
{
	rand 2
	[ $r = 0 ] && tool=dvc || tool=lode
	rand 4
	file=f$r
	rand 6
	member=d/$(printf 'a b c s/x s/y odd#1' | cut -d ' ' -f $((r + 1)))
	rand 1000
	text=$r
	rand 14
	case $r in
	0 | 1)
		rm -rf "$file"
		put "$file" "$text"
		what="$tool add $file"
		$tool add -q "$file"
		;;
	2 | 3)
		put "$member" "$text"
		what="$tool add d after writing $member"
		$tool add -q d
		;;
	4)
		rm -f "$member"
		what="$tool commit after removing $member"
		$tool commit -q -f
		;;
	5)
		put "$member" "$text"
		what="$tool add $member"
		$tool add -q "$member"
		;;
	6)
		put "$member" "$text"
		what="writing $member"
		;;
	7)
		rm -f "$member" "$file"
		what="removing $member and $file"
		;;
	8)
		what="$tool checkout"
		$tool checkout -q -f
		;;
	9)
		what="git commit"
		git_all "$text"
		;;
	10)
		what="$tool commit"
		$tool commit -q -f
		;;
	11)
		what="$tool push, and git commit"
		git_all "$text"
		$tool push -q
		;;
	12)
		what="an older revision, $tool checkout"
		git_all "$text"
		git checkout -q "HEAD~1" 2>/dev/null && $tool checkout -q -f
		git checkout -q main && $tool checkout -q -f
		;;
	13)
		what="$tool gc"
		git_all "$text"
		$tool gc -q -f -w
		;;
	esac >"$OUT" 2>"$ERR"
	# Whether the step was possible is not the question, but what it left.
	[ -e f0.dvc ] || tap_bail "step $1: $what: f0.dvc is gone"
	[ -e d.dvc ] || tap_bail "step $1: $what: d.dvc is gone"
}

n=0
while [ $n -lt "$steps" ]; do
	n=$((n + 1))
	choose $n
	both_json "$n: $what: status" status --json
	both_json "$n: $what: data status" data status --granular --json
done
must_pass lode fsck
plan_done
