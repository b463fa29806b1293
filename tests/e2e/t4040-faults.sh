#!/bin/sh
# Bad days of a network and a server, for the program as a whole: the exit status,
# what is on the remote, a cache that fsck finds clean, and no secret shown.
# docs/design/remote-faults.md numbers the cases.
. "$(dirname "$0")/../lib/tap.sh"
. "$TOPDIR/tests/lib/faults.sh"

fake_s3
fault_proxy 0
git_repo
must_pass lode init -q
s3_remote

# ---- 54: 10,000 objects, one request in a hundred meets a fault ------------------
mkdir many
awk 'BEGIN { for (i = 0; i < 10000; i++) { f = "many/f" i;
	printf "%s %1000d\n", i, i * 7 > f; close(f) } }'
must_pass lode add -q many
git_all many
plain=$PROXY
fault_proxy 1 4711
must_pass lode remote modify -q s3 endpointurl "$PROXY"
start=$(date +%s)
must_pass lode push -q
no_secrets 'push of 10,000'
faults=$(counter faults) requests=$(counter requests)
if [ "$faults" -gt 50 ] && [ "$requests" -lt 10800 ]; then
	pass "faults there were, and few more requests ($faults, $requests)"
else
	fail "faults there were, and few more requests ($faults, $requests)"
fi
expect 'in step' "Cache and remote 's3' are in sync." lode status -c --refresh
git clone -q . ../many
cd ../many || exit
must_pass lode pull -q
no_secrets 'pull of 10,000'
same many ../repo/many 'the clone has the same files'
must_pass lode fsck
took=$(($(date +%s) - start))
if [ "$took" -lt 60 ]; then
	pass 'in bounded time'
else
	fail "in bounded time: $took s"
fi
# The fault-free way there are as many objects, byte for byte the same.
cd ../repo || exit
must_pass lode remote modify -q s3 endpointurl "$plain"
PROXY=$plain
must_pass lode fsck -r s3 --sample 100

# ---- 36: listed, but gone when it is fetched --------------------------------------
put data/a 'one'
put data/b 'two'
must_pass lode add -q data
git_all data
must_pass lode push -q
git clone -q . ../gone
cd ../gone || exit
gone=$(object ../repo/data/a | sed 's|.*/files/md5/|files/md5/|')
rules "GET $gone status=404/NoSuchKey" "HEAD $gone status=404"
must_fail 1 lode pull data.dvc
has "$ERR" 'data/a' 'what is missing is named'
no_secrets 'a missing object'
must_pass lode fsck
no_rules
must_pass lode pull -q data.dvc
same data ../repo/data 'once it is there, the rest comes'

# ---- 52: no right to list, but to read ---------------------------------------------
git clone -q . ../reader
cd ../reader || exit
rules 'GET list-type status=403/AccessDenied' 'HEAD * status=403'
must_pass lode pull -q data.dvc
same data ../repo/data 'who may only read can pull'
no_rules
rules '* * status=403/AccessDenied'
rm -rf .dvc/cache data
must_fail 1 lode pull data.dvc
has "$ERR" 'AccessDenied' 'a denial is told'
requests=$(counter requests)
if [ "$requests" -le 4 ]; then
	pass 'and not asked for again and again'
else
	fail "and not asked for again and again: $requests requests"
fi
no_secrets 'a denial'
must_pass lode fsck
no_rules

# ---- 47: an interrupt in a plain upload, then once more ------------------------------
cd ../repo || exit
head -c 3000000 /dev/urandom >middle
must_pass lode add -q middle
key=$(object middle | sed 's|.*/files/md5/|files/md5/|')
rules "PUT $key hang"
lode push -q >"$OUT" 2>"$ERR" &
pid=$!
wait_counter faults 1
kill -INT "$pid"
wait "$pid"
is $? 252 'an interrupted push tells so'
no_rules
must_pass lode push -q
expect 'in step after it' "Cache and remote 's3' are in sync." lode status -c --refresh

# ---- 55: two pushes of the same objects at once --------------------------------------
head -c 9000000 /dev/urandom >both
must_pass lode add -q both
lode push -q --refresh >"$WORK/one.log" 2>&1 &
pid=$!
must_pass lode push -q --refresh
wait "$pid"
is $? 0 'the other push is through, too'
must_pass lode fsck -r s3 --sample 100

# ---- 50: little memory -----------------------------------------------------------------
cd ../gone || exit
git pull -q
rm -rf .dvc/cache
case $LODE_BIN in
*/asan) skip 'little memory: a sanitizer needs terabytes of addresses' ;;
*) must_pass sh -c 'ulimit -v 700000; lode pull -q data.dvc' ;;
esac

# ---- 33: certificates ------------------------------------------------------------------
command -v openssl >/dev/null || {
	skip 'no openssl: certificates'
	plan_done
}
cd "$WORK" || exit
mkdir tls
ca()
{
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "tls/$1.key" -out "tls/$1.pem" \
		-subj "/CN=$1" -days 2 2>/dev/null
}
cert() # NAME CA SUBJECT-ALT-NAME [OPTION...]
{
	name=$1 issuer=$2 san=$3
	shift 3
	openssl req -newkey rsa:2048 -nodes -keyout "tls/$name.key" -out "tls/$name.csr" \
		-subj "/CN=$name" 2>/dev/null
	printf 'subjectAltName=%s\n' "$san" >"tls/$name.ext"
	openssl x509 -req -in "tls/$name.csr" -CA "tls/$issuer.pem" -CAkey "tls/$issuer.key" \
		-CAcreateserial -out "tls/$name.pem" -extfile "tls/$name.ext" "$@" 2>/dev/null
}
serve() # NAME: PORT is where it answers
{
	PORT=$((20000 + $$ % 20000))
	while :; do
		openssl s_server -accept "127.0.0.1:$PORT" -cert "tls/$1.pem" -key "tls/$1.key" \
			-www -quiet >"tls/$1.log" 2>&1 &
		server=$!
		sleep 0.3
		kill -0 "$server" 2>/dev/null && break
		PORT=$((PORT + 1))
	done
	background "$server"
}
ca ours
ca theirs
cert good ours IP:127.0.0.1 -days 2
cert foreign theirs IP:127.0.0.1 -days 2
cert misnamed ours DNS:elsewhere.test -days 2
cert expired ours IP:127.0.0.1 -days -1
for name in foreign misnamed expired; do
	serve "$name"
	cd "$WORK/w/repo" 2>/dev/null || cd "$WORK"/*/repo || exit
	must_pass lode remote modify -q s3 endpointurl "https://127.0.0.1:$PORT"
	must_pass lode remote modify -q s3 ssl_verify "$WORK/tls/ours.pem"
	must_fail 1 lode push --refresh
	has "$ERR" 'certificate|SSL' "a certificate is refused: $name"
	hasnt "$ERR" 'after [0-9]+ tries' "and asked once"
	no_secrets "a $name certificate"
	kill "$server"
	cd "$WORK" || exit
done
plan_done
