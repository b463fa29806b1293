#!/bin/sh
# run-case.sh CASE.sh OUTDIR: play one golden case, record what happens.
#
# The case is a shell script that speaks through the functions below and calls
# `dvc`. make-golden.sh plays it with real DVC; the replay test plays it with
# our program under that name and compares OUTDIR. The working directory is new
# and empty, and so is HOME. From the environment:
#	DVC           the program that `dvc` stands for
#	GOLDEN_CANON  optional: a program that puts DVC's unordered output in order; without
#	              it the order of JSON lists and of status blocks stays as it is
#	GOLDEN_MAKE   1: DVC plays, states are saved; else they are loaded
set -u
LC_ALL=C.UTF-8
umask 022

case_file=$(cd "$(dirname "$1")" && pwd -P)/$(basename "$1")
case_name=$(basename "$1" .sh)
mkdir -p "$2"
result=$(cd "$2" && pwd -P)
golden=$(cd "$(dirname "$0")" && pwd -P)/data/cases/$case_name
world=$(mktemp -d)
world=$(cd "$world" && pwd -P)
trap 'cd /; chmod -R u+rwX "$world"; rm -rf "$world"' EXIT
trap 'exit 130' INT TERM

unset COLUMNS CI PAGER NO_COLOR
for v in $(env | sed -n 's/^\(\(AWS\|DVC\|GIT\|XDG\|LODE\)_[A-Za-z_]*\)=.*/\1/p'); do
	unset "$v"
done
export LC_ALL HOME="$world/home" TZ=UTC TMPDIR="$world/tmp" COLUMNS=1000 TERM=dumb
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL="$world/home/.gitconfig"
export GIT_AUTHOR_DATE='2024-01-02T03:04:05Z' GIT_COMMITTER_DATE='2024-01-02T03:04:05Z'
export XDG_CONFIG_HOME="$world/home/.config" XDG_CONFIG_DIRS="$world/etc"
export DVC_NO_ANALYTICS=1 DVC_SITE_CACHE_DIR="$world/site"
export GIT_ALLOW_PROTOCOL=file
mkdir -p "$HOME" "$TMPDIR" "$world/bin" "$world/etc" "$world/r"
ln -s "$DVC" "$world/bin/dvc"
export PATH="$world/bin:$PATH"
git config --global user.name Test
git config --global user.email test@example.com
git config --global init.defaultBranch main
cd "$world/r" || exit 1
: >"$result/steps.txt"

# Escape what would break a line: backslash, newline, tab, return.
flat()
{
	printf '%s' "$1" | sed 's/\\/\\\\/g; s/	/\\t/g; s/\r/\\r/g' |
		awk 'NR > 1 { printf "\\n" } { printf "%s", $0 }'
}

# The temporary directory becomes ROOT (the case's directory) or WORLD.
hide()
{
	sed "s|$world/r|ROOT|g; s|$world|WORLD|g"
}

# print MARK FILE: each line of the file behind the mark
mark()
{
	[ -s "$2" ] || return 0
	hide <"$2" | sed "s/^/$1 /"
	[ -z "$(tail -c 1 "$2" | tr -d '\n')" ] || printf '\n%s\\ no newline\n' "$1"
}

# in_order KIND: what comes in no order, sorted
in_order()
{
	if [ -n "${GOLDEN_CANON-}" ]; then
		$GOLDEN_CANON "$1"
	elif [ "$1" = lines ]; then
		sort
	elif [ "$1" = dstatus ]; then
		awk '
			function flush(    i, j, t) {
				for (i = 2; i <= n; i++)
					for (j = i; j > 1 && w[j - 1] > w[j]; j--) {
						t = w[j]; w[j] = w[j - 1]; w[j - 1] = t
					}
				for (i = 1; i <= n; i++)
					print w[i]
				n = 0
			}
			/^        / { w[++n] = $0; next }
			{ flush(); print }
			END { flush() }
		'
	else
		cat
	fi
}

canon=
record()
{
	shown=
	for arg; do
		shown="$shown $(flat "$arg")"
	done
	rc=0
	"$@" >"$world/out" 2>"$world/err" </dev/null || rc=$?
	if [ -n "$canon" ]; then
		in_order "$canon" <"$world/out" >"$world/out.canon" &&
			mv "$world/out.canon" "$world/out"
	fi
	{
		printf '$%s\n! %d\n' "$(printf '%s' "$shown" | hide)" "$rc"
		mark '>' "$world/out"
		mark 2 "$world/err"
	} >>"$result/steps.txt"
	canon=
}

# step CMD...: run, record. The others name what DVC leaves unordered.
step() { record "$@"; }
status() { canon=status; record "$@"; }
dstatus() { canon=dstatus; record "$@"; }
hint() { canon=hint; record "$@"; }
lines() { canon=lines; record "$@"; }

