#!/bin/sh
# Every failing call of a checkout that makes a directory of copies anew.
. "$(dirname "$0")/../lib/tap.sh"
. "$TESTDIR/../lib/sweep.sh"
sweep_needs_faults
sweep_template copy
lode add -q data single || tap_bail add
git_all v1
rm -rf data single
sweep 'checkout' lode checkout -q
plan_done
