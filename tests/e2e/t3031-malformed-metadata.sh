#!/bin/sh
# Damaged metadata: a clear error that names the file and the place, nothing lost.
. "$(dirname "$0")/../lib/tap.sh"

git_repo
must_pass lode init -q
put data/a 'one'
put data/b 'two
'
must_pass lode add -q data
git_all start
cp data.dvc "$WORK/good.dvc"

# bad NAME PATTERN: status must fail, name bad.dvc and match PATTERN
bad()
{
	run lode status
	case $RC in
	1 | 251 | 255) pass "$1: status $RC" ;;
	*)
		fail "$1: status $RC"
		tap_story lode status
		;;
	esac
	has "$ERR" "$2" "$1: says $2"
	run lode gc -w -f
	if [ "$RC" -ne 0 ]; then
		pass "$1: gc refuses"
	else
		fail "$1: gc refuses"
	fi
}

printf 'outs:\n- md5: abc\n  bogus: 1\n  path: f\n' >bad.dvc
bad 'an unknown key' 'bad\.dvc.*'
has "$ERR" 'bogus' 'and the key'
has "$ERR" 'line 3|:3:|3:' 'and the line'
printf 'outs:\n- path: f\n  size: "5"\n' >bad.dvc
bad 'a size that is text' 'bad\.dvc'
printf 'outs: [\n' >bad.dvc
bad 'broken YAML' 'bad\.dvc'
printf '<<<<<<< HEAD\nouts:\n=======\n' >bad.dvc
bad 'conflict markers' 'bad\.dvc'
has "$ERR" 'merge conflict' 'and what they are'
printf 'outs:\n- path: f\n  path: g\n' >bad.dvc
bad 'a key twice' 'bad\.dvc'
printf 'outs:\n- path: "\377"\n' >bad.dvc
bad 'bytes that are no UTF-8' 'bad\.dvc'
: >bad.dvc
run lode gc -w -f
if [ "$RC" -ne 0 ]; then pass 'gc refuses beside an empty .dvc'; else fail 'gc refuses beside an empty .dvc'; fi
rm bad.dvc

# Bombs are bounded: a second is plenty.
# shellcheck disable=SC2016 # for the inner shell
bounded='timeout 20 lode status >/dev/null 2>&1; rc=$?
	test $rc -ne 0 && test $rc -ne 124 && { test $rc -lt 128 || test $rc -gt 250; }'
{
	echo 'a: &a [x,x,x,x,x,x,x,x,x,x]'
	p=a
	for n in b c d e f g h i j k; do
		echo "$n: &$n [*$p,*$p,*$p,*$p,*$p,*$p,*$p,*$p,*$p,*$p]"
		p=$n
	done
} >bad.dvc
ok 'an alias bomb ends in an error' sh -c "$bounded"
awk 'BEGIN { for (i = 0; i < 20000; i++) printf "["; print "" }' >bad.dvc
ok 'a nest of 20,000 lists ends in an error' sh -c "$bounded"
rm bad.dvc
{
	echo 'stages:'
	echo '  s:'
	echo '    matrix:'
	for axis in a b c d e f g; do
		echo "      $axis: [1,2,3,4,5,6,7,8,9,10]"
	done
	echo '    cmd: echo'
} >dvc.yaml
ok 'a matrix of ten million stages ends in an error' sh -c "$bounded"
rm dvc.yaml

# Configuration and ignore files.
cp .dvc/config "$WORK/config"
printf '[core]\n  remote = x\nnonsense\n' >.dvc/config
must_fail 251 lode status
has "$ERR" 'config' 'a config line that is none names the file'
has "$ERR" 'line 3|:3' 'and the line'
printf '[core]\nbogus = 1\n' >.dvc/config
must_fail 251 lode status
has "$ERR" 'bogus' 'an unknown key is named'
cp "$WORK/config" .dvc/config

# A damaged manifest or object is named, and good files stay.
obj=$(object data/a)
rm -f data/a
chmod u+w "$obj" 2>/dev/null
printf 'junk' >"$obj"
run lode checkout
if [ "$RC" -ne 0 ]; then pass 'a corrupt object is not checked out'; else fail 'a corrupt object is not checked out'; fi
missing data/a
expect 'its sibling is still there' 'two' cat data/b
must_fail 1 lode fsck
has "$OUT" "$(basename "$obj")" 'fsck names the object'
put data/a 'one'
must_pass lode fsck --repair
must_pass lode fsck
same "$obj" data/a 'the object is restored from the workspace'
chmod 444 "$obj"
rm "$obj"
must_fail 1 lode fsck
must_pass lode add -q data
must_pass lode fsck
same data.dvc "$WORK/good.dvc" 'metadata as before'
plan_done
