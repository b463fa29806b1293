#!/bin/sh
# A power cut at any moment of a writing command: fsck finds nothing wrong.
. "$(dirname "$0")/../lib/tap.sh"
. "$TESTDIR/../lib/sweep.sh"
sweep_needs_faults
[ -x "$LODE_BIN/tests/powercut" ] || skip_all "no powercut beside the program"

# cut NAME COMMAND...: run it on a copy of the template, recorded, then look at
# every image that a power cut could have left.
cut_power()
{
	cut_name=$1
	shift
	sweep_fresh
	rm -f "$WORK/record"
	if ! LODE_RECORD=$WORK/record "$@" >"$OUT" 2>"$ERR"; then
		fail "$cut_name: the command alone"
		tap_show stderr "$ERR"
		return
	fi
	ok "$cut_name leaves a clean repository" "$LODE_BIN/tests/powercut" "$WORK/record" \
		"$WORK/trial" "$WORK/template" "$WORK/image" lode --cd repo fsck -q
	cd "$WORK/template/repo" || tap_bail "no template"
}

sweep_template hardlink,copy
cut_power 'add by hardlink' lode add -q data single
lode config cache.type copy
cut_power 'add by copy' lode add -q data single
lode add -q data single || tap_bail add
git_all v1
cut_power 'push' lode push -q
lode push -q || tap_bail push
cp data.dvc "$WORK/v1.dvc"
put data/a 'edited'
rm data/b/d
cut_power 'commit' lode commit -q -f data.dvc
lode add -q data || tap_bail add
git_all v2
cut_power 'gc' lode gc -q -w -f
cp "$WORK/v1.dvc" data.dvc
cut_power 'checkout' lode checkout -q
rm -rf .dvc/cache .dvc/tmp data single
cut_power 'pull' lode pull -q
plan_done
