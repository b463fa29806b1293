#!/bin/sh
# Every failing call of add, with a copied cache.
. "$(dirname "$0")/../lib/tap.sh"
. "$TESTDIR/../lib/sweep.sh"
sweep_needs_faults
sweep_template copy
sweep 'add by copy' lode add -q data single
plan_done
