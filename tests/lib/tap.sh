# shellcheck shell=sh
#
# The end-to-end test library: TAP on stdout, one empty world per script.
#
#	#!/bin/sh
#	. "$(dirname "$0")/../lib/tap.sh"
#
#	git_repo
#	must_pass lode init -q
#	expect 'root of a fresh repository' . lode root
#	must_fail 253 lode -C / status
#	has "$ERR" 'not inside'
#	plan_done
#
# Sourcing it makes a temporary directory with an empty HOME and an empty
# working directory below it, changes into the latter, clears every variable
# that could let the machine show through, and puts the program under test
# first on PATH. All of it goes away when the script ends, however it ends.
# Every check prints exactly one "ok" or "not ok" line, so the number of checks
# is the plan; plan_done prints it and makes the exit status.
#
# Needs LODE_BIN: the directory of the built program. Variables a script may
# read: TESTDIR (of the script), TOPDIR (of the sources), WORK (the temporary
# directory), OUT and ERR (files with what the last command printed), RC (its
# exit status). KEEP=1 in the environment keeps the directory and names it.

LC_ALL=C.UTF-8
export LC_ALL
umask 022

tap_nr=0
tap_bad=0
tap_done=
tap_pids=

tap_note()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

# What was printed, as diagnostics; long output is cut, odd bytes made visible.
tap_show()
{
	[ -s "$2" ] || return 0
	printf '#   %s:\n' "$1"
	head -c 4000 "$2" | head -n 40 | cat -v | sed 's/^/#     /'
}

tap_bail()
{
	printf 'Bail out! %s\n' "$*"
	exit 99
}

skip_all()
{
	tap_done=1
	printf '1..0 # SKIP %s\n' "$*"
	exit 0
}

# A server or process that must not outlive the script: background PID
background()
{
	tap_pids="$tap_pids $1"
}

tap_alive()
{
	ps -o stat= -p "$1" 2>/dev/null | grep -qv '^Z'
}

tap_end()
{
	tap_rc=$?
	trap - EXIT HUP INT TERM
	for tap_pid in $tap_pids; do
		kill "$tap_pid" 2>/dev/null
	done
	# A shell that has forked and not yet called exec swallows the signal.
	for tap_pid in $tap_pids; do
		tap_try=0
		while [ "$tap_try" -lt 20 ] && tap_alive "$tap_pid"; do
			tap_try=$((tap_try + 1))
			sleep 0.05
		done
		[ "$tap_try" -lt 20 ] || kill -KILL "$tap_pid" 2>/dev/null
	done
	# A script may end a server with its own stop function.
	if [ -n "${tap_at_exit-}" ]; then
		(eval "$tap_at_exit") >/dev/null 2>&1
	fi
	cd /
	if [ -n "${KEEP-}" ]; then
		tap_note "kept in $WORK"
	else
		chmod -R u+rwX "$WORK" 2>/dev/null
		rm -rf "$WORK"
	fi
	if [ -z "$tap_done" ]; then
		tap_note "the script ended before plan_done, status $tap_rc"
		[ "$tap_rc" -ne 0 ] || tap_rc=1
	fi
	exit "$tap_rc"
}

# A command to run when the script ends: at_exit 'rgw stop "$WORK/s3"'
at_exit()
{
	tap_at_exit="${tap_at_exit:+$tap_at_exit; }$1"
}

TESTDIR=$(cd "$(dirname "$0")" && pwd -P)
TOPDIR=$(cd "$TESTDIR" && until [ -e tests/lib/tap.sh ] || [ "$(pwd)" = / ]; do
	cd .. || exit
done && pwd -P)
# shellcheck disable=SC2034 # for the scripts
readonly TESTDIR TOPDIR

[ -n "${LODE_BIN-}" ] || tap_bail "LODE_BIN must name the directory of the program"
LODE_BIN=$(cd "$LODE_BIN" && pwd -P) || tap_bail "LODE_BIN is no directory"
[ -x "$LODE_BIN/lode" ] || tap_bail "no program '$LODE_BIN/lode'"

WORK=$(mktemp -d "${TMPDIR:-/tmp}/lode-test.XXXXXX") || tap_bail "no temporary directory"
WORK=$(cd "$WORK" && pwd -P)
trap tap_end EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

