#!/bin/sh
# Roles, and the least rights a command needs, on a server that has STS and policies.
. "$(dirname "$0")/../lib/tap.sh"

rgw=$TOPDIR/tests/servers/rgw
"$rgw" start "$WORK/s3" >"$WORK/rgw.log" 2>&1 || {
	tap_note "$(tail -n 5 "$WORK/rgw.log")"
	skip_all 'radosgw does not start here'
}
at_exit "'$rgw' stop '$WORK/s3'"
. "$WORK/s3/env"

# The actions of a policy in docs/s3-permissions.md.
actions()
{
	awk -v "want=<!-- policy $1 -->" '
		$0 == want { on = 1 }
		on && /"s3:/ { gsub(/[ ",]/, ""); print }
		on && /^}/ { exit }' "$TOPDIR/docs/s3-permissions.md"
}
# shellcheck disable=SC2046 # words
{
	reader=$("$rgw" role "$WORK/s3" Reader $(actions pull))
	writer=$("$rgw" role "$WORK/s3" Writer $(actions push))
	collector=$("$rgw" role "$WORK/s3" Collector $(actions gc))
	keeper=$("$rgw" role "$WORK/s3" Keeper $(actions all))
}
is "$(actions pull)" s3:GetObject 'a pull needs GetObject only'
AWS_DEFAULT_REGION=us-east-1
AWS_ENDPOINT_URL_STS=$S3_ENDPOINT
export AWS_DEFAULT_REGION AWS_ENDPOINT_URL_STS
cat >"$AWS_SHARED_CREDENTIALS_FILE" <<-E
	[keys]
	aws_access_key_id = $S3_ACCESS_KEY
	aws_secret_access_key = $S3_SECRET_KEY
E
cat >"$AWS_CONFIG_FILE" <<-E
	[profile writer]
	role_arn = $writer
	source_profile = keys
	role_session_name = lode-test
	duration_seconds = 900
	[profile reader]
	role_arn = $reader
	source_profile = keys
	[profile collector]
	role_arn = $collector
	source_profile = keys
	[profile keeper]
	role_arn = $keeper
	source_profile = keys
	[profile careful]
	role_arn = $keeper
	source_profile = keys
	mfa_serial = arn:aws:iam:::mfa/me
	[profile stranger]
	role_arn = arn:aws:iam:::role/Nobody
	source_profile = keys
	[profile wrong]
	role_arn = $writer
	source_profile = bad
	[profile bad]
	aws_access_key_id = $S3_ACCESS_KEY
	aws_secret_access_key = not-the-s3cret
E
must_pass curl -sf -X PUT --aws-sigv4 'aws:amz:us-east-1:s3' --user "$S3_ACCESS_KEY:$S3_SECRET_KEY" \
	-H 'x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' "$S3_ENDPOINT/bkt"

git_repo
must_pass lode init -q
must_pass lode remote add -q -d s3 s3://bkt/some/prefix
must_pass lode remote modify -q s3 endpointurl "$S3_ENDPOINT"
mkdir data
awk 'BEGIN { for (i = 0; i < 60; i++) { f = "data/f" i; print "file", i > f; close(f) } }'
head -c 20000000 /dev/urandom >big
must_pass lode add -q data big
git_all v1

AWS_PROFILE=writer must_pass lode -v push
has "$ERR" "role '.*Writer' of profile 'writer' .*'keys'" 'the log says who asks'
hasnt "$ERR" "$S3_SECRET_KEY" 'and no secret'
AWS_PROFILE=writer expect 'in step' "Cache and remote 's3' are in sync." lode status -c

