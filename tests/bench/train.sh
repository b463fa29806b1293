#!/bin/sh
# train.sh [OPTION...]: training beside LightGBM, XGBoost and scikit-learn, on the
# synthetic set, in one run.
#
#	--only NAME   only this measurement (repeat for more); --list names them
#	--quick       a twentieth of the rows, one round: does it run? Bars do not count.
#	--rounds N    measured rounds (default 3); the least of each counts
#	--dir DIR     where to work (default: a new directory in TMPDIR or /var/tmp)
#	--list        name the measurements and their bars, and end
#
# PYTHON names a Python that has the peers (default: python3); those it lacks are left
# out and said so. Loops are compared by their CPU seconds on one thread, by wall time on
# two. Exit status 1: a bar was missed, 2: something does not run.
# shellcheck disable=SC2015,SC2046,SC2086 # A && B || die is meant; lists of words
set -u
LC_ALL=C
export LC_ALL

here=$(cd "$(dirname "$0")" && pwd -P)
top=$(cd "$here/../.." && pwd -P)
rounds=3 only='' quick='' dir='' list=''

die()
{
	echo "bench-train: $*" >&2
	exit 2
}

while [ $# -gt 0 ]; do
	case $1 in
	--only) only="$only ${2-}" && shift ;;
	--quick) quick=1 rounds=1 ;;
	--rounds) rounds=${2-} && shift ;;
	--dir) dir=${2-} && shift ;;
	--list) list=1 ;;
	-h | --help)
		sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
		exit 0
		;;
	*) die "unknown option '$1'" ;;
	esac
	shift || die "the option needs a value"
done

# name | peer | work | column (cpu, wall) | rows | leaves | threads | columns | bar
bars()
{
	cat <<-'E'
		63-lgb|lightgbm|boost|cpu|1000000|63|1|28|0.45
		63-lgbq|lightgbm-quantised|boost|cpu|1000000|63|1|28|0.55
		63-xgb|xgboost|boost|cpu|1000000|63|1|28|0.50
		255-lgb|lightgbm|boost|cpu|1000000|255|1|28|0.45
		255-lgbq|lightgbm-quantised|boost|cpu|1000000|255|1|28|0.55
		255-xgb|xgboost|boost|cpu|1000000|255|1|28|0.50
		63-two-lgb|lightgbm|boost|wall|1000000|63|2|28|0.45
		63-two-lgbq|lightgbm-quantised|boost|wall|1000000|63|2|28|0.55
		63-two-xgb|xgboost|boost|wall|1000000|63|2|28|0.50
		255-two-lgb|lightgbm|boost|wall|1000000|255|2|28|0.40
		255-two-lgbq|lightgbm-quantised|boost|wall|1000000|255|2|28|0.40
		255-two-xgb|xgboost|boost|wall|1000000|255|2|28|0.40
		narrow-lgb|lightgbm|boost|cpu|2700000|255|1|7|0.60
		narrow-xgb|xgboost|boost|cpu|2700000|255|1|7|0.55
		bin-lgb|lightgbm|bin|cpu|1000000|63|1|28|0.60
		bin-xgb|xgboost|bin|cpu|1000000|63|1|28|0.30
		csv-lgb|lightgbm|csv|cpu|600000|63|1|28|0.40
		csv-xgb|xgboost|csv|cpu|600000|63|1|28|0.35
		logistic|sklearn|logistic|wall|1000000|0|1|28|1.00
		auc-lgb|lightgbm|auc|auc|200000|63|1|28|0.001
		auc-xgb|xgboost|auc|auc|200000|63|1|28|0.001
	E
}

if [ -n "$list" ]; then
	bars | awk -F '|' '{ printf "%-12s %-5s %s\n", $1, $9, $2 " " $3 ", " $5 " x " $8 ", " $6 " leaves, " $7 " threads" }'
	exit 0
fi
for name in $only; do
	bars | grep -q "^$name|" || die "no measurement '$name'"
done

bin=${LODE_BIN:-$top/build/release}
lode=$bin/lode
python=${PYTHON:-python3}
for program in "$lode" "$bin/tests/bench/train_bench" "$bin/tests/bench/synth_gen"; do
	[ -x "$program" ] || die "no program '$program'"
done
parent=${dir:-${TMPDIR:-/var/tmp}}
mkdir -p "$parent" || die "no directory '$parent'"
dir=$(mktemp -d "$parent/lode-bench-train.XXXXXX") || die "no directory to work in"
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' HUP INT TERM
export HOME="$dir" OMP_NUM_THREADS=1
results=$dir/results
: >"$results"
table=$dir/table
: >"$table"
missed=0

