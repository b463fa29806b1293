#!/bin/sh
# Every failing call of checkout to another version.
. "$(dirname "$0")/../lib/tap.sh"
. "$TESTDIR/../lib/sweep.sh"
sweep_needs_faults
sweep_template hardlink,copy
lode add -q data single || tap_bail add
git_all v1
cp data.dvc "$WORK/v1.dvc"
rm -f data/a && put data/a 'edited'
rm -f data/b/d
lode add -q data || tap_bail add
git_all v2
cp "$WORK/v1.dvc" data.dvc
rm -f single
sweep 'checkout' lode checkout -q
plan_done
