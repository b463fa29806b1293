# Names with characters that YAML, git or a shell would take for their own.
repo
for n in 'sp ace' 'two  sp' 'sp ace #1.txt' '#hash' '!bang' 'st*ar[1].txt' 'q?m' 'a[b' 'a]b' "it's" 'say "hi"' 'a: b' 'a:b' 'a :b' \
	'b:' ':c' '- d' '-e' '? f' '&g' '*h' '|i' '>j' '%k' '@l' '`m' '{n}' '[o]' 'p,q' ' lead' 'trail ' 'ba\ck' 'a	tab' 'new
line' "$(printf '\303\251')" \
	"$(printf 'e\314\201')" "$(printf 'del\177')" "$(printf 'esc\033')" "$(printf 'nbsp\302\240x')" \
	"$(printf 'nel\302\205x')" "$(printf 'ls\342\200\250x')" "$(printf 'bom\357\273\277x')" \
	'中文.csv' '😀.bin' '$HOME' 'a;b' 'a&b' 'a#b' 'a #' '...' '..x' '---' '--' 'x~' "both'\"" 'a=b' 'A' 'a'; do
	w "./$n" "$n"
	hint dvc add -- "$n"
done
step git status --porcelain -z
step git check-ignore -q -- 'sp ace #1.txt'
step git check-ignore -q -- 'trail '
