# The same kind of names inside a directory: the manifest's JSON.
repo
for n in 'sp ace' '#hash' '!bang' 'st*ar[1]' "it's" 'say "hi"' 'ba\ck' "$(printf 'a\ttab')" "$(printf 'new\nline')" \
	"$(printf 'cr\rx')" "$(printf 'bell\007')" "$(printf 'back\010')" "$(printf 'vt\013')" "$(printf 'ff\014')" \
	"$(printf 'esc\033')" "$(printf 'del\177')" "$(printf '\303\251')" "$(printf 'e\314\201')" '中文' '😀' ' lead' \
	'trail ' 'a-b' 'a.b' 'Z' 'a' '/slash' '<&>' "$(printf 'nbsp\302\240x')" "$(printf 'nel\302\205x')" \
	"$(printf 'ls\342\200\250x')" "$(printf 'bom\357\273\277x')" "$(printf 'pua\356\200\200x')"; do
	w "d/x$n" "$n"
done
w d/a-b/f 1
w d/a/b 2
w d/a.c 3
w d/ab 4
w d/a/B 5
w d/É/é 6
hint dvc add d
step dvc status