for tap_var in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
	case $tap_var in
	LODE_BIN) ;;
	AWS_* | *_CA_BUNDLE | SSL_CERT_* | GIT_* | DVC_* | LODE_* | XDG_* | *_proxy | *_PROXY | \
		CI | COLUMNS | LINES | NO_COLOR | CLICOLOR* | PAGER | LS_COLORS | EMAIL | LOG)
		unset "$tap_var"
		;;
	esac
done

HOME=$WORK/home
XDG_CONFIG_HOME=$HOME/.config
XDG_CONFIG_DIRS=$WORK/etc/xdg
XDG_CACHE_HOME=$HOME/.cache
TMPDIR=$WORK/tmp
TZ=UTC
TERM=dumb
GIT_CONFIG_NOSYSTEM=1
GIT_CONFIG_GLOBAL=$HOME/.gitconfig
GIT_AUTHOR_DATE='2024-01-02T03:04:05Z'
GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE
GIT_TERMINAL_PROMPT=0
GIT_CEILING_DIRECTORIES=$WORK
AWS_EC2_METADATA_DISABLED=true
AWS_CONFIG_FILE=$HOME/aws-config
AWS_SHARED_CREDENTIALS_FILE=$HOME/aws-credentials
DVC_SITE_CACHE_DIR=$WORK/site
DVC_NO_ANALYTICS=1
PATH=$LODE_BIN:$PATH
export HOME XDG_CONFIG_HOME XDG_CONFIG_DIRS XDG_CACHE_HOME TMPDIR TZ TERM PATH
export GIT_CONFIG_NOSYSTEM GIT_CONFIG_GLOBAL GIT_AUTHOR_DATE GIT_COMMITTER_DATE
export GIT_TERMINAL_PROMPT GIT_CEILING_DIRECTORIES
export AWS_EC2_METADATA_DISABLED AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE
export DVC_SITE_CACHE_DIR DVC_NO_ANALYTICS

OUT=$WORK/out
ERR=$WORK/err
RC=0
mkdir -p "$HOME" "$TMPDIR" "$WORK/w" "$XDG_CONFIG_DIRS"
: >"$OUT"
: >"$ERR"
: >"$AWS_CONFIG_FILE"
: >"$AWS_SHARED_CREDENTIALS_FILE"
cat >"$GIT_CONFIG_GLOBAL" <<-E
	[user]
		name = Test
		email = test@example.com
	[init]
		defaultBranch = main
	[advice]
		detachedHead = false
	[protocol "file"]
		allow = always
	[commit]
		gpgSign = false
	[gc]
		auto = 0
E
cd "$WORK/w" || tap_bail "no working directory"

# --- checks; each prints one line ------------------------------------------

pass()
{
	tap_nr=$((tap_nr + 1))
	# A '#' in a name would be read as a directive.
	printf 'ok %d - %s\n' "$tap_nr" "$(printf '%s' "$*" | tr '#\n' '= ')"
}

fail()
{
	tap_nr=$((tap_nr + 1))
	tap_bad=$((tap_bad + 1))
	printf 'not ok %d - %s\n' "$tap_nr" "$(printf '%s' "$*" | tr '#\n' '= ')"
}

# skip NAME REASON: a check that cannot be made here
skip()
{
	tap_nr=$((tap_nr + 1))
	printf 'ok %d - %s # SKIP %s\n' "$tap_nr" "$1" "$2"
}

# run CMD...: no check; fills OUT, ERR and RC
run()
{
	RC=0
	"$@" >"$OUT" 2>"$ERR" || RC=$?
}

tap_story()
{
	tap_note "command: $*"
	tap_note "status: $RC"
	tap_show stdout "$OUT"
	tap_show stderr "$ERR"
}

# ok NAME CMD...: the command succeeds
ok()
{
	tap_name=$1
	shift
	run "$@"
	if [ "$RC" -eq 0 ]; then
		pass "$tap_name"
	else
		fail "$tap_name"
		tap_story "$@"
	fi
}

# must_pass CMD...: ok, named after the command
must_pass()
{
	ok "$*" "$@"
}

# must_fail CODE CMD...: exactly this exit status
must_fail()
{
	tap_want=$1
	shift
	run "$@"
	if [ "$RC" -eq "$tap_want" ]; then
		pass "$* (status $tap_want)"
	else
		fail "$* (status $tap_want, not $RC)"
		tap_story "$@"
	fi
}