say()
{
	echo "$*" >&2
}

has_peer()
{
	module=${1%-quantised}
	"$python" -c "import $module" 2>/dev/null
}

# note LABEL WALL CPU: a result; least LABEL COLUMN: the least of them
note()
{
	printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$results"
}

least()
{
	awk -F '\t' -v l="$1" -v c="$2" '$1 == l && (m == "" || $c < m) { m = $c } END { print m }' "$results"
}

# data ROWS COLUMNS: made once
data()
{
	data_file=$dir/x$1-$2.npy
	[ -e "$data_file" ] || "$bin/tests/bench/synth_gen" npy "$1" 0 "$data_file" "$2" || die "no data"
}

csv()
{
	csv_file=$dir/x$1-$2.csv
	[ -e "$csv_file" ] || "$bin/tests/bench/synth_gen" csv "$1" "$2" "$csv_file" || die "no data"
}

# ours_boost LABEL: both halves of one training from an array in memory
ours_boost()
{
	"$bin/tests/bench/train_bench" -n "$rows" -l "$leaves" -T "$trees" -t "$threads" -c "$columns" >"$dir/out" ||
		die "train_bench: $(cat "$dir/out")"
	set -- "$1" $(cat "$dir/out")
	# bin B boost X cpu C wall W ...: wall time of the loop is the whole's less its binning
	note "$1-boost" "$(echo "$9 $3" | awk '{ print $1 - $2 }')" "$5"
	note "$1-bin" "$3" "$3"
}

settings()
{
	printf '%s\n' "data: $1" 'target: y' 'seed: 7' \
		"model: {type: gbt, objective: binary, trees: $trees, max_leaves: $leaves, learning_rate: 0.1, max_bin: 255, lambda: 1, min_child_weight: 1}" \
		'out: model.json' >train.yaml
}

project()
{
	rm -rf "$dir/work" && mkdir "$dir/work" && cd "$dir/work" || die "no work"
	"$lode" init -q --no-scm || die "init"
	for file; do
		ln "$file" "$(basename "$file")" && "$lode" add -q "$(basename "$file")" || die "add"
	done
}

# timed LABEL COMMAND...: wall and CPU seconds of a program
timed()
{
	timed_label=$1
	shift
	"$python" - "$@" >"$dir/out" <<-'E' || die "$timed_label: '$*' failed"
		import resource, subprocess, sys, time
		t = time.perf_counter()
		rc = subprocess.run(sys.argv[1:], stdout=sys.stderr).returncode
		r = resource.getrusage(resource.RUSAGE_CHILDREN)
		print(time.perf_counter() - t, r.ru_utime + r.ru_stime)
		sys.exit(rc)
	E
	note "$timed_label" $(cat "$dir/out")
}

ours_csv()
{
	project "$csv_file"
	settings "$(basename "$csv_file")"
	timed "$1" "$lode" train -q -f --threads "$threads"
}

ours_logistic()
{
	csv "$rows" 0
	project "$csv_file"
	printf '%s\n' "data: $(basename "$csv_file")" 'target: y' 'seed: 7' \
		'model: {type: linear, objective: binary, l2: 1}' 'out: model.json' >train.yaml
	# The fit alone: the run's log has its seconds.
	"$lode" train -q -f --threads "$threads" || die "train"
	seconds=$(sed -n 's/.*"train_s": *\([0-9.]*\).*/\1/p' .dvc/tmp/lode/train.log | tail -n 1)
	note "$1" "$seconds" "$seconds"
}

# Mean AUC of five seeds.
ours_auc()
{
	csv "$rows" 0 && train=$csv_file
	csv 100000 20000000 && test=$csv_file
	sum=0
	for seed in 1 2 3 4 5; do
		project "$train"
		settings "$(basename "$train")"
		"$lode" train -q -f -S seed=$seed || die "train"
		auc=$("$lode" eval --json --metric auc model.json "$test" |
			sed -n 's/.*"value": *\([0-9.]*\).*/\1/p' | head -n 1)
		sum=$(echo "$sum $auc" | awk '{ printf "%.8f", $1 + $2 }')
	done
	note "$1" "$(echo "$sum" | awk '{ print $1 / 5 }')" 0
}

peer()
{
	label=$1
	shift
	"$python" "$here/train_peers.py" "$@" >"$dir/out" 2>"$dir/err" || {
		tail -n 3 "$dir/err" >&2
		die "$1 $2"
	}
	note "$label" $(cut -f 2,3 "$dir/out")
	peer_note=$(cut -f 4 "$dir/out")
}

