#!/bin/sh
# Every failing call of push to a directory.
. "$(dirname "$0")/../lib/tap.sh"
. "$TESTDIR/../lib/sweep.sh"
sweep_needs_faults
sweep_template copy
lode add -q data single || tap_bail add
git_all tracked
sweep 'push' lode push -q
plan_done
