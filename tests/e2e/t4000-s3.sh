#!/bin/sh
# S3 for real: a server that checks every signature.
. "$(dirname "$0")/../lib/tap.sh"

server=$TOPDIR/tests/servers/${S3_SERVER-rgw}
"$server" start "$WORK/s3" >"$WORK/server.log" 2>&1 || {
	tap_note "$(tail -n 5 "$WORK/server.log")"
	skip_all "$server does not start here"
}
at_exit "'$server' stop '$WORK/s3'"
. "$WORK/s3/env"
AWS_ACCESS_KEY_ID=$S3_ACCESS_KEY AWS_SECRET_ACCESS_KEY=$S3_SECRET_KEY
AWS_DEFAULT_REGION=us-east-1
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION
must_pass "$server" bucket "$WORK/s3" bkt

git_repo
must_pass lode init -q
must_pass lode remote add -q -d s3 s3://bkt/some/prefix
must_pass lode remote modify -q s3 endpointurl "$S3_ENDPOINT"
mkdir data
awk 'BEGIN { for (i = 0; i < 300; i++) { f = "data/f" i; print "file", i > f; close(f) } }'
: >data/empty
put 'data/sub/sp ace & ümlaut' 'odd name'
head -c 70000000 /dev/urandom >big
must_pass lode add -q data big
git_all v1

expect 'a dry run counts' '' lode push -q --dry-run
expect 'push' '304 files pushed' lode push
expect 'push again' 'Everything is up to date' sh -c 'lode push | sed "s/ *(.*//; s/\.$//"'
expect 'in step' 'Cache and remote '"'s3'"' are in sync.' lode status -c
must_pass lode fsck -r s3 --sample 100
cp -r data "$WORK/data" && cp big "$WORK/big"
git clone -q . ../clone
cd ../clone || exit
must_pass lode pull
same data "$WORK/data" 'the clone has the same directory'
same big "$WORK/big" 'and the same large file'
must_pass lode fsck
expect 'pull again' 'Everything is up to date.' lode pull

# Nothing is said to be pushed when it is not.
put data/new 'new'
must_pass lode add -q data
obj=$(object data/new)
rm -f "$obj" data/new
must_fail 1 lode push
has "$ERR" "data/new" "the missing object is named"

# Wrong secret, wrong bucket, no server.
AWS_SECRET_ACCESS_KEY=wrong must_fail 1 lode push --refresh
has "$ERR" 'SignatureDoesNotMatch|denied|credential' 'a wrong secret is told'
hasnt "$ERR" 'wrong' 'without the secret itself'
lode remote modify -q s3 url s3://no-such-bucket/x
must_fail 1 lode push
has "$ERR" 'NoSuchBucket' 'a missing bucket is named'
lode remote modify -q s3 url s3://bkt/some/prefix
must_pass lode remote modify -q --local s3 endpointurl http://127.0.0.1:9
must_fail 1 lode push --refresh
has "$ERR" '127.0.0.1' 'a dead endpoint is named'
must_pass lode remote modify -q --local -u s3 endpointurl

# gc -c keeps what is reachable, and young objects unless told otherwise.
cd ../repo || exit
must_pass lode gc -w -c -f
git clone -q . ../third
cd ../third || exit
must_pass lode pull -q
cd ../repo || exit

# TLS with an own CA.
if [ -n "${S3_TLS_ENDPOINT-}" ]; then
	lode remote add -q tls s3://bkt/some/prefix
	lode remote modify -q tls endpointurl "$S3_TLS_ENDPOINT"
	must_fail 1 lode push --refresh -r tls
	has "$ERR" 'certificate|SSL|TLS' 'an unknown CA is refused'
	lode remote modify -q tls ssl_verify "$S3_CA"
	must_pass lode push --refresh -r tls
	expect 'in step over TLS' "Cache and remote 'tls' are in sync." lode status -c -r tls
fi
plan_done
