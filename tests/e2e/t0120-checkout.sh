#!/bin/sh
# checkout: what it puts in place, what it never takes away.
. "$(dirname "$0")/../lib/tap.sh"

git_repo
must_pass lode init -q
must_pass lode config cache.type copy
put d/a one
put d/b two
put f three
must_pass lode add -q d f
git_all v1
put f four
put d/c new
must_pass lode add -q d f
git_all v2

git checkout -q HEAD~1
expect 'another revision' 'M       d/
M       f' lode checkout
is "$(cat f)" three 'its content'
missing d/c
git checkout -q main
must_pass lode checkout --summary
is "$(cat "$OUT")" '1 file modified and 1 file added' 'in counts'
expect 'nothing to do' '' lode checkout

# A file whose content is stored nowhere is in nobody's way.
put f unsaved
git checkout -q HEAD~1
must_fail 255 lode checkout
has "$ERR" "$PWD/f" 'the unsaved file is named'
is "$(cat f)" unsaved 'and stays'
exists d/c
must_pass lode checkout -f
is "$(cat f)" three 'unless forced'

# A missing member takes none of its siblings along.
rm -f "$(object d/a)"
rm -f d/a
must_fail 255 lode checkout
has "$ERR" '^d' 'what failed is named'
is "$(cat d/b)" two 'a good sibling stays'
must_pass lode checkout --allow-missing

# Corrupt bytes are never handed out.
bad=$(object f)
rm f
chmod u+w "$bad" && printf wrong >"$bad" && chmod a-w "$bad"
must_fail 255 lode checkout f
missing f
put f three
must_pass lode add -q f
is "$(cat "$bad")" three 'add of the good file mends the object'
is "$(cat f)" three 'and not the other way round'

# An output without a hash is not deleted.
printf 'outs:\n- path: g\n' >g.dvc
put g mine
run lode checkout -f g.dvc
is "$(cat g)" mine 'a file of an output without a hash stays'

must_fail 255 lode checkout nosuch
must_pass lode checkout --relink f
has "$OUT" '^Relinked successfully$'
must_pass lode checkout --dry-run f
plan_done
