#!/bin/sh
# Every failing call of commit after an edit.
. "$(dirname "$0")/../lib/tap.sh"
. "$TESTDIR/../lib/sweep.sh"
sweep_needs_faults
sweep_template copy
lode add -q data single || tap_bail add
git_all tracked
put data/a 'edited'
put data/new 'new'
rm data/b/d
sweep 'commit' lode commit -q -f data.dvc
plan_done
