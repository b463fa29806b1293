#!/bin/sh
# config and remote: levels, routing of our own keys, secrets.
. "$(dirname "$0")/../lib/tap.sh"

git_repo
must_pass lode init -q
must_pass lode config core.autostage true
expect 'a value' true lode config core.autostage
expect 'nothing set is no failure' '' lode config core.remote
must_fail 251 lode config --local core.remote
must_fail 251 lode config core.bogus 1
has "$ERR" "extra keys not allowed @ data\\['core'\\]\\['bogus'\\]"
must_fail 254 lode config bogus
must_fail 1 lode config
must_fail 1 lode config -l core.remote
expect 'where it comes from' "$(printf '.dvc/config\ttrue')" lode config --show-origin core.autostage

must_pass lode remote add -d one s3://bucket/path
is "$(cat "$OUT")" "Setting 'one' as a default remote." 'the default is told'
must_pass lode remote add two ../two
expect 'list' "one     s3://bucket/path        (default)
two     $WORK/w/two" lode remote list
expect 'the default' one lode remote default
must_fail 251 lode remote add one x
must_fail 251 lode remote modify nope url x
must_pass lode remote modify one endpointurl http://127.0.0.1:9000

# Secrets: warned of where git sees them, masked in listings, shown when asked for.
must_pass lode remote modify one secret_access_key hidden
has "$ERR" 'WARNING: .*secret' 'a tracked secret is warned of'
must_pass lode remote modify --local one access_key_id hiddentoo
hasnt "$ERR" WARNING 'a local one is not'
run lode config -l
has "$OUT" 'remote\.one\.secret_access_key=\*\*\*' 'config -l masks it'
hasnt "$OUT" hidden
run lode config -l --json
hasnt "$OUT" hidden 'and so does its JSON'
expect 'asked for by name it is shown' hidden lode config remote.one.secret_access_key
must_pass lode remote modify --local two url s3://key:hidden@host/b
run lode remote list
hasnt "$OUT" hidden 'remote list masks a password in a URL'

must_pass lode remote rename two three
must_fail 251 lode remote remove two
must_pass lode remote modify --local -u one access_key_id
must_pass lode remote remove one
must_fail 1 lode remote default
is "$(cat "$OUT")" 'No default remote set' 'removing the default unsets it'

# A broken file is told by name and stops what needs it, not what mends it.
printf '[core]\n    bogus = 1\n' >.dvc/config
must_fail 251 lode status
has "$ERR" "extra keys not allowed @ data\\['core'\\]\\['bogus'\\]"
expect 'config -l still works' 'core.bogus=1' lode config --project -l
must_pass lode config -u core.bogus
must_pass lode status

expect 'the cache' "$PWD/.dvc/cache" lode cache dir
must_pass lode cache dir ../common
expect 'another cache' "$WORK/w/common" lode cache dir
must_pass lode cache dir -u
cd / || exit
must_pass lode config --global core.analytics false
must_fail 251 lode config core.remote x
plan_done
