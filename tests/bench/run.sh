#!/bin/sh
# run.sh [OPTION...]: the benchmark. Every time stands beside that of a reference that
# does comparable work on the same files in the same run; what counts is the ratio.
#
#	--set NAME    only this set of measurements (repeat for more): small, md5, a, b, c,
#	              many, million, growth; default all but the last three
#	--only NAME   only this measurement (repeat for more); --list names them
#	--quick       a twentieth of the data, two rounds: does it run? Bars do not count.
#	--rounds N    measured rounds after one of warming up (default 5); the least counts
#	--dir DIR     where to work (default: a new directory in TMPDIR or /var/tmp)
#	--no-peers    leave out the other programs of the same trade
#	--list        name the measurements and their bars, and end
#
# LODE names the program (default $LODE_BIN/lode, build/release/lode), DVC and S5CMD peers
# (default: from PATH). Exit status 1: a bar was missed, 2: something does not run.
#
# The page cache is warm; every writing run has a directory of its own, and none is
# deleted before the end, because ext4 makes files several times slower for minutes
# after a large delete. References that write end with sync -f where we sync.
# shellcheck disable=SC2015,SC2016,SC2094 # A && B || die is meant; code for inner shells
set -u
LC_ALL=C
export LC_ALL
umask 022

here=$(cd "$(dirname "$0")" && pwd -P)
top=$(cd "$here/../.." && pwd -P)
rounds=5
quick=
peers=1
sets=
only=
dir=
list=

die()
{
	echo "bench: $*" >&2
	exit 2
}

while [ $# -gt 0 ]; do
	case $1 in
	--set) sets="$sets ${2-}" && shift ;;
	--only) only="$only ${2-}" && shift ;;
	--quick) quick=1 rounds=2 ;;
	--rounds) rounds=${2-} && shift ;;
	--dir) dir=${2-} && shift ;;
	--no-peers) peers= ;;
	--list) list=1 ;;
	-h | --help)
		sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
		exit 0
		;;
	*) die "unknown option '$1'" ;;
	esac
	shift || die "the option needs a value"
done

# name | set | bar | what the reference is
bars()
{
	cat <<-'E'
		version|small|+5ms|git status there
		status-small|small|+5ms|git status there
		md5-lanes|md5|rate|GB/s a core, 5 with AVX2, 7 with AVX-512
		add-hardlink|a|0.60|two md5sum and cp -rl
		add-copy|a|0.60|two md5sum and cp -r and sync -f
		status|a|0.80|git status of the same files
		add-noop|a|1.20|our status
		commit-noop|a|1.20|our status
		checkout-noop|a|1.20|our status
		data-status|a|1.20|our status
		checkout-hardlink|a|0.55|cp -rl
		checkout-copy|a|0.50|cp -r
		checkout-one|a|info|our status: one file changed on another branch
		up-rgw|b|1.00|s5cmd cp up, radosgw
		down-rgw|b|1.00|s5cmd cp down, radosgw
		list-rgw|b|info|s5cmd ls, radosgw; ours is push --refresh
		noop-rgw|b|1.50|our status: a push of what is there
		up-vgk|b|0.50|s5cmd cp up, versitygw --keep-alive
		up-vgk-cpu|b|0.25|its CPU
		down-vgk|b|0.50|s5cmd cp down, versitygw --keep-alive
		down-vgk-cpu|b|0.25|its CPU
		list-vgk|b|0.55|s5cmd ls, versitygw --keep-alive; ours is push --refresh
		noop-vgk|b|1.50|our status: a push of what is there
		noop-many-vgk|many|1.50|our status: a push of 100,000 objects on record
		list-many-vgk|many|0.05|DVC's push: the same with --refresh
		up-vg|b|0.75|s5cmd cp up, versitygw
		up-vg-cpu|b|0.40|its CPU
		down-vg|b|0.75|s5cmd cp down, versitygw
		down-vg-cpu|b|0.40|its CPU
		up-minio|b|0.80|the fastest client up, MinIO
		up-minio-cpu|b|0.30|s5cmd's CPU
		down-minio|b|0.80|the fastest client down, MinIO
		down-minio-cpu|b|0.30|s5cmd's CPU
		big-up-minio|c|0.70|the better of aws-cli and s5cmd up, 2 GiB, MinIO
		big-up-minio-cpu|c|0.35|aws-cli's CPU
		big-down-minio|c|0.95|aws-cli down, which verifies nothing
		big-down-minio-md5|c|1.10|the slower of s5cmd down and md5sum
		big-up-vgk|c|info|the better of aws-cli and s5cmd up, versitygw
		big-up-vgk-cpu|c|info|aws-cli's CPU
		big-down-vgk|c|0.95|aws-cli down, versitygw
		big-down-vgk-md5|c|1.10|the slower of s5cmd down and md5sum
		add-big|c|0.85|md5sum and cp and sync -f
		status-million|million|0.70|git status of the same files
		growth|growth|info|add, status and checkout by number of files
	E
}

