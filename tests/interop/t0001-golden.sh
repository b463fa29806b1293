#!/bin/sh
# Play every golden case with our program under the name dvc, and compare what it
# prints, its exit statuses and every file with what DVC did. Needs no DVC.
#
# CASES="a b" plays only these. golden-differences.txt lists where we differ on
# purpose; a line there that no longer differs fails, so that it cannot rot.
. "$(dirname "$0")/../lib/tap.sh"

golden=$TOPDIR/tests/golden
wanted=$TESTDIR/golden-differences.txt

canon=
if command -v python3 >/dev/null; then
	canon="python3 $golden/canon.py"
fi

# One row a step: number, command, status, what it printed. Error texts are ours, and
# so is the help that DVC prints to stdout after a usage error. The files of a "git
# add" line come in no order.
rows()
{
	awk '
		function sorted(s,    w, n, i, j, t) {
			n = split(s, w, / /)
			for (i = 2; i <= n; i++)
				for (j = i; j > 1 && w[j - 1] > w[j]; j--) {
					t = w[j]; w[j] = w[j - 1]; w[j - 1] = t
				}
			for (i = 1; i <= n; i++)
				t = i == 1 ? w[1] : t " " w[i]
			return t
		}
		function flush() {
			if (n) print n "\t" cmd "\t" rc "\t" (rc == 254 ? "" : text)
		}
		/^\$ / { flush(); n++; cmd = $0; gsub(/\t/, "\\t", cmd); rc = ""; text = ""; next }
		/^! / { rc = substr($0, 3); next }
		/^2/ { next }
		/^> \tgit add / { $0 = "> \tgit add " sorted(substr($0, 12)) }
		/^>/ { line = substr($0, 2); gsub(/\\/, "\\\\", line); gsub(/\t/, "\\t", line)
		       text = text line "\\n" }
		END { flush() }
	' "$1"
}

# is_wanted CASE WHAT: the reason when this difference is listed
is_wanted()
{
	awk -F '\t' -v c="$1" -v w="$2" '$1 == c && $2 == w { print $3; exit }' "$wanted"
}

# judge CASE WHAT NAME: by the status of the command before
judge()
{
	judged=$?
	reason=$(is_wanted "$1" "$2")
	if [ -n "$reason" ] && [ $judged -ne 0 ]; then
		skip "$1: $3" "wanted: $reason"
	elif [ -n "$reason" ]; then
		fail "$1: $3 (listed as a wanted difference, but there is none)"
	elif [ $judged -eq 0 ]; then
		pass "$1: $3"
	else
		fail "$1: $3"
	fi
	return $judged
}

show()
{
	printf '%s\n' "$1" | sed 's/\\n/\
/g' | head -n 30 | cat -v | sed "s/^/#   $2 /"
}

tab=$(printf '\t')
play()
{
	want=$golden/data/cases/$1
	got=$WORK/got/$1
	DVC="$LODE_BIN/lode" GOLDEN_CANON=$canon sh "$golden/run-case.sh" "$golden/cases/$1.sh" "$got" >"$OUT" 2>"$ERR" || {
		fail "$1: plays to its end"
		tap_show stderr "$ERR"
	}
	rows "$want/steps.txt" >"$WORK/want.rows"
	rows "$got/steps.txt" >"$WORK/got.rows"
	while IFS=$tab read -r nr cmd rc text; do
		row=$(sed -n "${nr}p" "$WORK/got.rows")
		[ "$row" = "$nr$tab$cmd$tab$rc$tab$text" ]
		judge "$1" "$nr" "step $nr: ${cmd#\$ }" || {
			rest=${row#*"$tab"*"$tab"}
			printf '#   status %s, expected %s\n' "${rest%%"$tab"*}" "$rc"
			show "${rest#*"$tab"}" got
			show "$text" want
		}
	done <"$WORK/want.rows"
	for dir in "$want"/*/; do
		snap=$(basename "$dir")
		cmp -s "$dir/tree.txt" "$got/$snap/tree.txt"
		judge "$1" "$snap" "tree '$snap'" ||
			diff "$dir/tree.txt" "$got/$snap/tree.txt" 2>&1 | head -n 30 | cat -v | sed 's/^/#   /'
		for f in "$dir"@*; do
			[ -e "$f" ] || continue
			cmp -s "$f" "$got/$snap/$(basename "$f")"
			judge "$1" "$snap/$(basename "$f")" "file '$snap/$(basename "$f")'" ||
				diff "$f" "$got/$snap/$(basename "$f")" 2>&1 | head -n 20 | cat -v | sed 's/^/#   /'
		done
	done
}

for file in "$golden"/cases/*.sh; do
	name=$(basename "$file" .sh)
	case " ${CASES-} " in
	'  ' | *" $name "*) play "$name" ;;
	esac
done
plan_done
