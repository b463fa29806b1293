#!/bin/sh
# A web server as a remote: somebody else's, with a file system below it.
. "$(dirname "$0")/../lib/tap.sh"

mkdir "$WORK/web"
cat >"$WORK/server.py" <<'END'
import base64, http.server, os, sys
root, port_file, user = sys.argv[1:]
class H(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def __init__(self, *a, **k):
        super().__init__(*a, directory=root, **k)
    def log_message(self, *a):
        pass
    def allowed(self):
        want = "Basic " + base64.b64encode(user.encode()).decode()
        if not user or self.headers.get("Authorization") == want:
            return True
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False
    def do_GET(self):
        if self.allowed():
            super().do_GET()
    def do_HEAD(self):
        if self.allowed():
            super().do_HEAD()
    def do_POST(self):
        if not self.allowed():
            return
        data = self.rfile.read(int(self.headers["Content-Length"]))
        path = self.translate_path(self.path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H)
with open(port_file + ".new", "w") as f:
    f.write(str(s.server_port))
os.rename(port_file + ".new", port_file)
s.serve_forever()
END
python3 "$WORK/server.py" "$WORK/web" "$WORK/port" 'me:geheim' 2>"$WORK/server.err" &
background $!
tries=0
while [ ! -e "$WORK/port" ] && [ $tries -lt 100 ]; do
	tries=$((tries + 1))
	sleep 0.1
done
[ -e "$WORK/port" ] || skip_all 'no web server'
url=http://127.0.0.1:$(cat "$WORK/port")/data/sets

git_repo
must_pass lode init -q
must_pass lode remote add -q -d web "$url/"
put d/a one
put 'd/s/b c' two
head -c 3000000 /dev/urandom >big
must_pass lode add -q d big
git_all v1
must_fail 1 lode push
has "$ERR" 'HTTP 401' 'without a password'
must_pass lode remote modify -q web auth basic
must_pass lode remote modify -q web user me
must_pass lode remote modify -q web ask_password true
must_fail 1 lode push </dev/null
has "$ERR" 'terminal' 'nobody can be asked here'
must_pass lode remote modify -q --local web password geheim
expect 'push' '4 files pushed' lode push --verify
exists "$(object "$WORK/web/data/sets" d/a)"
expect 'in step' "Cache and remote 'web' are in sync." lode status -c --deep
must_pass lode fsck -r web
cp -r d "$WORK/d" && cp big "$WORK/big"
rm -rf d big .dvc/cache .dvc/tmp/lode
must_pass lode pull
same d "$WORK/d"
same big "$WORK/big"

# What is wrong there gets no name here, and fsck puts it right.
printf 'onX' >"$(object "$WORK/web/data/sets" d/a)"
rm -rf d .dvc/cache .dvc/tmp/lode
must_fail 1 lode pull
has "$ERR" 'damaged on the remote' 'wrong bytes are told'
missing d/a
cp "$WORK/d/a" d/a
must_pass lode add -q d
must_fail 1 lode fsck -r web
must_pass lode fsck -r web --repair
is "$(cat "$(object "$WORK/web/data/sets" d/a)")" one 'they are right again'

must_fail 255 lode gc -w -c -f
has "$ERR" 'listed or removed' 'nothing can be collected there'
must_pass lode remote add -q below remote://web/other
must_pass lode push -q -r below
exists "$(object "$WORK/web/data/sets/other" d/a)"
must_pass lode add -q "remote://web/$(object . d/a | sed 's|^\./||')" -o byurl
is "$(cat byurl)" one 'a file below the remote'
grep -r geheim .dvc/tmp "$WORK"/*.err >/dev/null 2>&1
is "$?" 1 'the password is nowhere else'
plan_done