if [ -n "$list" ]; then
	bars | awk -F '|' '{ printf "%-18s %-8s %-5s %s\n", $1, $2, $3, $4 }'
	exit 0
fi
for name in $only; do
	bars | grep -q "^$name|" || die "no measurement '$name'"
done
for name in $sets; do
	bars | grep -q "^[^|]*|$name|" || die "no set '$name'"
done

# wanted NAME: is this measurement asked for?
wanted()
{
	if [ -n "$only" ]; then
		case " $only " in *" $1 "*) return 0 ;; esac
		return 1
	fi
	wanted_set=$(bars | sed -n "s/^$1|\([^|]*\)|.*/\1/p")
	case " ${sets:-small md5 a b c} " in *" $wanted_set "*) return 0 ;; esac
	return 1
}

any()
{
	for any_name; do
		wanted "$any_name" && return 0
	done
	return 1
}

lode=${LODE:-${LODE_BIN:-$top/build/release}/lode}
[ -x "$lode" ] || die "no program '$lode'"
lode=$(cd "$(dirname "$lode")" && pwd -P)/$(basename "$lode")
DVC=${DVC:-$(command -v dvc || :)}
S5CMD=${S5CMD:-$(command -v s5cmd || :)}

if [ -n "$dir" ]; then
	mkdir -p "$dir" || die "no directory '$dir'"
	dir=$(mktemp -d "$dir/bench.XXXXXX")
else
	dir=$(mktemp -d "${TMPDIR:-/var/tmp}/lode-bench.XXXXXX")