# expect NAME EXPECTED CMD...: succeeds and prints exactly EXPECTED to stdout.
# A last newline is added to EXPECTED unless it is empty.
expect()
{
	tap_name=$1
	if [ -n "$2" ]; then
		printf '%s\n' "$2" >"$WORK/want"
	else
		: >"$WORK/want"
	fi
	shift 2
	run "$@"
	if [ "$RC" -eq 0 ] && cmp -s "$WORK/want" "$OUT"; then
		pass "$tap_name"
	else
		fail "$tap_name"
		tap_story "$@"
		diff -u "$WORK/want" "$OUT" | head -n 60 | cat -v | sed 's/^/#   /'
	fi
}

# is VALUE EXPECTED NAME
is()
{
	if [ "$1" = "$2" ]; then
		pass "$3"
	else
		fail "$3"
		tap_note "got:      $1"
		tap_note "expected: $2"
	fi
}

# same A B [NAME]: two files with the same bytes, two trees with the same
# names, kinds, bytes and executable bits
same()
{
	tap_name=${3:-same bytes: $1 $2}
	if [ -d "$1" ] && [ -d "$2" ]; then
		tap_tree "$1" >"$WORK/tree.a"
		tap_tree "$2" >"$WORK/tree.b"
		set -- "$WORK/tree.a" "$WORK/tree.b"
	fi
	if cmp -s "$1" "$2"; then
		pass "$tap_name"
	else
		fail "$tap_name"
		diff -u "$1" "$2" 2>&1 | head -n 60 | cat -v | sed 's/^/#   /'
	fi
}

# differ A B [NAME]
differ()
{
	if cmp -s "$1" "$2"; then
		fail "${3:-differ: $1 $2}"
	else
		pass "${3:-differ: $1 $2}"
	fi
}

tap_tree()
{
	(cd "$1" && find . ! -name . -printf '%P\0%y\0%m\0%l\0' | tr '\n\0' '\001\n' |
		paste - - - - | LC_ALL=C sort &&
		find . -type f -exec md5sum {} + | LC_ALL=C sort -k 2)
}

# has FILE PATTERN [NAME]: a line matches (extended regular expression)
has()
{
	if grep -Eq -e "$2" "$1"; then
		pass "${3:-$1 has: $2}"
	else
		fail "${3:-$1 has: $2}"
		tap_show "$1" "$1"
	fi
}

# hasnt FILE PATTERN [NAME]
hasnt()
{
	if [ -e "$1" ] && ! grep -Eq -e "$2" "$1"; then
		pass "${3:-$1 has not: $2}"
	else
		fail "${3:-$1 has not: $2}"
		tap_show "$1" "$1"
	fi
}

# exists PATH, missing PATH: a name is there (a dangling link counts) or not
exists()
{
	if [ -e "$1" ] || [ -L "$1" ]; then
		pass "exists: $1"
	else
		fail "exists: $1"
	fi
}

missing()
{
	if [ -e "$1" ] || [ -L "$1" ]; then
		fail "missing: $1"
	else
		pass "missing: $1"
	fi
}

# plan_done: the last line of every script
plan_done()
{
	tap_done=1
	printf '1..%d\n' "$tap_nr"
	[ "$tap_bad" -eq 0 ] || exit 1
	exit 0
}

# --- helpers that check nothing --------------------------------------------

# git_repo [DIR]: a new git repository with one commit; changes into it
git_repo()
{
	git init -q "${1:-repo}" || tap_bail "git init"
	cd "${1:-repo}" || tap_bail "no directory '${1:-repo}'"
	git commit -q --allow-empty -m start || tap_bail "git commit"
}

# git_all MESSAGE: commit everything that git sees
git_all()
{
	git add -A || tap_bail "git add"
	git commit -q --allow-empty -m "$1" || tap_bail "git commit"
}

# put FILE TEXT: exactly TEXT, directories made on the way
put()
{
	mkdir -p -- "$(dirname -- "$1")" || tap_bail "no directory for '$1'"
	printf '%s' "$2" >"$1" || tap_bail "cannot write '$1'"
}

# object [CACHE] FILE: where the bytes of FILE lie in a cache or remote
object()
{
	[ $# -eq 2 ] || set -- .dvc/cache "$1"
	tap_md5=$(md5sum <"$2")
	tap_md5=${tap_md5%% *}
	printf '%s/files/md5/%.2s/%s\n' "$1" "$tap_md5" "${tap_md5#??}"
}

mode_of()
{
	stat -c %a -- "$1"
}
