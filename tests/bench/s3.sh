# The S3 part of run.sh: sets B and C beside real servers, the peers in the same rounds.
# Sourced by it; s3_bench SERVER is its one entry.
# shellcheck shell=sh disable=SC2015,SC2086,SC2154 # as in run.sh, whose variables these are
#
# Servers: rgw (radosgw), minio, vg (versitygw as it starts by default, which closes each
# connection after one answer) and vgk (with --keep-alive). Labels end in the server's
# name. The fastest client is the faster of the peers that are installed.

# What the server needs to be started, and whether it is here.
s3_script()
{
	case $1 in
	vg | vgk) echo "$top/tests/servers/versitygw" ;;
	*) echo "$top/tests/servers/$1" ;;
	esac
}

s3_start()
{
	keep=
	[ "$1" != vgk ] || keep=1
	server_script=$(s3_script "$1")
	server=$dir/s3-$1
	S3_MINUTES=120 S3_KEEP_ALIVE=$keep S3_STORE_BYTES=12884901888 "$server_script" start "$server" ||
		die "$1 does not start"
	# shellcheck source=/dev/null # written by the server script
	. "$server/env"
	AWS_ACCESS_KEY_ID=$S3_ACCESS_KEY AWS_SECRET_ACCESS_KEY=$S3_SECRET_KEY
	AWS_REGION=$S3_REGION AWS_DEFAULT_REGION=$S3_REGION
	AWS_REQUEST_CHECKSUM_CALCULATION=when_required AWS_RESPONSE_CHECKSUM_VALIDATION=when_required
	export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION AWS_DEFAULT_REGION
	export AWS_REQUEST_CHECKSUM_CALCULATION AWS_RESPONSE_CHECKSUM_VALIDATION
	"$server_script" bucket "$server" bench || die "no bucket"
	s5="$S5CMD --endpoint-url $S3_ENDPOINT --numworkers 64"
}

s3_stop()
{
	"$server_script" stop "$server"
	rm -rf "$server"
	server=
}

# clone_and_pull LABEL: into a repository with neither cache nor data
clone_and_pull()
{
	git clone -q . "$dir/$1.$i" 2>/dev/null || die "git clone"
	(cd "$dir/$1.$i" && cp "$OLDPWD/.dvc/config" .dvc/config && t "$1" "$lode" pull -q) || exit
	rm -rf "$dir/$1.$i"
}

# s3_small SERVER: set B
s3_small()
{
	on=$1
	say "# set B: $b_files objects of 10 KB, $on"
	project "$dir/b-$on" hardlink
	"$tool" gen data "$b_files" 1 10240 10240 3
	"$lode" add -q data && git add -A && git commit -q -m data || die "lode add"
	"$lode" remote add -q -d r s3://bench/none
	"$lode" remote modify -q r endpointurl "$S3_ENDPOINT"
	i=0
	while [ $i -le "$rounds" ]; do
		say "  round $i"
		if [ -n "$S5CMD" ]; then
			t "s5-up-$on" $s5 cp 'data/*' "s3://bench/s5.$i/"
			mkdir "$dir/s5-$on.$i"
			t "s5-down-$on" $s5 cp "s3://bench/s5.$i/*" "$dir/s5-$on.$i/"
			rm -rf "$dir/s5-$on.$i"
			t "s5-ls-$on" $s5 ls "s3://bench/s5.$i/*"
		fi
		"$lode" remote modify -q r url "s3://bench/lode.$i"
		t "up-$on" "$lode" push -q
		t "noop-$on" "$lode" push -q
		t "list-$on" "$lode" push -q --refresh
		! wanted "down-$on" || clone_and_pull "down-$on"
		[ $i -gt 0 ] || forget "s5-up-$on" "s5-down-$on" "s5-ls-$on" "up-$on" "noop-$on" "list-$on" "down-$on"
		i=$((i + 1))
	done
	t "status-$on" "$lode" status -q
	[ -z "$peers" ] || s3_small_peers "$on"
	if [ -z "$S5CMD" ]; then
		say '  s5cmd is not installed: no ratio'
		absent "up-$on" s5cmd
		return
	fi
	for way in up down; do
		wanted "$way-$on" || continue
		row "$way-$on" "$(least "$way-$on")" "$(fastest "$way" "$on")" "s5cmd CPU $(cpu_of "s5-$way-$on")"
		! wanted "$way-$on-cpu" || row "$way-$on-cpu" "$(cpu_of "$way-$on")" "$(cpu_of "s5-$way-$on")"
	done
	! wanted "list-$on" || row "list-$on" "$(least "list-$on")" "$(least "s5-ls-$on")"
	! wanted "noop-$on" || row "noop-$on" "$(least "noop-$on")" "$(least "status-$on")"
}

# The least of the peers that did it: on MinIO any of them may be the fastest.
fastest()
{
	for peer_name in s5 rclone aws; do
		[ "$2" = minio ] || [ $peer_name = s5 ] || continue
		least "$peer_name-$1-$2"
	done | sort -g | head -n 1
}