fi || die "no directory to work in"
server=
finish()
{
	[ -z "$server" ] || "$server_script" stop "$server"
	cd /
	chmod -R u+rwX "$dir" 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' HUP INT TERM

for v in $(env | sed -n 's/^\(\(AWS\|DVC\|GIT\|XDG\|LODE\)_[A-Za-z_]*\|.*_proxy\|.*_CA_BUNDLE\)=.*/\1/p'); do
	unset "$v"
done
export HOME="$dir/home" GIT_CONFIG_NOSYSTEM=1 DVC_NO_ANALYTICS=1 DVC_SITE_CACHE_DIR="$dir/site"
export AWS_EC2_METADATA_DISABLED=true GIT_CONFIG_GLOBAL="$dir/home/.gitconfig"
mkdir "$HOME" "$dir/log"
git config --global user.name Bench
git config --global user.email bench@example.com
git config --global init.defaultBranch main
git config --global gc.auto 0
git config --global advice.addEmbeddedRepo false

tool=$dir/tool
${CC:-cc} -O2 -D_GNU_SOURCE -std=c11 -o "$tool" "$here/tool.c" || die "no C compiler"
results=$dir/results
: >"$results"

a_files=100000 a_dirs=100 b_files=10000 c_bytes=2147483648 m_files=1000000
if [ -n "$quick" ]; then
	a_files=5000 a_dirs=20 b_files=500 c_bytes=107374182 m_files=50000
fi

say()
{
	echo "$*" >&2
}

# t LABEL CMD...: measure one run; a failing command is a failure of the benchmark
t()
{
	label=$1
	shift
	"$tool" time "$results" "$label" "$@" 2>"$dir/log/$label" || {
		rc=$?
		tail -n 5 "$dir/log/$label" >&2
		die "$label: '$*' ends with status $rc"
	}
}

# The first round warms up: its lines are dropped.
forget()
{
	for forget_label; do
		sed -i "/^$forget_label	/d" "$results"
	done
}

# least LABEL: the least wall time, nothing when never measured
least()
{
	awk -F '\t' -v l="$1" '$1 == l && (m == "" || $2 < m) { m = $2 } END { if (m != "") print m }' "$results"
}

# of LABEL COLUMN: the least of column 3 (CPU) or the most of 4 (KB)
cpu_of()
{
	awk -F '\t' -v l="$1" '$1 == l && (m == "" || $3 < m) { m = $3 } END { print m }' "$results"
}

memory_of()
{
	awk -F '\t' -v l="$1" '$1 == l && $4 > m { m = $4 } END { print m }' "$results"
}

plus()
{
	echo "$*" | awk '{ for (i = 1; i <= NF; i++) s += $i; print s }'
}

table=$dir/table
: >"$table"
missed=0

# row NAME OURS REFERENCE [REMARK]: one line of the table, judged by the bar
row()
{
	bar=$(bars | sed -n "s/^$1|[^|]*|\([^|]*\)|.*/\1/p")
	what=$(bars | sed -n "s/^$1|[^|]*|[^|]*|//p")
	verdict=$(awk -v a="$2" -v b="$3" -v bar="$bar" 'BEGIN {
		if (bar == "info") print "-"
		else if (bar == "+5ms") print a - b <= 0.005 * 1.05 ? "pass" : "MISS"
		else print a / b <= bar * 1.05 ? "pass" : "MISS"
	}')
	[ -z "$quick" ] || verdict="($verdict)"
	[ "$verdict" != MISS ] || missed=$((missed + 1))
	awk -v n="$1" -v a="$2" -v b="$3" -v bar="$bar" -v w="$what" -v v="$verdict" -v c="$(cpu_of "$1")" \
		-v m="$(memory_of "$1")" -v r="${4-}" 'BEGIN {
			printf "| %s | %.3f (%.3f) | %.0f | %.3f | %.2f | %s | %s | %s%s |\n",
				n, a, c, m / 1024, b, a / b, bar, v, w, r == "" ? "" : "; " r }' >>"$table"
	tail -n 1 "$table" >&2
}

# peer NAME LABEL: a line of the table of peers
peer_table=$dir/peers
: >"$peer_table"
peer()
{
	awk -v n="$1" -v p="$2" -v a="$(least "$3")" -v c="$(cpu_of "$3")" -v m="$(memory_of "$3")" -v o="$(least "$1")" \
		'BEGIN { printf "| %s | %s | %.2f (%.2f) | %.0f | %.1f |\n", n, p, a, c, m / 1024, a / o }' >>"$peer_table"
}

absent()
{
	printf '| %s | %s | not installed | | |\n' "$1" "$2" >>"$peer_table"
}

# A git repository with the files of this directory in its index, without the cost
# of storing them: names and stat data are all that status looks at.
git_track()
{
	git init -q . || return
	find "$@" -type f -print >"$dir/names"
	git hash-object --stdin-paths <"$dir/names" | paste -d '\t' - "$dir/names" |
		sed 's/^/100644 /' | git update-index --index-info || return
	git update-index -q --refresh
	git update-ref HEAD "$(echo bench | git commit-tree "$(git write-tree --missing-ok)")"
}

# project DIR LINK: a repository of ours in git
project()
{
	mkdir -p "$1" && cd "$1" || die "$1"
	git init -q . && "$lode" init -q && "$lode" config cache.type "$2" && git add -A && git commit -q -m init ||
		die "no project in '$1'"
}

make_a()
{
	"$tool" gen "$1" "$a_files" "$a_dirs" 1000 10000 1 || die "no data"
	sync -f "$1"
}

# --- small -------------------------------------------------------------------

