# shellcheck shell=sh
#
# An S3 of our own with a proxy before it that does harm, for end-to-end tests:
#
#	. "$TOPDIR/tests/lib/faults.sh"	after tap.sh
#	fake_s3			starts fakes3d; credentials go into the environment
#	fault_proxy [PERCENT SEED]	starts faultproxy; PROXY is its URL
#	rules 'PUT partNumber=5 hang' 'GET * cut=10 times=3'
#	counter requests	what the proxy counted since the start or no_rules
#	no_rules		rules and counters are gone
#	s3_remote		adds the remote "s3" at the proxy as the default one
#	wait_record dn 10000000	until a record says so much is there
#	uploads			how many multipart uploads are open

wait_for_file()
{
	tap_try=0
	while [ ! -s "$1" ] && [ "$tap_try" -lt 200 ]; do
		tap_try=$((tap_try + 1))
		sleep 0.05
	done
	[ -s "$1" ] || tap_bail "'$1' did not come"
}

fake_s3()
{
	[ -x "$LODE_BIN/tests/servers/fakes3d" ] || skip_all 'no servers of the tests'
	"$LODE_BIN/tests/servers/fakes3d" "$WORK/s3.env" >"$WORK/fakes3d.log" 2>&1 &
	background $!
	wait_for_file "$WORK/s3.env"
	# shellcheck disable=SC1091 # written by the line above
	. "$WORK/s3.env"
	AWS_ACCESS_KEY_ID=$S3_ACCESS_KEY AWS_SECRET_ACCESS_KEY=$S3_SECRET_KEY
	AWS_EC2_METADATA_DISABLED=true
	export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_EC2_METADATA_DISABLED
}

fault_proxy()
{
	rm -f "$WORK/proxy.port"
	"$LODE_BIN/tests/servers/faultproxy" "${S3_ENDPOINT#http://}" "$WORK/proxy.port" "$@" \
		>"$WORK/faultproxy.log" 2>&1 &
	background $!
	wait_for_file "$WORK/proxy.port"
	PROXY=http://127.0.0.1:$(cat "$WORK/proxy.port")
}

rules()
{
	printf '%s\n' "$@" | curl -sf -X PUT --data-binary @- "$PROXY/_rules" ||
		tap_bail 'the proxy takes no rules'
}

no_rules()
{
	curl -sf "$PROXY/_reset" >/dev/null || tap_bail 'the proxy does not answer'
}

counter()
{
	curl -sf "$PROXY/_stats" | sed -n "s/^$1=//p"
}

# wait_counter NAME N: until the proxy counted so many
wait_counter()
{
	tap_try=0
	while [ "$(counter "$1")" -lt "$2" ] && [ "$tap_try" -lt 400 ]; do
		tap_try=$((tap_try + 1))
		sleep 0.05
	done
}

# wait_record KIND BYTES: until the record of the one transfer (up, dn) that is under way
# in this repository vouches for so many bytes
wait_record()
{
	tap_try=0
	while [ $tap_try -lt 400 ]; do
		tap_try=$((tap_try + 1))
		cat .dvc/cache/lode/transfers/*."$1" 2>/dev/null | awk -v want="$2" '
			$1 == "part-bytes" { size = $2 }
			$1 == "part" { have += size }
			$1 == "range" { have += ($3 - $2) * size + $4 }
			END { exit have < want }' && return
		sleep 0.05
	done
	tap_bail "the record never had $2 bytes"
}

s3_remote()
{
	must_pass lode remote add -q -d s3 s3://bkt/some/prefix
	must_pass lode remote modify -q s3 endpointurl "$PROXY"
}

# No output of any command may show the secret or a signature.
no_secrets()
{
	# shellcheck disable=SC2154 # tap.sh sets OUT and ERR
	if grep -qF "$S3_SECRET_KEY" "$OUT" "$ERR" || grep -q 'Signature=' "$OUT" "$ERR"; then
		fail "$1: a secret is shown"
	else
		pass "$1: no secret is shown"
	fi
}
