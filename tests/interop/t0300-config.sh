#!/bin/sh
# The same settings by either tool give the same bytes, and both read them alike.
. "$(dirname "$0")/../lib/tap.sh"
. "$TESTDIR/lib.sh"

project "$WORK/w/dvc"
project "$WORK/w/lode"

# set ARGS...: by each tool in its own project, then the files must agree
set_both()
{
	for tool in dvc lode; do
		cd "$WORK/w/$tool" || exit
		HOME=$WORK/home.$tool XDG_CONFIG_HOME=$WORK/home.$tool/.config run $tool "$@"
		echo "$RC" >"$WORK/rc.$tool"
		cp "$OUT" "$WORK/out.$tool"
	done
	is "$(cat "$WORK/rc.lode")" "$(cat "$WORK/rc.dvc")" "$*: status"
	for file in .dvc/config .dvc/config.local; do
		cat "$WORK/w/dvc/$file" >"$WORK/a" 2>/dev/null
		cat "$WORK/w/lode/$file" >"$WORK/b" 2>/dev/null
		cmp -s "$WORK/a" "$WORK/b" || same "$WORK/a" "$WORK/b" "$*: $file"
	done
	cat "$WORK/home.dvc/.config/dvc/config" >"$WORK/a" 2>/dev/null
	cat "$WORK/home.lode/.config/dvc/config" >"$WORK/b" 2>/dev/null
	cmp -s "$WORK/a" "$WORK/b" || same "$WORK/a" "$WORK/b" "$*: global config"
}

mkdir -p "$WORK/home.dvc" "$WORK/home.lode"
set_both remote add -q one s3://bucket/p
set_both remote add -q -d Two ../up
set_both remote add -q --local three ssh://u@h/p
set_both remote add -q --global four gs://b/p
set_both remote add one x
set_both remote add -q -f one s3://other/p
for v in 'plain' 'with space' ' lead' 'trail ' 'a,b' 'a#b' '#a' "it's" "'q'" '"dq"' 'a"b' 'a,"b' "a,'b" '' 'a=b' '[x]' 'a\b'; do
	set_both remote modify -q one profile "$v"
done
set_both remote modify one bogus x
set_both remote modify one use_ssl maybe
set_both remote modify -q one use_ssl FALSE
set_both remote modify -q one jobs 3
set_both remote modify -q one jobs -u
set_both remote rename -q one five
set_both remote rename two five
set_both remote modify -q --local five endpointurl https://h:9000
set_both remote default -q five
set_both remote default nope
set_both remote remove -q two
set_both config -q core.autostage true
set_both config core.bogus 1
set_both config -q cache.type hardlink,copy
set_both config cache.type foo
set_both config -q --local core.checksum_jobs 2
set_both config -q --global core.analytics false
set_both config -q -u core.autostage
set_both config -u core.autostage
set_both cache dir -q ../cc
set_both cache dir -q -u
mkdir -p "$WORK/w/dvc/sub" "$WORK/w/lode/sub"

cd "$WORK/w/dvc" || exit
for args in 'remote list' 'remote default' 'config -l' 'config -l --show-origin' 'config -l --local' \
	'config core.remote' 'config cache.type' 'config nosuch.key' 'config --local core.checksum_jobs' \
	'config --project core.checksum_jobs' 'cache dir' 'config remote.five.jobs' 'config'; do
	# shellcheck disable=SC2086 # several words
	both "$args" $args
done

# A file written by hand, then rewritten by either.
for tool in dvc lode; do
	cd "$WORK/w/$tool" || exit
	rm -f .dvc/config.local
	cat >.dvc/config <<-'E'
		# head
		[Core]
		  Remote=UP   # why
		Autostage = True

		['remote "Up"']
		url = "/abs/x"
		[remote "plain"]
		url = rel/path
		[ cache ]
		dir = '../c c'
		TYPE = copy
	E
	must_pass $tool config -q core.check_update false
done
same "$WORK/w/dvc/.dvc/config" "$WORK/w/lode/.dvc/config" 'a rewrite gives the same file'
plan_done
