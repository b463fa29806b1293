#!/bin/sh
# A version-aware remote on a real server: what is on record is read.
. "$(dirname "$0")/../lib/tap.sh"

"$TOPDIR/tests/servers/rgw" start "$WORK/s3" >"$WORK/rgw.log" 2>&1 || {
	tap_note "$(tail -n 5 "$WORK/rgw.log")"
	skip_all 'radosgw does not start here'
}
at_exit "'$TOPDIR/tests/servers/rgw' stop '$WORK/s3'"
. "$WORK/s3/env"
AWS_ACCESS_KEY_ID=$S3_ACCESS_KEY AWS_SECRET_ACCESS_KEY=$S3_SECRET_KEY
AWS_DEFAULT_REGION=us-east-1
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION

# s3put PATH FILE: the answer's headers to stdout
s3put()
{
	curl -sf -D - -o /dev/null -X PUT --aws-sigv4 'aws:amz:us-east-1:s3' \
		--user "$S3_ACCESS_KEY:$S3_SECRET_KEY" \
		-H "x-amz-content-sha256: $(sha256sum <"$2" | cut -d ' ' -f 1)" \
		-H 'Content-Type: application/octet-stream' --data-binary "@$2" "$S3_ENDPOINT/$1"
}

# version KEY FILE: store it, print its version
version()
{
	s3put "ver/some/$1" "$2" | tr -d '\r' | sed -n 's/^[Xx]-[Aa]mz-[Vv]ersion-[Ii]d: //p'
}

: >"$WORK/none"
printf '%s' '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>' >"$WORK/versioning"
must_pass s3put ver "$WORK/none"
must_pass s3put 'ver?versioning=' "$WORK/versioning"

printf one >"$WORK/1"
printf two >"$WORK/2"
head -c 40000000 /dev/urandom >"$WORK/big"
v1=$(version d/a "$WORK/1")
version d/a "$WORK/2" >/dev/null
v2=$(version 'd/s/b' "$WORK/2")
v3=$(version big "$WORK/big")
isnt_empty=$([ -n "$v1" ] && [ -n "$v3" ] && echo yes)
is "$isnt_empty" yes 'the server keeps versions'

git_repo
must_pass lode init -q
must_pass lode remote add -q -d v s3://ver/some
must_pass lode remote modify -q v endpointurl "$S3_ENDPOINT"
must_pass lode remote modify -q v version_aware true
md5()
{
	md5sum <"$1" | cut -d ' ' -f 1
}
cat >d.dvc <<END
outs:
- hash: md5
  path: d
  files:
  - relpath: a
    md5: $(md5 "$WORK/1")
    size: 3
    cloud:
      v:
        etag: $(md5 "$WORK/1")
        version_id: $v1
  - relpath: s/b
    md5: $(md5 "$WORK/2")
    size: 3
    cloud:
      v:
        etag: $(md5 "$WORK/2")
        version_id: $v2
END
cat >big.dvc <<END
outs:
- md5: $(md5 "$WORK/big")
  size: 40000000
  hash: md5
  path: big
  cloud:
    v:
      version_id: $v3
END
must_pass lode status -c --deep
has "$OUT" 'deleted: +d/a' 'the version is there, the cache has nothing'
must_pass lode pull
is "$(cat d/a)" one 'the version on record, not the last one'
same big "$WORK/big" 'a large file comes in ranges of its version'
same 'd/s/b' "$WORK/2"
expect 'push has nothing to write' 'Everything is up to date.' lode push
printf new >d/a
must_pass lode add -q d
must_fail 255 lode push
has "$ERR" 'version-aware' 'and says so when it has'
has "$ERR" "'d'" 'and names what'
must_fail 255 lode fsck -r v
has "$ERR" 'version-aware'
plan_done
