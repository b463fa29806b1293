#!/bin/sh
# A pull asks for nothing but objects: it works where nothing may be listed or
# looked at. And no secret is told, however much is.
. "$(dirname "$0")/../lib/tap.sh"
. "$TOPDIR/tests/lib/faults.sh"

fake_s3
fault_proxy 0
git_repo
must_pass lode init -q
s3_remote
mkdir data
awk 'BEGIN { for (i = 0; i < 50; i++) { f = "data/f" i; print "file", i > f; close(f) } }'
head -c 40000000 /dev/urandom >big
must_pass lode add -q data big
git_all v1
must_pass lode push -q

git clone -q . ../clone
cd ../clone || exit
rules 'HEAD * status=403' 'GET prefix= status=403' 'GET list-type= status=403'
must_pass lode pull
same data ../repo/data 'pulled without a listing and a look'
same big ../repo/big 'the large file too'
must_pass lode fetch
rm -rf .dvc/cache data
must_pass lode pull data.dvc
same data ../repo/data 'and again by name'
put new 'new'
must_pass lode add -q new
must_fail 1 lode push
has "$ERR" 's3:(ListBucket|GetObject)' 'a push needs to look, and is told so'

# Everything that can be told, and what must not be in it.
no_rules
rules 'GET files/md5 status=403 times=1'
AWS_SESSION_TOKEN=T0K3N run lode -vvv pull --json
no_secrets 'a log and a document'
for arg in '-vvv push --refresh' '-vvv status -c' '-vvv remote test' 'remote test --json' 'config -l' \
	'remote list'; do
	# shellcheck disable=SC2086 # words
	AWS_SESSION_TOKEN=T0K3N run lode $arg
	no_secrets "$arg"
	hasnt "$OUT" 'T0K3N' "$arg: nor the token"
	hasnt "$ERR" 'T0K3N' "$arg: nor in the log"
done
plan_done
