# shellcheck shell=sh
#
# For tests that run both tools on one repository. Sourced after lib/tap.sh, which
# clears DVC_* but not DVC: the program of the reference tool, version 3.67.1.
# Without it the script is skipped. Puts it on PATH as dvc.

[ -n "${DVC-}" ] || skip_all "DVC names no dvc program"
mkdir -p "$WORK/bin"
ln -s "$DVC" "$WORK/bin/dvc"
PATH=$WORK/bin:$PATH
interop_version=$(dvc --version 2>/dev/null)
[ "$interop_version" = 3.67.1 ] || skip_all "dvc is '$interop_version', not 3.67.1"
# Its listings wrap at the width of the terminal otherwise.
COLUMNS=1000
export COLUMNS

# project DIR: git and .dvc in a new directory, as either tool would leave it
project()
{
	git_repo "$1"
	dvc init -q || tap_bail "dvc init"
	git commit -q -m init || tap_bail "git commit"
}

# Bytes and modes of everything that both tools write: not the stat caches, not the
# links that each tool remembers for itself, not the time of creation
tree_of()
{
	(
		cd "$1" || exit
		find . \( -name .git -o -path '*/.dvc/tmp' -o -path '*/cache/runs' -o -name lode -o -name 'lode.config*' \) -prune \
			-o ! -name . -printf '%P\0%y %m %l\0' | tr '\n\0' '\001\n' | paste - - |
			LC_ALL=C sort
		find . \( -name .git -o -path '*/.dvc/tmp' -o -path '*/cache/runs' -o -name lode -o -name 'lode.config*' \) -prune \
			-o -type f -exec md5sum {} + | LC_ALL=C sort -k 2
	)
}

# alike A B [NAME]: two projects, caches or remotes that both tools may share
alike()
{
	tree_of "$1" >"$WORK/tree.a"
	tree_of "$2" >"$WORK/tree.b"
	same "$WORK/tree.a" "$WORK/tree.b" "${3:-alike: $1 $2}"
}

# both NAME ARGS...: the two tools, one after the other, on this very directory print
# the same to stdout and end with the same status (for commands that change nothing)
both()
{
	both_name=$1
	shift
	run dvc "$@"
	cp "$OUT" "$WORK/out.dvc"
	both_rc=$RC
	run lode "$@"
	if [ "$RC" -ne "$both_rc" ]; then
		fail "$both_name"
		tap_note "status: dvc $both_rc, lode $RC"
		tap_story lode "$@"
		return
	fi
	sort <"$WORK/out.dvc" >"$WORK/sorted.dvc"
	# each names itself in its hints
	sed 's/"lode /"dvc /; s/^\tlode /\tdvc /' <"$OUT" | sort >"$WORK/sorted.lode"
	same "$WORK/sorted.dvc" "$WORK/sorted.lode" "$both_name"
}

# both_json NAME ARGS...: the same for JSON, whose lists DVC leaves unordered. Needs
# python3; the first python beside dvc will do.
both_json()
{
	both_name=$1
	shift
	run dvc "$@"
	sorted_json <"$OUT" >"$WORK/sorted.dvc"
	both_rc=$RC
	run lode "$@"
	sorted_json <"$OUT" >"$WORK/sorted.lode"
	if [ "$RC" -eq "$both_rc" ]; then
		same "$WORK/sorted.dvc" "$WORK/sorted.lode" "$both_name"
	else
		fail "$both_name"
		tap_note "status: dvc $both_rc, lode $RC"
		tap_story lode "$@"
	fi
}

sorted_json()
{
	python3 -c '
import json, sys
def o(x):
    if isinstance(x, dict):
        return {k: o(v) for k, v in sorted(x.items())}
    if isinstance(x, list):
        return sorted((o(v) for v in x), key=lambda v: json.dumps(v, sort_keys=True))
    return x
print(json.dumps(o(json.load(sys.stdin)), indent=1))'
}

# names: one odd but legal name a line is not enough; a list, each ended by NUL
odd_names()
{
	printf '%s\0' plain 'sp ace' 'sp ace #1.txt' '#hash' '!bang' 'st*ar[1].txt' 'q?m' "it's" 'say "hi"' \
		'a: b' 'b:' '- d' '-e' '&g' '@l' '{n}' '[o]' 'p,q' ' lead' 'ba\ck' true null 123 1.5 2020-01-02 \
		'0x1F' '~' 'ünïcode.csv' '中文' '😀.bin' "$(printf 'e\314\201')" "$(printf 'a\ttab')" "$(printf 'new\nline')" \
		"$(printf 'del\177')" "$(printf 'nbsp\302\240x')" \
		"$(printf '%0200d' 0)" "$(printf '%073d' 0 | tr 0 y)" "$(printf '%060d' 0 | tr 0 y) and some more words after it"
}

# each_name CMD...: CMD NAME for every odd name
each_name()
{
	odd_names | tr '\n\0' '\001\n' >"$WORK/names"
	while IFS= read -r each; do
		each=$(printf '%s.' "$each" | tr '\001' '\n')
		"$@" "${each%.}" || return
	done <"$WORK/names"
}