# Reading takes s3:GetObject alone.
git clone -q . ../clone
cd ../clone || exit
AWS_PROFILE=reader must_pass lode pull
same data ../repo/data 'pulled with GetObject alone'
same big ../repo/big 'the large file too'
AWS_PROFILE=reader must_pass lode fetch
put more 'more'
must_pass lode add -q more
AWS_PROFILE=reader must_fail 1 lode push --refresh
has "$ERR" 'was denied; it needs s3:(PutObject|ListBucket)' 'a push is told what it lacks'
has "$ERR" "Reader" 'and as whom it asked'
AWS_PROFILE=reader must_fail 251 lode gc -w -c -f
has "$ERR" 's3:ListBucket' 'so is a look at the whole'

# Each of the other policies does for its commands.
AWS_PROFILE=writer must_pass lode push -q
AWS_PROFILE=collector must_pass lode gc -w -c -f
AWS_PROFILE=writer must_fail 251 lode remote test
has "$OUT" 'put *yes' 'a test tells what is allowed'
has "$OUT" 'delete *FAILED.*s3:DeleteObject' 'and what is not'
AWS_PROFILE=keeper must_pass lode remote test
has "$OUT" 'multipart *yes' 'the keeper may do all'
hasnt "$OUT" 'FAILED|unknown' 'and nothing is denied'
AWS_PROFILE=keeper must_pass lode remote test s3 --json
has "$OUT" '"name": "put", "result": "yes"' 'the same as a document'
has "$OUT" '"upload_bytes_s": [1-9]' 'with figures'
hasnt "$OUT" "$S3_SECRET_KEY" 'without a secret'
ok 'what was learned is kept' grep -q '"crc32c": false' .dvc/tmp/lode/remotes/*.test
AWS_PROFILE=keeper must_fail 251 lode remote test none
AWS_PROFILE=writer must_pass lode push --refresh

# Interrupted at any time, nothing of a test stays.
listed()
{
	curl -sf --aws-sigv4 'aws:amz:us-east-1:s3' --user "$S3_ACCESS_KEY:$S3_SECRET_KEY" \
		-H 'x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' \
		"$S3_ENDPOINT/bkt$1"
}
export AWS_PROFILE=keeper
for ms in 050 150 300 600; do
	lode remote test >"$WORK/int" 2>&1 &
	pid=$!
	sleep "0.$ms"
	kill -INT $pid
	wait $pid
done
unset AWS_PROFILE
listed '?prefix=some/prefix/lode/' >"$WORK/left"
hasnt "$WORK/left" '<Key>' 'no object is left'
listed '?uploads=' >"$WORK/left"
hasnt "$WORK/left" '<Upload>' 'no upload is left'

# A second factor: asked for on the terminal, once a command, and not shown.
if command -v script >/dev/null; then
	: >"$WORK/asked"
	# What is typed before the question does not count. This server refuses codes of
	# six digits, and takes others.
	{
		n=0
		until grep -q 'MFA code' "$WORK/asked" || [ $n -ge 200 ]; do
			n=$((n + 1))
			sleep 0.05
		done
		echo 12345
	} | AWS_PROFILE=careful timeout 30 \
		script -qefc 'lode push --refresh; echo "status $?"' "$WORK/asked" >"$WORK/tty" 2>&1
	has "$WORK/asked" "MFA code of 'arn:aws:iam:::mfa/me' for profile 'careful':" 'a code is asked for'
	has "$WORK/asked" 'status 0' 'and the role is taken'
	hasnt "$WORK/asked" '12345' 'the code is not shown'
	ok 'once' test "$(grep -c 'MFA code' "$WORK/asked")" -eq 1
else
	skip 'a second factor' 'no script(1)'
fi

# Refused roles.
AWS_PROFILE=stranger must_fail 1 lode push --refresh
has "$ERR" "AssumeRole of '.*Nobody'" 'a role that is not there is named'
AWS_PROFILE=wrong must_fail 1 lode push --refresh
has "$ERR" "AssumeRole of" 'wrong keys of the source are told'
has "$ERR" "SignatureDoesNotMatch|'bad'" 'with the reason'
hasnt "$ERR" 's3cret' 'without them'
plan_done
