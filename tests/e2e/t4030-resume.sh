#!/bin/sh
# A push and a pull that are killed, and what the next run sends again.
. "$(dirname "$0")/../lib/tap.sh"
. "$TOPDIR/tests/lib/faults.sh"

fake_s3
fault_proxy 0
cat >"$AWS_CONFIG_FILE" <<EOT
[default]
s3 =
  multipart_threshold = 5MB
  multipart_chunksize = 5MB
EOT

git_repo
must_pass lode init -q
s3_remote
head -c 50000000 /dev/urandom >big
must_pass lode add -q big
git_all v1

# ---- an upload ---------------------------------------------------------------
# Ten parts; from the fifth on the server is silent.
rules 'PUT partNumber=5 hang' 'PUT partNumber=6 hang' 'PUT partNumber=7 hang' \
	'PUT partNumber=8 hang' 'PUT partNumber=9 hang' 'PUT partNumber=10 hang'
lode push -q >"$WORK/push.log" 2>&1 &
pid=$!
wait_counter requests 12
wait_counter up 20971000
sleep 0.5
kill -KILL "$pid"
wait "$pid" 2>/dev/null
is "$(find .dvc/cache/lode/transfers -name '*.up' | wc -l)" 1 'the killed push left a record'
must_pass lode fsck
no_rules
must_pass lode push
no_secrets push
up=$(counter up)
if [ "$up" -lt 36000000 ] && [ "$up" -gt 25000000 ]; then
	pass 'the parts that were there were not sent again'
else
	fail "the parts that were there were not sent again: $up bytes went up"
fi
is "$(find .dvc/cache/lode/transfers -type f | wc -l)" 0 'nothing is left of the record'
expect 'in step' "Cache and remote 's3' are in sync." lode status -c
must_pass lode fsck -r s3 --sample 100

# An interrupt leaves it to the next run, too.
head -c 50000000 /dev/urandom >big2
must_pass lode add -q big2
no_rules
rules 'PUT partNumber=7 hang' 'PUT partNumber=8 hang' 'PUT partNumber=9 hang' \
	'PUT partNumber=10 hang'
lode push -q >"$WORK/push.log" 2>&1 &
pid=$!
wait_counter requests 12
wait_counter up 31457000
sleep 0.3
kill -TERM "$pid"
wait "$pid"
is $? 252 'an interrupted push tells so'
no_rules
must_pass lode push
up=$(counter up)
if [ "$up" -lt 30000000 ]; then
	pass 'what it had sent is not sent again'
else
	fail "what it had sent is not sent again: $up bytes went up"
fi

# ---- limits ---------------------------------------------------------------------
head -c 3000000 /dev/urandom >slow
must_pass lode add -q slow
no_rules
before=$(date +%s)
must_pass lode push --limit-up 1M/s --max-connections 2 -j 8
took=$(($(date +%s) - before))
if [ "$took" -ge 2 ]; then
	pass 'a limited push takes its time'
else
	fail "a limited push takes its time: $took s"
fi
must_fail 1 lode push --limit-up fast
has "$ERR" 'limit-up' 'a rate that is none is told'
must_pass lode remote modify -q s3 limit_down 900M
has .dvc/lode.config 'limit_down = 900M' 'a limit goes into a file of ours'
hasnt .dvc/config limit_down 'and not into one of DVC'"'"'s'

# ---- a download --------------------------------------------------------------
git clone -q . ../clone
cd ../clone || exit
no_rules
rules 'GET files/md5 skip=2 stall=4000000'
# The record is written a few times a second: the bytes come over more than one.
lode pull -q --limit-down 15M big.dvc >"$WORK/pull.log" 2>&1 &
pid=$!
wait_record dn 12000000
kill -KILL "$pid"
wait "$pid" 2>/dev/null
is "$(find .dvc/cache/lode/transfers -name '*.dn' | wc -l)" 1 'the killed pull left a record'
must_pass lode fsck
no_rules
must_pass lode pull big.dvc
no_secrets pull
down=$(counter down)
if [ "$down" -lt 49000000 ]; then
	pass 'the ranges that were there were not fetched again'
else
	fail "the ranges that were there were not fetched again: $down bytes came down"
fi
same big ../repo/big 'the file is right'
is "$(find .dvc/cache/lode/transfers -type f | wc -l)" 0 'nothing is left of the record'
is "$(find .dvc/cache/files -name '*.tmp' | wc -l)" 0 'nor of the temporary'
must_pass lode fsck

# ---- cleaning up -------------------------------------------------------------
cd ../repo || exit
head -c 30000000 /dev/urandom >big3
must_pass lode add -q big3
no_rules
rules 'PUT partNumber=5 hang' 'PUT partNumber=6 hang'
lode push -q >"$WORK/push.log" 2>&1 &
pid=$!
wait_counter requests 8
sleep 0.5
expect 'an upload that is under way stays' 'Nothing to clean up.' \
	sh -c 'lode remote cleanup --older-than 0 | head -n 1'
kill -KILL "$pid"
wait "$pid" 2>/dev/null
no_rules
# Somebody else's, in the same bucket and below the same prefix.
foreign=$(curl -sf -X POST --aws-sigv4 'aws:amz:us-east-1:s3' --user "$S3_ACCESS_KEY:$S3_SECRET_KEY" \
	-H 'x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' \
	"$S3_ENDPOINT/bkt/some/prefix/theirs.bin?uploads=")
has "$(printf '%s' "$foreign" >"$WORK/foreign"; echo "$WORK/foreign")" UploadId 'a foreign upload is begun'
expect 'young ones stay' 'Nothing to clean up.' sh -c 'lode remote cleanup | head -n 1'
run lode remote cleanup --dry-run --older-than 0s
has "$OUT" 'would abort upload of files/md5/' 'a dry run names the upload'
hasnt "$OUT" theirs 'and nobody else'"'"'s'
is "$(find .dvc/cache/lode/transfers -name '*.up' | wc -l)" 1 'a dry run removes no record'
run lode remote cleanup --older-than 0s --json
is "$RC" 0 'cleaning up'
has "$OUT" '"aborted": *1' 'JSON counts the upload'
is "$(find .dvc/cache/lode/transfers -type f | wc -l)" 0 'the record is gone'
expect 'once more' 'Nothing to clean up.' lode remote cleanup --older-than 0s
curl -sf --aws-sigv4 'aws:amz:us-east-1:s3' --user "$S3_ACCESS_KEY:$S3_SECRET_KEY" \
	-H 'x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' \
	"$S3_ENDPOINT/bkt?uploads=" >"$WORK/uploads"
has "$WORK/uploads" theirs 'the foreign upload is still there'
hasnt "$WORK/uploads" files/md5 'ours is not'
must_fail 255 lode remote cleanup --older-than soon
must_pass lode push
expect 'in step at the end' "Cache and remote 's3' are in sync." lode status -c
plan_done