peer_auc()
{
	data "$rows" "$columns" && train=$data_file
	test=$dir/test.npy
	[ -e "$test" ] || "$bin/tests/bench/synth_gen" npy 100000 20000000 "$test" || die "no data"
	sum=0
	for seed in 1 2 3 4 5; do
		peer ignored "$lib" boost "$train" leaves=$leaves trees=$trees seed=$seed test="$test"
		sum=$(echo "$sum $peer_note" | awk '{ printf "%.8f", $1 + $2 }')
	done
	note "$1" "$(echo "$sum" | awk '{ print $1 / 5 }')" 0
}

judge()
{
	col=2
	[ "$column" != cpu ] || col=3
	ours=$(least "$label_ours" $col)
	theirs=$(least "$label_peer" $col)
	verdict=$(awk -v a="$ours" -v b="$theirs" -v bar="$bar" -v w="$work" 'BEGIN {
		if (w == "auc") print (a - b >= -bar ? "pass" : "MISS")
		else print (a / b <= bar * 1.05 ? "pass" : "MISS") }')
	[ -z "$quick" ] || verdict="($verdict)"
	[ "$verdict" != MISS ] || missed=$((missed + 1))
	awk -v n="$name" -v a="$ours" -v b="$theirs" -v bar="$bar" -v v="$verdict" -v c="$column" -v l="$lib" \
		-v w="$work" 'BEGIN { printf "| %s | %.4f | %.4f | %s | %s | %s | %s %s, %s |\n", n, a, b,
		w == "auc" ? sprintf("%+.5f", a - b) : sprintf("%.2f", a / b), bar, v, l, w, c }' >>"$table"
	tail -n 1 "$table" >&2
}

measure()
{
	trees=100
	[ -z "$quick" ] || { rows=$((rows / 20)) && trees=20; }
	label_ours=ours-$work-$rows-$leaves-$threads-$columns
	label_peer=$lib-$work-$rows-$leaves-$threads-$columns
	i=0
	while [ $i -lt "$rounds" ]; do
		i=$((i + 1))
		case $work in
		boost | bin)
			data "$rows" "$columns"
			base=ours-$rows-$leaves-$threads-$columns
			label_ours=$base-$work
			# One training of ours stands beside all the peers of its shape.
			[ "$(grep -c "^$label_ours	" "$results")" -ge $i ] || ours_boost "$base"
			peer "$label_peer" "$lib" "$work" "$data_file" threads="$threads" leaves="$leaves" trees=$trees
			;;
		csv)
			csv "$rows" 0
			[ "$(grep -c "^$label_ours	" "$results")" -ge $i ] || ours_csv "$label_ours"
			peer "$label_peer" "$lib" csv "$csv_file" threads="$threads" leaves="$leaves" trees=$trees
			;;
		logistic)
			data "$rows" "$columns"
			ours_logistic "$label_ours"
			peer "$label_peer" "$lib" logistic "$data_file"
			;;
		auc)
			[ $i -eq 1 ] || break
			grep -q "^$label_ours	" "$results" || ours_auc "$label_ours"
			peer_auc "$label_peer"
			;;
		esac
	done
	judge
}

bars >"$dir/bars"
while IFS='|' read -r name lib work column rows leaves threads columns bar; do
	case " ${only:-$name} " in *" $name "*) ;; *) continue ;; esac
	if ! has_peer "$lib"; then
		say "# $name left out: $python has no $lib"
		echo "| $name | | | | $bar | - | $lib is not installed |" >>"$table"
		continue
	fi
	say "# $name"
	measure </dev/null
done <"$dir/bars"

echo "# Training beside its peers, $("$lode" --version | head -n 1)"
echo
echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(getconf _NPROCESSORS_ONLN) CPUs$(
	grep -qw avx512f /proc/cpuinfo && echo ', AVX-512' || { grep -qw avx2 /proc/cpuinfo && echo ', AVX2'; }
), Linux $(uname -r), $(date -u +%Y-%m-%d); $("$python" -c '
import importlib.metadata as m
for p in ("lightgbm", "xgboost", "scikit-learn"):
    try:
        print(p, m.version(p), end=" ")
    except m.PackageNotFoundError:
        pass')"
echo "Least of $rounds rounds${quick:+; QUICK: a twentieth of the rows, no bar counts}."
echo
echo '| measurement | ours | peer | ratio | bar | | peer is |'
echo '|---|---|---|---|---|---|---|'
cat "$table"
[ $missed -eq 0 ] || printf '\n%d missed.\n' $missed
[ $missed -eq 0 ] || exit 1
