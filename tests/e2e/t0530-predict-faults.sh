#!/bin/sh
# Every failing call of predict and model export: the old output stays until the new
# one is whole, nothing lies beside it, and the failure is said.
. "$(dirname "$0")/../lib/tap.sh"
. "$TESTDIR/../lib/sweep.sh"
sweep_needs_faults

cp "$TESTDIR/../fuzz/corpus/model/linear.json" model.json
printf 'a,b\n1,x\n2,z\n,y\n' >t.csv
lode predict -o good model.json t.csv || tap_bail predict
lode model export -f onnx -o good.onnx model.json || tap_bail export

# sweep_output GOOD COMMAND...: the command writes out
sweep_output()
{
	good=$1
	shift
	bad=
	LODE_FAULT=w0:EIO LODE_FAULT_COUNT=$WORK/count "$@" || tap_bail "count of $*"
	calls=$(cat "$WORK/count")
	for error in ENOSPC EIO EINTR; do
		n=1
		while [ "$n" -le "$calls" ]; do
			rm -rf d
			mkdir d
			echo old >d/out
			rc=0
			(cd d && LODE_FAULT=w$n:$error "$@" >/dev/null 2>&1) || rc=$?
			if [ "$rc" -eq 0 ]; then
				cmp -s d/out "$good" || bad="$bad $error:$n(said to be good)"
			else
				[ "$error" != EINTR ] || bad="$bad $error:$n(gave up)"
				[ "$(cat d/out)" = old ] || cmp -s d/out "$good" ||
					bad="$bad $error:$n(neither old nor new)"
			fi
			[ "$(ls -A d)" = out ] || bad="$bad $error:$n(debris)"
			n=$((n + 1))
		done
	done
	is "$calls calls,$bad" "$calls calls," "every call of $*"
	ok 'there were some' test "$calls" -gt 3
}

here=$PWD
sweep_output good lode predict -o out "$here/model.json" "$here/t.csv"
sweep_output good.onnx lode model export -f onnx -o out "$here/model.json"
plan_done
