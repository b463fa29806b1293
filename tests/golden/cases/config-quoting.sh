# Values with quotes, commas, comment signs, spaces.
repo
q dvc remote add r s3://bucket/path
n=0
for v in 'plain' 'with space' ' lead' 'trail ' 'a,b' 'a#b' '#a' "it's" "'q'" '"dq"' 'a"b' 'a,"b' "a,'b" '' 'a=b' 'a;b' '[x]' '$x' 'a\b' "'" '"' \
	'a: b' 'tab	in' ',' '""' 'x"' "x'" '=' 'a # b' 'true' '%'; do
	n=$((n + 1))
	step dvc remote modify r profile "$v"
	step cat .dvc/config
	step dvc config remote.r.profile
done