if any version status-small; then
	say '# a small repository'
	project "$dir/small" copy
	echo 1 >f
	"$lode" add -q f && git add -A && git commit -q -m f || die "lode add"
	i=0
	while [ $i -lt $((rounds * 6)) ]; do
		i=$((i + 1))
		t git-small git status --porcelain
		t version "$lode" --version
		t status-small "$lode" status
		[ $i -gt 1 ] || forget git-small version status-small
	done
	! wanted version || row version "$(least version)" "$(least git-small)"
	! wanted status-small || row status-small "$(least status-small)" "$(least git-small)"
	if [ -n "$peers" ] && [ -n "$DVC" ]; then
		t dvc-version "$DVC" --version
		t dvc-status "$DVC" status
		peer version dvc dvc-version
		peer status-small dvc dvc-status
	fi
fi

# --- md5 in memory -----------------------------------------------------------

md5_table=$dir/md5
: >"$md5_table"
if wanted md5-lanes; then
	say '# MD5 of many small messages'
	lib=$(dirname "$lode")/liblode.a
	for built in "$(dirname "$lode")/tests/bench/md5_bench" "$(dirname "$lode")/md5_bench"; do
		[ ! -x "$built" ] || cp "$built" "$dir/md5_bench"
	done
	if [ -x "$dir/md5_bench" ] || [ -e "$lib" ] && ${CC:-cc} -O2 -D_GNU_SOURCE -I"$top" -o "$dir/md5_bench" "$here/md5_bench.c" "$lib" \
		-lcrypto -pthread 2>"$dir/log/md5_bench"; then
		"$dir/md5_bench" | tee "$md5_table" >&2
		for bar in 'avx512 7' 'avx2 5'; do
			awk -v b="$bar" 'BEGIN { split(b, w) } tolower($1) ~ w[1] { seen = 1; if ($NF > m) m = $NF }
				END { if (!seen || m == 0) exit; v = m * 1.05 >= w[2] ? "pass" : "MISS"
				printf "%s: %.2f GB/s at best, bar %s: %s\n", w[1], m, w[2], v }' "$md5_table" >"$dir/md5_verdict"
			cat "$dir/md5_verdict" >>"$md5_table"
			[ -n "$quick" ] || ! grep -q MISS "$dir/md5_verdict" || missed=$((missed + 1))
		done
	else
		echo "not built: $(tail -n 1 "$dir/log/md5_bench" 2>/dev/null)" >"$md5_table"
	fi
fi

# --- set A -------------------------------------------------------------------

if any add-hardlink add-copy status add-noop commit-noop checkout-noop data-status checkout-hardlink \
	checkout-copy checkout-one; then
	say "# set A: $a_files files of 1-10 KB in $a_dirs directories"
	make_a "$dir/A"
	find "$dir/A" -type f | awk -v d="$dir" -v n="$a_files" \
		'{ print > (NR <= n / 2 ? d "/half1" : d "/half2") }'
	cat >"$dir/md5x2" <<-E
		#!/bin/sh
		xargs md5sum <"$dir/half1" >/dev/null &
		xargs md5sum <"$dir/half2" >/dev/null
		wait
	E
	printf '#!/bin/sh\ncp -r "$1" "$2" && sync -f "$2"\n' >"$dir/cp-sync"
	chmod +x "$dir/md5x2" "$dir/cp-sync"
fi

if any add-hardlink add-copy; then
	i=0
	while [ $i -le "$rounds" ]; do
		say "  add, round $i"
		t md5x2 "$dir/md5x2"
		if wanted add-hardlink; then
			t cp-rl cp -rl "$dir/A" "$dir/ref-rl.$i"
			project "$dir/hard.$i" hardlink
			make_a data
			t add-hardlink "$lode" add -q data
		fi
		if wanted add-copy; then
			t cp-r-sync "$dir/cp-sync" "$dir/A" "$dir/ref-r.$i"
			project "$dir/copy.$i" copy
			make_a data
			t add-copy "$lode" add -q data
		fi
		[ $i -gt 0 ] || forget md5x2 cp-rl cp-r-sync add-hardlink add-copy
		i=$((i + 1))
	done
	if wanted add-hardlink; then
		remark=
		if [ -z "$quick" ] && [ "$(memory_of add-hardlink)" -gt 65536 ]; then
			remark='over 64 MB of memory: MISS'
			missed=$((missed + 1))
		fi
		row add-hardlink "$(least add-hardlink)" "$(plus "$(least md5x2)" "$(least cp-rl)")" "$remark"
	fi
	! wanted add-copy || row add-copy "$(least add-copy)" "$(plus "$(least md5x2)" "$(least cp-r-sync)")"
