#!/bin/sh
# What lode says, and how: short errors, records for programs, names that stay on
# one line, secrets that stay where they are.
. "$(dirname "$0")/../lib/tap.sh"

json() { # json EXPR: of the last document
	python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' \
		"$OUT" "$1"
}

# A wrong word is told in one line; a prefix is meant more likely than a likeness.
must_fail 254 lode sta
is "$(cat "$ERR")" "ERROR: no such command: 'sta' (did you mean 'status'?); 'lode help' lists all" \
	'a wrong command is one line'
is "$(cat "$OUT")" '' 'and no help'
must_fail 254 lode remote lst
has "$ERR" "'remote lst' \\(did you mean 'list'\\?\\); 'lode help remote' lists all"
must_fail 254 lode --bogus status
is "$(cat "$OUT")" '' 'no help hides what was wrong before the command'
must_fail 2 lode status -q -v --json
is "$(json 'd["ok"]')" False '--json counts behind what was wrong'

git_repo
must_pass lode init -q
must_pass lode config cache.type copy
git add -A && git commit -qm init

# Hints are taken back by a shell, names stay on their line.
odd=$(printf 'o d\nd')
put "$odd" 1
put ./-dash 2
must_pass lode add -- "$odd" -dash
sed -n 's/^\tgit add/git add/p' "$OUT" >"$WORK/hint"
ok 'the hint is a command' bash "$WORK/hint"
is "$(git diff --cached --name-only | wc -l)" 3 'of three files'
git commit -qm data
put "$odd" 3
must_pass lode checkout -f
is "$(grep -c WARNING "$ERR")" "$(wc -l <"$ERR")" 'a newline in a name does not break a warning'

# -z: section, kind, path.
put "$odd" 4
must_pass lode data status -z
is "$(tr '\0\n' '|%' <"$OUT")" "uncommitted|modified|o d%d|" 'records without headings'
must_pass lode add -q -- "$odd"

# Counts and bytes of a dry run; what is missing is named once.
must_pass lode remote add -q -d store "$WORK/store"
must_pass lode push --dry-run --json
is "$(json 'd["counts"]["files"], d["bytes"]')" '(2, 2)' 'a dry run counts'
rm -f "$(object -dash)"
must_fail 1 lode push
is "$(grep -c -e "'-dash'" "$ERR")" 1 'a missing object is named once'

# A part of a directory: its manifest waits, which is no error.
put d/a a
put d/b b
must_pass lode add -q d
must_pass lode push d/a
has "$ERR" "^the manifest of 'd' stays here: the remote lacks 1 of its members"

# What .dvc/config.local says of a remote goes with it.
must_pass lode remote add -q sec s3://bucket/p
must_pass lode remote modify --local sec secret_access_key hidden
must_pass lode remote rename sec other
must_pass lode remote list
is "$(lode config remote.other.secret_access_key)" hidden 'renamed in both files'
must_pass lode remote remove other
must_pass lode status
hasnt .dvc/config.local hidden
must_pass lode remote add -q leak s3://key:hidden@bucket/p
must_fail 1 lode push -r leak
hasnt "$ERR" hidden
# A name or a path that could not be read back is not written.
must_fail 251 lode remote add "$(printf 'n\nl')" x
must_fail 251 lode remote add empty ''
must_fail 251 lode cache dir ''
must_pass lode status
must_fail 1 lode fsck -r nosuch
is "$(cat "$OUT")" '' 'nothing is said to be well that was not looked at'
must_pass lode gc -w -f -p .
must_fail 251 lode config core.autostagee true
has "$ERR" "did you mean 'autostage'"
hasnt "$ERR" 'line 0'

# Who edits a link learns what became of the object.
must_pass lode config cache.type hardlink,copy
put linked one
must_pass lode add -q linked
chmod u+w linked && echo two >>linked
must_pass lode add linked
has "$ERR" '^object [0-9a-f]{32} was edited through its link'

must_fail 1 lode gc -w --json </dev/null
is "$(json '"-f" in d["errors"][0]["message"]')" True 'a document says what is to be done'

plan_done
