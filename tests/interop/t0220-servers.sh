#!/bin/sh
# Servers that are not packaged: MinIO and versitygw, where their programs are here.
# Every job of the transport, then what a remote can do and a push and pull.
. "$(dirname "$0")/../lib/tap.sh"

found=
for name in minio versitygw; do
	server=$TOPDIR/tests/servers/$name
	"$server" check || {
		tap_note "$name is not installed"
		continue
	}
	found=1
	dir=$WORK/$name
	must_pass "$server" start "$dir"
	at_exit "'$server' stop '$dir'"
	if [ -x "$LODE_BIN/tests/unit/test_s3_server" ]; then
		# shellcheck disable=SC2016 # for the inner shell
		ok "$name: all jobs of the transport" sh -c '
			set -a
			. "$1/env"
			exec "$2/tests/unit/test_s3_server"' sh "$dir" "$LODE_BIN"
	fi
	(
		. "$dir/env"
		AWS_ACCESS_KEY_ID=$S3_ACCESS_KEY AWS_SECRET_ACCESS_KEY=$S3_SECRET_KEY
		AWS_DEFAULT_REGION=$S3_REGION
		export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION
		"$server" bucket "$dir" bkt && mkdir "$WORK/repo-$name" && cd "$WORK/repo-$name" &&
			git init -q . && lode init -q &&
			lode remote add -q -d s3 s3://bkt/some/prefix &&
			lode remote modify -q s3 endpointurl "$S3_ENDPOINT" &&
			lode remote test s3 >"$WORK/report-$name" &&
			mkdir data && for i in 1 2 3 4 5 6 7 8 9; do echo $i >data/$i; done &&
			head -c 40000000 /dev/urandom >big && lode add -q data big && lode push -q &&
			lode fsck -q -r s3 --sample 100 && md5sum big data/* >"$WORK/sums" &&
			rm -rf .dvc/cache data big && lode pull -q && md5sum -c --quiet "$WORK/sums"
	) >"$OUT" 2>"$ERR" || {
		fail "$name: push, fsck and pull"
		tap_show stderr "$ERR"
		continue
	}
	pass "$name: push, fsck and pull"
	sed "s/^/# /" "$WORK/report-$name"
done
[ -n "$found" ] || skip_all 'neither MinIO nor versitygw is installed'
plan_done
