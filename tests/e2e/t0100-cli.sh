#!/bin/sh
# The command line itself: versions, help, wrong lines, exit statuses, --json.
. "$(dirname "$0")/../lib/tap.sh"

expect 'the version of lode' 0.1.0 lode --version
ln -s "$LODE_BIN/lode" "$WORK/dvc"
expect 'the version under the name dvc' 3.67.1 "$WORK/dvc" -V
must_pass lode -h
has "$OUT" '^usage: lode ' 'help begins with the usage'
must_pass lode help remote add
has "$OUT" '^usage: lode remote add ' 'help of a sub-command'

must_fail 254 lode
has "$ERR" '^ERROR: the following arguments are required: command$'
has "$OUT" '^usage: lode ' 'the help of a wrong line goes to stdout'
must_fail 254 lode stauts
has "$ERR" "did you mean 'status'" 'the nearest command is suggested'
must_fail 254 lode add --glbo x
has "$ERR" "unrecognized arguments: --glbo \\(did you mean '--glob'\\?\\)"
must_fail 254 lode push --j x
has "$ERR" "argument -j/--jobs: invalid int value: 'x'"
must_fail 254 lode remote
must_fail 254 lode config --global --local -l
has "$ERR" 'argument --local: not allowed with argument --global'
must_fail 2 lode status -q -v
must_fail 255 lode repro
has "$ERR" "'repro' is a command of DVC that lode understands" 'what is not offered says so'
must_fail 253 lode status
has "$ERR" "^ERROR: you are not inside of a DVC repository"
must_fail 255 lode --cd nosuch root
must_fail 254 lode --json status --bogus
cp "$OUT" "$WORK/doc"
expect 'a wrong line is a document too' invalid \
	python3 -c 'import json,sys; print(json.load(sys.stdin)["errors"][0]["code"])' <"$WORK/doc"

# Standard output that is full or closed is a failure.
must_fail 255 sh -c 'lode -h >/dev/full'
has "$ERR" 'cannot write results: No space left on device'

git_repo
must_pass lode init
has "$OUT" '^Initialized DVC repository\.$'
must_fail 1 lode init
expect 'root' . lode root
mkdir -p 'a/b'
expect 'root from below' ../.. lode --cd a/b root
must_pass lode version
has "$OUT" '^DVC version: 3\.67\.1 \(lode 0\.1\.0\)$'
has "$OUT" '^Repo: dvc, git$'
must_fail 1 lode -q add nosuch
is "$(cat "$OUT" "$ERR")" '' '-q before the command counts'

# Names that could move the cursor do not reach it; -z has them raw.
put "$(printf 'es\033[2Jx')" x
must_pass lode add "$(printf 'es\033[2Jx')"
rm es*x
must_pass lode checkout
rm es*x
run lode checkout
is "$(cat "$OUT")" 'A       es\x1b[2Jx' 'control characters are escaped'
rm es*x
run lode checkout -z
is "$(tr '\0' '~' <"$OUT")" "$(printf 'A\tes\033[2Jx~')" '-z prints them raw, ended by NUL'

# Every command answers --json with one document, whatever happens.
git_all data
for words in 'add nosuch' 'cache dir' 'check-ignore x' checkout commit 'config -l' 'config core.remote' \
	'data status' diff fetch fsck 'gc' 'move a b' pull push 'remote list' 'remote default' \
	'remove x' root status 'unprotect x' version init; do
	# shellcheck disable=SC2086 # words
	run lode $words --json
	cp "$OUT" "$WORK/doc"
	ok "one document: $words" python3 -c '
import json, sys
text = sys.stdin.read()
json.loads(text)
assert text.endswith("\n") and text.count("\n") == 1' <"$WORK/doc"
done

for shell in bash zsh fish; do
	must_pass lode completion -s $shell
	has "$OUT" 'no-commit' "$shell learns the options"
done
if command -v bash >/dev/null; then
	lode completion -s bash >"$WORK/complete.bash"
	cat >"$WORK/try.bash" <<-'E'
		. "$1"
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_lode
		echo "${COMPREPLY[*]}"
	E
	expect 'bash completes a command' 'checkout' bash "$WORK/try.bash" "$WORK/complete.bash" lode checko
	expect 'bash completes an option' '--granular' \
		bash "$WORK/try.bash" "$WORK/complete.bash" lode data status --gr
	lode remote add store "$WORK/store"
	expect 'bash completes a remote' 'store' \
		bash "$WORK/try.bash" "$WORK/complete.bash" lode push -r ''
fi
plan_done