fi

if any status add-noop commit-noop checkout-noop data-status checkout-one; then
	mkdir "$dir/gitref" && cd "$dir/gitref" || die gitref
	make_a data
	git_track data || die "git does not track"
	project "$dir/noop" hardlink
	make_a data
	"$lode" add -q data && git add -A && git commit -q -m data || die "lode add"
	# A file whose time is that of the record is looked at again; age both.
	sleep 2
	"$lode" status -q
	git -C "$dir/gitref" status --porcelain >"$dir/log/gitstatus"
	[ ! -s "$dir/log/gitstatus" ] || die "git sees changes: $(head -n 1 "$dir/log/gitstatus")"
	i=0
	while [ $i -le "$rounds" ]; do
		say "  nothing to do, round $i"
		cd "$dir/gitref" && t git-status git status --porcelain
		t find find data -printf '%s %T@ %i\n'
		cd "$dir/noop" || die noop
		t status "$lode" status
		! wanted add-noop || t add-noop "$lode" add -q data
		! wanted commit-noop || t commit-noop "$lode" commit -q
		! wanted checkout-noop || t checkout-noop "$lode" checkout -q
		! wanted data-status || t data-status "$lode" data status --granular
		[ $i -gt 0 ] || forget git-status find status add-noop commit-noop checkout-noop data-status
		i=$((i + 1))
	done
	! wanted status || row status "$(least status)" "$(least git-status)" \
		"find takes $(least find | cut -c 1-5)"
	for name in add-noop commit-noop checkout-noop data-status; do
		! wanted $name || row $name "$(least $name)" "$(least status)"
	done
	if wanted checkout-one; then
		git checkout -q -b other
		one=$(find data -type f | sort | head -n 1)
		rm -f "$one"
		echo changed >"$one"
		"$lode" add -q data && git add -A && git commit -q -m other || die "lode add"
		i=0
		while [ $i -le "$rounds" ]; do
			git checkout -q main
			t checkout-one "$lode" checkout -q
			git checkout -q other
			t checkout-one "$lode" checkout -q
			[ $i -gt 0 ] || forget checkout-one
			i=$((i + 1))
		done
		row checkout-one "$(least checkout-one)" "$(least status)"
	fi
fi

if any checkout-hardlink checkout-copy; then
	i=0
	while [ $i -le "$rounds" ]; do
		say "  checkout, round $i"
		for link in hardlink copy; do
			wanted checkout-$link || continue
			if [ $link = hardlink ]; then
				t cp-rl-out cp -rl "$dir/A" "$dir/ref-out-rl.$i"
			else
				t cp-r-out cp -r "$dir/A" "$dir/ref-out-r.$i"
			fi
			if [ ! -e "$dir/out-$link" ]; then
				project "$dir/out-$link" hardlink
				make_a data
				"$lode" add -q data && git add -A && git commit -q -m data || die "lode add"
			fi
			git clone -q "$dir/out-$link" "$dir/out-$link.$i" 2>/dev/null
			cd "$dir/out-$link.$i" || die "git clone"
			"$lode" config --local cache.type $link
			"$lode" cache dir -q --local "$dir/out-$link/.dvc/cache"
			t checkout-$link "$lode" checkout -q
		done
		[ $i -gt 0 ] || forget cp-rl-out cp-r-out checkout-hardlink checkout-copy
		i=$((i + 1))
	done
	! wanted checkout-hardlink || row checkout-hardlink "$(least checkout-hardlink)" "$(least cp-rl-out)"
	! wanted checkout-copy || row checkout-copy "$(least checkout-copy)" "$(least cp-r-out)"
