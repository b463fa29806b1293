#!/bin/sh
# Every failing call of gc.
. "$(dirname "$0")/../lib/tap.sh"
. "$TESTDIR/../lib/sweep.sh"
sweep_needs_faults
sweep_template copy
lode add -q data single || tap_bail add
git_all v1
put data/a 'edited'
rm data/b/d
lode add -q data || tap_bail add
git_all v2
sweep 'gc' lode gc -q -w -f
plan_done
