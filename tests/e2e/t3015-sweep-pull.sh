#!/bin/sh
# Every failing call of pull into an empty cache.
. "$(dirname "$0")/../lib/tap.sh"
. "$TESTDIR/../lib/sweep.sh"
sweep_needs_faults
sweep_template copy
lode add -q data single || tap_bail add
git_all tracked
lode push -q || tap_bail push
rm -rf .dvc/cache .dvc/tmp data single
sweep 'pull' lode pull -q
plan_done
