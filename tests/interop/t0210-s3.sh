#!/bin/sh
# A bucket on a signature-checking server, shared by both tools.
. "$(dirname "$0")/../lib/tap.sh"
. "$TESTDIR/lib.sh"

"$TOPDIR/tests/servers/rgw" check || skip_all 'radosgw is not installed'
"$TOPDIR/tests/servers/rgw" start "$WORK/s3" 2>"$ERR" || tap_bail "$(cat "$ERR")"
at_exit "'$TOPDIR/tests/servers/rgw' stop '$WORK/s3'"
# shellcheck source=/dev/null # written by the server script
. "$WORK/s3/env"
AWS_ACCESS_KEY_ID=$S3_ACCESS_KEY
AWS_SECRET_ACCESS_KEY=$S3_SECRET_KEY
AWS_DEFAULT_REGION=$S3_REGION
# boto of today sends checksum trailers, which this server refuses
AWS_REQUEST_CHECKSUM_CALCULATION=when_required
AWS_RESPONSE_CHECKSUM_VALIDATION=when_required
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION
export AWS_REQUEST_CHECKSUM_CALCULATION AWS_RESPONSE_CHECKSUM_VALIDATION

s3_list()
{
	curl -sf --noproxy '*' --aws-sigv4 'aws:amz:us-east-1:s3' --user "$S3_ACCESS_KEY:$S3_SECRET_KEY" \
		-H 'x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' \
		"$S3_ENDPOINT/bucket?list-type=2&prefix=$1%2F" | tr '<' '\n' |
		sed -n "s|^Key>$1/||p; s|^ETag>|  |p; s|^Size>|  |p" | grep -v '^lode/'
}

must_pass curl -sf --noproxy '*' -X PUT --aws-sigv4 'aws:amz:us-east-1:s3' \
	--user "$S3_ACCESS_KEY:$S3_SECRET_KEY" \
	-H 'x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' \
	"$S3_ENDPOINT/bucket"

for tool in dvc lode; do
	project "$WORK/w/$tool"
	must_pass $tool remote add -q -d store "s3://bucket/$tool"
	must_pass $tool remote modify -q store endpointurl "$S3_ENDPOINT"
	put f 1
	put e ''
	mkdir d
	awk 'BEGIN { for (i = 0; i < 40; i++) { f = "d/" i; print "file", i > f; close(f) } }'
	head -c 20000000 /dev/zero | tr '\0' x >big
	must_pass $tool add -q f d e big
	git_all data
	expect "$tool pushes" '44 files pushed' $tool push
	s3_list $tool | grep -v '^  ' >"$WORK/list.$tool"
done
same "$WORK/list.dvc" "$WORK/list.lode" 'both write the same keys'
for tool in dvc lode; do
	user=dvc
	[ $tool = lode ] || user=lode
	cd "$WORK/w/$tool" || exit
	expect "$user finds the bucket of $tool in step" "Cache and remote 'store' are in sync." \
		$user status -c
	git clone -q "$WORK/w/$tool" "$WORK/w/$tool.clone"
	cd "$WORK/w/$tool.clone" || exit
	must_pass $user pull -q
	alike . "$WORK/w/$tool" "$user pulls what $tool pushed"
	put d/0 'changed'
	must_pass $user add -q d
	must_pass $user push -q
	must_pass $user gc -q -f -w -c
	rm -rf .dvc/cache d
	must_pass $tool pull -q
	is "$(cat d/0 && find d | wc -l)" 'changed41' "$tool pulls what $user pushed and pruned"
done
plan_done