fi

if [ -n "$peers" ] && any add-hardlink add-copy status; then
	if [ -n "$DVC" ]; then
		say '  dvc'
		for link in hardlink copy; do
			wanted add-$link || continue
			project "$dir/dvc-$link" $link
			make_a data
			t dvc-add-$link "$DVC" add -q data
			peer add-$link dvc dvc-add-$link
		done
		if wanted status && [ -e "$dir/dvc-hardlink" ]; then
			cd "$dir/dvc-hardlink" || die dvc
			t dvc-status-warm "$DVC" status
			t dvc-status-a "$DVC" status
			peer status dvc dvc-status-a
		fi
	else
		absent add-hardlink dvc
	fi
	if wanted add-copy; then
		say '  git'
		mkdir "$dir/git-add" && cd "$dir/git-add" || die git
		git init -q .
		make_a data
		t git-add git add data
		peer add-copy 'git add' git-add
		for p in git-lfs git-annex xvc; do
			command -v $p >/dev/null || absent add-copy $p
		done
		if command -v git-lfs >/dev/null; then
			mkdir "$dir/lfs" && cd "$dir/lfs" || die lfs
			git init -q . && git lfs install --local >/dev/null && git lfs track 'data/**' >/dev/null
			"$tool" gen data $((a_files / 100)) 10 1000 10000 1
			t lfs-add git add data
			peer add-copy "git-lfs ($((a_files / 100)) files)" lfs-add
		fi
		if command -v git-annex >/dev/null; then
			mkdir "$dir/annex" && cd "$dir/annex" || die annex
			git init -q . && git annex init -q >/dev/null
			"$tool" gen data $((a_files / 100)) 10 1000 10000 1
			t annex-add git annex add -q data
			peer add-copy "git-annex ($((a_files / 100)) files)" annex-add
		fi
		if command -v xvc >/dev/null; then
			mkdir "$dir/xvc" && cd "$dir/xvc" || die xvc
			git init -q . && xvc init >/dev/null 2>&1
			make_a data
			t xvc-add xvc file track data
			peer add-copy xvc xvc-add
		fi
	fi
fi

# --- S3 ----------------------------------------------------------------------

# shellcheck source=tests/bench/s3.sh
. "$here/s3.sh"
for on in rgw vgk vg minio; do
	s3_bench $on
done

# --- set C -------------------------------------------------------------------

if wanted add-big; then
	say "# set C: one file of $c_bytes bytes"
	"$tool" big "$dir/C" "$c_bytes" 4
	sync -f "$dir/C"
	printf '#!/bin/sh\ncp "$1" "$2" && sync -f "$2"\n' >"$dir/cp-one"
	chmod +x "$dir/cp-one"
	i=0
	while [ $i -le "$rounds" ]; do
		say "  round $i"
		t md5-big md5sum "$dir/C"
		t cp-big "$dir/cp-one" "$dir/C" "$dir/C.copy"
		rm "$dir/C.copy"
		project "$dir/big.$i" copy
		"$tool" big big "$c_bytes" 4
		sync -f big
		t add-big "$lode" add -q big
		rm -rf .dvc/cache big
		[ $i -gt 0 ] || forget md5-big cp-big add-big
		i=$((i + 1))
	done
	row add-big "$(least add-big)" "$(plus "$(least md5-big)" "$(least cp-big)")"
	if [ -n "$peers" ] && [ -n "$DVC" ]; then
		project "$dir/big.dvc" copy
		"$tool" big big "$c_bytes" 4
		t dvc-add-big "$DVC" add -q big
		peer add-big dvc dvc-add-big
	fi
	rm -f "$dir/C"
fi

# --- a million files ---------------------------------------------------------

