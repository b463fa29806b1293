#!/bin/sh
# Every failing call of add, with a hard-linked cache.
. "$(dirname "$0")/../lib/tap.sh"
. "$TESTDIR/../lib/sweep.sh"
sweep_needs_faults
sweep_template hardlink,copy
sweep 'add by hardlink' lode add -q data single
plan_done
