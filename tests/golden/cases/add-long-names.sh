# Long names: where ruamel breaks the line, with and without spaces.
repo
x=$(printf '%0250d' 0 | tr 0 x)
for n in 68 69 70 71 72 73 74 80 100 200 251 252; do
	w "$(printf "%.${n}s" "$x")" "$n"
	hint dvc add "$(printf "%.${n}s" "$x")"
done
for n in 60 65 68 69 70 71 72 73 74 75 76 90; do
	y=$(printf "%.${n}s" "$x")
	w "$y y" "$n"
	hint dvc add "$y y"
done
w "a b c d e f g h i j k l m n o p q r s t u v w x y z A B C D E F G H I J K L M N O P Q R S T U V" 1
hint dvc add "a b c d e f g h i j k l m n o p q r s t u v w x y z A B C D E F G H I J K L M N O P Q R S T U V"
w "# $x" 2
hint dvc add "# $(printf '%.100s' "$x")"
w "# $(printf '%.100s' "$x") y z" 2
hint dvc add "# $(printf '%.100s' "$x") y z"
w "ü$(printf '%.70s' "$x")" 2
hint dvc add "ü$(printf '%.70s' "$x")"
