#!/bin/sh
# Commits, branches and checkouts, the tools taking turns; and what each then says of
# the same directory.
. "$(dirname "$0")/../lib/tap.sh"
. "$TESTDIR/lib.sh"

project "$WORK/w/r"
put f 1
put d/a a
put d/b b
put d/s/c c
put g same
must_pass lode add -q f d
must_pass dvc add -q g
git_all one
git branch one
put f 2
put d/a changed
rm d/b
put d/new n
must_pass dvc commit -q -f f.dvc d.dvc
must_pass lode move -q g moved
git_all two

cp -a "$WORK/w/r" "$WORK/two"
for tool in dvc lode dvc lode; do
	git checkout -q one
	must_pass $tool checkout -q
	is "$(cat f d/a d/b g)" "$(printf '1ab')same" "$tool: the first version is there"
	missing d/new
	git checkout -q main
	must_pass $tool checkout -q
	alike "$WORK/two" . "$tool: the second version is as it was"
	both 'status when clean' status
done
both_json 'data status, unchanged too' data status --unchanged --granular --json
both 'diff of two revisions' diff one main
both_json 'diff of two revisions, json' diff one main --json --show-hash
both 'diff of two revisions, md' diff one main --md --show-hash

put f 3
put d/new nn
put d/more m
rm -r d/s
put untracked u
both 'status when changed' status
both_json 'status when changed, json' status --json
both_json 'data status when changed' data status --json
both_json 'data status, granular' data status --granular --json
both 'data status as text' data status --granular
both_json 'data status, untracked files' data status --untracked-files --json
both 'diff with the workspace' diff
both_json 'diff with the workspace, json' diff --json --show-hash
both 'status of one target' status f.dvc
both 'status -q tells by its status' status -q
both 'a checkout refuses to lose what is not saved' checkout d
alike "$WORK/two/.dvc/cache" .dvc/cache 'looking changed nothing in the cache'

# The same from a directory below.
cd d || exit
both 'status from below' status
both 'root from below' root
cd .. || exit

must_pass lode commit -q -f
both 'status after commit' status
git_all three
cp -a . "$WORK/three"
rm -r f d moved
must_pass dvc checkout -q
alike "$WORK/three" . 'dvc restores what lode committed'
put f 4
must_pass dvc commit -q -f
rm f
must_pass lode checkout -q
is "$(cat f)" 4 'lode restores what dvc committed'

# Removing and moving leave the same files.
for tool in dvc lode; do
	rm -rf "$WORK/w/x"
	cp -a "$WORK/three" "$WORK/w/x"
	cd "$WORK/w/x" || exit
	must_pass $tool move -q f ff
	must_pass $tool move -q d sub
	must_pass $tool remove -q moved.dvc
	put h h
	must_pass $tool add -q h
	must_pass $tool remove -q --outs h.dvc
	cd .. || exit
	mv x "x.$tool"
done
alike "$WORK/w/x.dvc" "$WORK/w/x.lode" 'move and remove leave the same'
plan_done