# q CMD...: run, unrecorded, must work
q()
{
	"$@" >"$world/q" 2>&1 || {
		echo "$case_name: $*" >&2
		cat "$world/q" >&2
		exit 1
	}
}

# w FILE TEXT: exactly these bytes
w()
{
	mkdir -p -- "$(dirname -- "$1")"
	printf '%s' "$2" >"$1"
}

repo()
{
	q git init -q
	q dvc init -q
	q git commit -q -m init
}

git_all()
{
	q git add -A
	q git commit -q --allow-empty -m "${1:-x}"
}

tree_line()
{
	for f; do
		p=$(flat "${f#./}" && printf .)
		p=${p%.}
		if [ -L "$f" ]; then
			printf 'l\t-\t-\t%s\t%s\n' "$(readlink -- "$f" | hide)" "$p"
		elif [ -d "$f" ]; then
			printf 'd\t%s\t-\t-\t%s\n' "$(stat -c %a -- "$f")" "$p"
		elif [ -f "$f" ]; then
			# of the text as it is kept, where temporary paths are hidden
			sum=$(hide <"$f" | md5sum)
			printf 'f\t%s\t%s\t%s\n' "$(stat -c '%a	%h' -- "$f")" "${sum%% *}" "$p"
		else
			printf '?\t-\t-\t-\t%s\n' "$p"
		fi
	done
}

# Where the bytes of a text file of the repository are kept: @ and the path, with
# everything but letters, digits and ._- as %XX; very long ones by their digest.
flat_name()
{
	n=@$(printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n' |
		sed 's/../%&/g; s/%2e/./g; s/%2d/-/g; s/%5f/_/g' | tr a-f A-F |
		awk '{
			s = $0; o = ""
			while (match(s, /%(3[0-9]|4[1-9A-F]|5[0-9A]|6[1-9A-F]|7[0-9A])/)) {
				h = substr(s, RSTART + 1, 2)
				c = (index("0123456789ABCDEF", substr(h, 1, 1)) - 1) * 16 + \
					index("0123456789ABCDEF", substr(h, 2, 1)) - 1
				o = o substr(s, 1, RSTART - 1) sprintf("%c", c)
				s = substr(s, RSTART + 3)
			}
			print o s
		}')
	if [ ${#n} -gt 180 ]; then
		n=@md5-$(printf '%s' "$1" | md5sum | cut -c 1-32)
	fi
	printf '%s\n' "$n"
}

keep()
{
	for f; do
		p=${f#./}
		hide <"$f" >"$keep_in/$(flat_name "$p")"
	done
}

# snap NAME [DIR]: the tree (TYPE MODE LINKS MD5-or-TARGET PATH), and every text
# file that a tool writes: *.dvc, dvc.yaml, dvc.lock, ignore and config files,
# and the directory objects
snap()
{
	keep_in=$result/$1
	mkdir -p "$keep_in"
	(
		cd "${2:-.}" || exit 1
		find . \( -name .git -o -path ./.dvc/tmp -o -path './*/.dvc/tmp' -o -name lode \
			-o -path '*/cache/runs' \) -prune -o ! -name . ! -name 'lode.config*' ! -name '.*.tmp' \
			-print0 >"$world/found"
		: >"$result/$1/tree.txt"
		tr '\n\0' '\001\n' <"$world/found" | LC_ALL=C sort | while IFS= read -r f; do
			case $f in
			*"$(printf '\001')"*) f=$(printf '%s.' "$f" | tr '\001' '\n') f=${f%.} ;;
			esac
			tree_line "$f" >>"$result/$1/tree.txt"
			if [ -L "$f" ] || [ ! -f "$f" ]; then
				continue
			fi
			case $f in
			*.dvc | */dvc.yaml | */dvc.lock | */.gitignore | */.dvcignore | */.dvc/config | \
				*/.dvc/config.local | */files/md5/*.dir | */cache/??/*.dir)
				keep "$f"
				;;
			esac
		done
	)
}

# given NAME CMD...: a command that we do not offer yet (repro, import). DVC runs
# it and the state of the whole directory is saved; a replay loads that state.
given()
{
	state=$1
	shift
	if [ -n "${GOLDEN_MAKE-}" ]; then
		canon=hint
		record "$@"
		tar -C "$world/r" --exclude=.git --exclude=./.dvc/tmp --exclude='*/.dvc/tmp' --sort=name \
			--mtime=@1700000000 --owner=0 --group=0 --numeric-owner -cf - . |
			gzip -9n >"$result/$state.tar.gz"
	else
		tar -C "$world/r" -xzf "$golden/$state.tar.gz" || exit 1
		sed -n "/^\$ $(printf '%s' "$*" | sed 's/[][\/.*^$]/\\&/g')\$/,/^\\$/p" \
			"$golden/steps.txt" | sed '2,${/^\$/d;}' >>"$result/steps.txt"
	fi
}

# shellcheck source=/dev/null
. "$case_file"
snap end
