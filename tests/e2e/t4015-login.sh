#!/bin/sh
# Who a remote is asked as, and what a cloned repository may not choose.
. "$(dirname "$0")/../lib/tap.sh"

git_repo
must_pass lode init -q
must_pass lode remote add -q -d s3 s3://bkt/some/prefix
must_pass lode remote modify -q s3 endpointurl http://127.0.0.1:9
put data 'some data'
must_pass lode add -q data

# A program that leaves a mark and gives keys, in the user's own file.
cat >"$WORK/give" <<-E
	#!/bin/sh
	echo ran >>"$WORK/ran"
	echo '{"Version": 1, "AccessKeyId": "AKID", "SecretAccessKey": "S3CR3T", "SessionToken": "T0K3N"}'
E
chmod +x "$WORK/give"
cat >"$AWS_CONFIG_FILE" <<-E
	[profile team]
	credential_process = '$WORK/give' "an argument"
	[profile role]
	role_arn = arn:aws:iam::1:role/R
	source_profile = plain
	mfa_serial = arn:aws:iam::1:mfa/me
	[profile plain]
	aws_access_key_id = AKID
	aws_secret_access_key = S3CR3T
E

must_fail 1 lode push
has "$ERR" 'no credentials: tried the environment' 'without any it says what was tried'

must_pass lode remote modify -q s3 profile team
git_all v1
must_fail 1 lode push
has "$ERR" "'team'.*credential_process.*--local" 'a program by the name of the repository does not run'
ok 'it left no mark' test ! -e "$WORK/ran"
must_pass lode remote modify -q --local s3 profile team
must_fail 1 lode push
has "$ERR" '127.0.0.1' 'chosen by the user it runs, and the server is asked'
ok 'once' test "$(wc -l <"$WORK/ran")" -eq 1
hasnt "$ERR" 'S3CR3T|T0K3N' 'no secret is told'

# The local file in git is the repository's own.
git add -f .dvc/config.local && git commit -qm local
rm -f "$WORK/ran"
must_fail 1 lode push
has "$ERR" 'git tracks the local configuration' 'a tracked local file is told'
ok 'and chooses no program' test ! -e "$WORK/ran"
git rm -q --cached .dvc/config.local && git commit -qm untracked
must_fail 1 lode push
ok 'until it is the own one again' test -e "$WORK/ran"

# Nor through a file of the repository's.
cp "$AWS_CONFIG_FILE" evil
rm -f "$WORK/ran" .dvc/config.local
: >"$AWS_CONFIG_FILE"
must_pass lode remote modify -q s3 configpath "$PWD/evil"
AWS_CONFIG_FILE='' must_fail 1 lode push
has "$ERR" "'configpath' from the repository" 'a file that the repository names is not read'
ok 'nothing of it ran' test ! -e "$WORK/ran"
must_pass lode remote modify -q -u s3 configpath
mv evil "$AWS_CONFIG_FILE"

# A second factor without a terminal.
must_pass lode remote modify -q --local s3 profile role
must_fail 1 setsid -w lode push
has "$ERR" "'role'.*mfa/me.*terminal" 'a missing terminal is told with the profile and the device'

# Certificates unchecked, by the repository.
must_pass lode remote modify -q --local s3 profile plain
must_pass lode remote modify -q s3 ssl_verify false
must_fail 1 lode push
has "$ERR" 'ssl_verify' 'a repository that turns certificates off is told'

# Nothing secret in a log or a document either.
AWS_SECRET_ACCESS_KEY=S3CR3T AWS_ACCESS_KEY_ID=AKID AWS_SESSION_TOKEN=T0K3N \
	run lode -vv push --json
hasnt "$OUT" 'S3CR3T|T0K3N' 'no secret in the document'
hasnt "$ERR" 'S3CR3T|T0K3N|[Ss]ignature=' 'no secret in the log'
plan_done