# Once each: they take their time.
s3_small_peers()
{
	if [ -n "$DVC" ]; then
		"$lode" remote modify -q r url s3://bench/dvc
		t "dvc-up-$1" "$DVC" push -q
		peer "up-$1" dvc "dvc-up-$1"
		git clone -q . "$dir/dvc-$1" 2>/dev/null
		(cd "$dir/dvc-$1" && cp "$OLDPWD/.dvc/config" .dvc/config && t "dvc-down-$1" "$DVC" pull -q) || exit
		peer "down-$1" dvc "dvc-down-$1"
		rm -rf "$dir/dvc-$1"
	fi
	if command -v rclone >/dev/null; then
		RCLONE_CONFIG_R_TYPE=s3 RCLONE_CONFIG_R_PROVIDER=Other RCLONE_CONFIG_R_ENV_AUTH=true
		RCLONE_CONFIG_R_ENDPOINT=$S3_ENDPOINT
		export RCLONE_CONFIG_R_TYPE RCLONE_CONFIG_R_PROVIDER RCLONE_CONFIG_R_ENV_AUTH RCLONE_CONFIG_R_ENDPOINT
		t "rclone-up-$1" rclone --transfers 32 --checkers 32 copy data r:bench/rclone
		peer "up-$1" rclone "rclone-up-$1"
	else
		absent "up-$1" rclone
	fi
	if command -v aws >/dev/null; then
		t "aws-up-$1" aws --endpoint-url "$S3_ENDPOINT" s3 cp --recursive --only-show-errors data s3://bench/aws
		peer "up-$1" aws-cli "aws-up-$1"
	else
		absent "up-$1" aws-cli
	fi
}

# s3_large SERVER: set C
s3_large()
{
	on=$1
	say "# set C: one file of $c_bytes bytes, $on"
	project "$dir/c-$on" hardlink
	"$tool" big big "$c_bytes" 4
	"$lode" add -q big && git add -A && git commit -q -m big || die "lode add"
	"$lode" remote add -q -d r s3://bench/none
	"$lode" remote modify -q r endpointurl "$S3_ENDPOINT"
	aws=$(command -v aws || :)
	i=0
	while [ $i -le "$rounds" ]; do
		say "  round $i"
		if [ -n "$S5CMD" ]; then
			t "s5-big-up-$on" $s5 cp big s3://bench/s5big
			t "s5-big-down-$on" $s5 cp s3://bench/s5big "$dir/s5big"
			rm "$dir/s5big"
		fi
		if [ -n "$aws" ]; then
			t "aws-big-up-$on" "$aws" --endpoint-url "$S3_ENDPOINT" s3 cp --only-show-errors big s3://bench/awsbig
			t "aws-big-down-$on" "$aws" --endpoint-url "$S3_ENDPOINT" s3 cp --only-show-errors s3://bench/awsbig "$dir/awsbig"
			rm "$dir/awsbig"
		fi
		t "md5-c-$on" md5sum big
		"$lode" remote modify -q r url "s3://bench/big.$i"
		t "big-up-$on" "$lode" push -q
		clone_and_pull "big-down-$on"
		[ $i -gt 0 ] || forget "s5-big-up-$on" "s5-big-down-$on" "aws-big-up-$on" "aws-big-down-$on" \
			"md5-c-$on" "big-up-$on" "big-down-$on"
		i=$((i + 1))
	done
	best=$({ least "s5-big-up-$on"; least "aws-big-up-$on"; } | sort -g | head -n 1)
	slower=$({ least "s5-big-down-$on"; least "md5-c-$on"; } | sort -g | tail -n 1)
	[ -z "$best" ] || row "big-up-$on" "$(least "big-up-$on")" "$best"
	[ -z "$aws" ] || row "big-up-$on-cpu" "$(cpu_of "big-up-$on")" "$(cpu_of "aws-big-up-$on")"
	[ -z "$aws" ] || row "big-down-$on" "$(least "big-down-$on")" "$(least "aws-big-down-$on")"
	row "big-down-$on-md5" "$(least "big-down-$on")" "$slower"
	rm -rf "$dir/c-$on"
}

# s3_many SERVER: a push of set A's files that are all there, on record or not
s3_many()
{
	on=$1
	say "# $a_files objects, $on"
	project "$dir/many-$on" hardlink
	"$tool" gen data "$a_files" "$a_dirs" 1000 10000 1
	"$lode" add -q data && git add -A && git commit -q -m data || die "lode add"
	"$lode" remote add -q -d r s3://bench/many
	"$lode" remote modify -q r endpointurl "$S3_ENDPOINT"
	t "many-up-$on" "$lode" push -q
	i=0
	while [ $i -le "$rounds" ]; do
		say "  round $i"
		t "status-many-$on" "$lode" status -q
		t "noop-many-$on" "$lode" push -q
		t "list-many-$on" "$lode" push -q --refresh
		[ $i -gt 0 ] || forget "status-many-$on" "noop-many-$on" "list-many-$on"
		i=$((i + 1))
	done
	row "noop-many-$on" "$(least "noop-many-$on")" "$(least "status-many-$on")"
	if [ -n "$DVC" ] && [ -n "$peers" ]; then
		t "dvc-many-$on" "$DVC" push -q
		row "list-many-$on" "$(least "list-many-$on")" "$(least "dvc-many-$on")"
	fi
}

s3_bench()
{
	any "up-$1" "down-$1" "list-$1" "noop-$1" "big-up-$1" "big-down-$1" "noop-many-$1" || return 0
	if ! "$(s3_script "$1")" check; then
		say "# $1 left out: it is not installed (tests/servers tells how)"
		absent "up-$1" "the server"
		return 0
	fi
	s3_start "$1"
	! any "up-$1" "down-$1" "list-$1" "noop-$1" || s3_small "$1"
	! any "big-up-$1" "big-down-$1" || s3_large "$1"
	! wanted "noop-many-$1" || s3_many "$1"
	s3_stop
}
