#!/bin/sh
# add with either tool leaves the same bytes, and the other takes them for its own.
. "$(dirname "$0")/../lib/tap.sh"
. "$TESTDIR/lib.sh"

# shellcheck disable=SC2317 # called through each_name
fill_one()
{
	put "./odd/$1" "$1"
	# no ignore rule can name it, so git would take it
	case $1 in
	*"
"*) return ;;
	esac
	put "./each/$1" "each $1"
	printf '%s\0' "each/$1" >>"$WORK/each"
}

fill()
{
	put a.txt 'hello'
	put empty ''
	put run '#!/bin/sh
'
	chmod 755 run
	put d/a 1
	put d/s/b 2
	put d/s/t/c 3
	put d/same 1
	put d/exec x
	chmod 755 d/exec
	mkdir -p d/hollow e
	put sub/deep/f 'deep'
	: >"$WORK/each"
	each_name fill_one
}

targets='a.txt empty run d e odd sub/deep/f'
for tool in dvc lode; do
	project "$WORK/w/$tool"
	fill
	# shellcheck disable=SC2086 # a list of words
	must_pass $tool add -q $targets
	ok "$tool add of every odd name" xargs -0 $tool add -q -- <"$WORK/each"
done
alike "$WORK/w/dvc" "$WORK/w/lode" 'the two projects hold the same bytes and modes'

other()
{
	[ "$1" = dvc ] && echo lode || echo dvc
}

for tool in dvc lode; do
	cd "$WORK/w/$tool" || exit
	user=$(other $tool)
	git_all added
	expect "$user: what $tool added is up to date" 'Data and pipelines are up to date.' "$user" status
	# dvc itself finds renamed files among these names
	[ "$user" = dvc ] || expect "$user: no uncommitted data" 'No changes.' lode data status
	# what a manifest does not record
	rmdir d/hollow
	chmod 644 d/exec
	cp -a "$WORK/w/$tool" "$WORK/before"
	rm -rf a.txt empty run d e odd each
	git checkout -q each 2>/dev/null
	ok "$user: checks all of it out" "$user" checkout -q
	alike "$WORK/before" . "$user: and restores every byte"
	rm -rf "$WORK/before"
done

# A second add changes nothing that the other tool wrote.
for tool in dvc lode; do
	cd "$WORK/w/$tool" || exit
	user=$(other $tool)
	# shellcheck disable=SC2086
	must_pass "$user" add -q $targets
	ok "$user: adds every odd name again" xargs -0 "$user" add -q -- <"$WORK/each"
	expect "$user: git sees no change" '' git status --porcelain
done

# Data changes under what the other tool wrote, annotations included.
for tool in dvc lode; do
	cd "$WORK/w/$tool" || exit
	user=$(other $tool)
	printf '  desc: words\n  labels:\n  - x\nmeta:\n  k: [1, 2]  # kept\n' >>a.txt.dvc
	put a.txt 'changed'
	put d/new 'new'
	rm d/a
	put d/s/b 'other'
	must_pass "$user" add -q a.txt d
	rm -rf e
	put e 'a file now'
	rm empty
	put empty/x 'a directory now'
	must_pass "$user" add -q e empty
done
alike "$WORK/w/dvc" "$WORK/w/lode" 'both tools update each other alike'

# Into a tracked directory, and out of it.
for tool in dvc lode; do
	cd "$WORK/w/$tool" || exit
	user=$(other $tool)
	put d/more 'more'
	must_pass "$user" add -q d/more
	rm d/new
	must_pass "$user" add -q d/new
done
alike "$WORK/w/dvc" "$WORK/w/lode" 'members come and go alike'
plan_done