if wanted status-million; then
	say "# $m_files files"
	mkdir "$dir/m-git" && cd "$dir/m-git" || die m-git
	"$tool" gen data "$m_files" 1000 10 100 5
	git_track data || die "git does not track"
	project "$dir/m" hardlink
	"$tool" gen data "$m_files" 1000 10 100 5
	sync -f data
	t add-million "$lode" add -q data
	sleep 2
	"$lode" status -q
	i=0
	while [ $i -le "$rounds" ]; do
		cd "$dir/m-git" && t git-million git status --porcelain
		cd "$dir/m" && t status-million "$lode" status
		[ $i -gt 0 ] || forget git-million status-million
		i=$((i + 1))
	done
	bytes=$(($(memory_of status-million) * 1024 / m_files))
	remark="$bytes bytes of memory a file"
	if [ $bytes -gt 300 ] && [ -z "$quick" ]; then
		remark="$remark: MISS"
		missed=$((missed + 1))
	fi
	row status-million "$(least status-million)" "$(least git-million)" "$remark"
fi

# --- growth ------------------------------------------------------------------

growth_table=$dir/growth
: >"$growth_table"
if wanted growth; then
	say '# growth'
	for n in 1000 10000 100000 1000000; do
		[ -z "$quick" ] || [ $n -le 10000 ] || continue
		say "  $n files"
		project "$dir/g$n" hardlink
		"$tool" gen data "$n" $((n / 1000 + 1)) 100 1000 6
		sync -f data
		t "g-add-$n" "$lode" add -q data
		git add -A && git commit -q -m data
		sleep 2
		"$lode" status -q
		for i in 1 2 3; do
			t "g-status-$n" "$lode" status
			t "g-diff-$n" "$lode" data status --granular
		done
		git clone -q . "$dir/g$n.out" 2>/dev/null
		cd "$dir/g$n.out" || die growth
		"$lode" config --local cache.type hardlink
		"$lode" cache dir -q --local "$dir/g$n/.dvc/cache"
		t "g-checkout-$n" "$lode" checkout -q
		awk -v n=$n -v a="$(least "g-add-$n")" -v s="$(least "g-status-$n")" -v d="$(least "g-diff-$n")" \
			-v c="$(least "g-checkout-$n")" -v ma="$(memory_of "g-add-$n")" -v ms="$(memory_of "g-status-$n")" \
			'BEGIN { printf "| %d | %.3f (%.1f) | %.3f (%.2f) | %.3f | %.3f (%.1f) | %.0f / %.0f |\n", n, a, a / n * 1e6,
				s, s / n * 1e6, d, c, c / n * 1e6, ma / 1024, ms / 1024 }' >>"$growth_table"
		tail -n 1 "$growth_table" >&2
	done
fi

# --- the report --------------------------------------------------------------

echo "# Benchmark of $("$lode" --version | head -n 1)"
echo
echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) CPUs$(
	grep -qw avx512f /proc/cpuinfo && echo ', AVX-512' || { grep -qw avx2 /proc/cpuinfo && echo ', AVX2'; }
), $(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo), Linux $(uname -r), $(
	stat -f -c %T "$dir"
), $(git --version | cut -d ' ' -f 1-3), $(date -u +%Y-%m-%d)"
echo "Minimum of $rounds rounds after one of warming up${quick:+; QUICK: a twentieth of the data, no bar counts}."
echo
echo "| measurement | seconds (CPU) | MB | reference | ratio | bar | | reference is |"
echo "|---|---|---|---|---|---|---|---|"
cat "$table"
if [ -s "$md5_table" ]; then
	printf '\nMD5 of many small messages (the bar: 5 GB/s a core with AVX2, 7 with AVX-512):\n\n'
	sed 's/^/    /' "$md5_table"
fi
if [ -s "$peer_table" ]; then
	printf '\n| measurement | peer | seconds (CPU) | MB | times ours |\n|---|---|---|---|---|\n'
	cat "$peer_table"
fi
if [ -s "$growth_table" ]; then
	printf '\n| files | add, hardlink (µs a file) | status (µs a file) | data status | checkout (µs a file) | MB add / status |\n'
	printf '|---|---|---|---|---|---|\n'
	cat "$growth_table"
fi
[ $missed -eq 0 ] || printf '\n%d missed.\n' $missed
[ $missed -eq 0 ] || exit 1
