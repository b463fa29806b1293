#!/bin/sh
# Differences from DVC that are wanted (docs/differences.md) and that no other script
# shows.
. "$(dirname "$0")/../lib/tap.sh"

git_repo
must_pass lode init -q
must_pass lode config cache.type hardlink,copy

# Executables share no inode with an object: one inode has one mode.
put run x
chmod 755 run
put plain y
must_pass lode add -q run plain
is "$(stat -c %h run)" 1 'an executable is no hard link'
is "$(stat -c %h plain)" 2 'another file is'
is "$(mode_of "$(object run)")" 444
rm run
must_pass lode checkout run.dvc
is "$(stat -c %h,%a run)" 1,744 'checkout does not link it either'

# In directories too, links come in the configured order.
must_pass lode config cache.type symlink,copy
put l/f 1l
must_pass lode add -q l
is "$(readlink l/f)" "$(pwd -P)/$(object l/f)" 'a file of a directory is linked'
must_pass lode remove --outs l.dvc
must_pass lode config cache.type hardlink,copy

# Names that are not UTF-8, and what is no file.
bad=$(printf 'b\377d')
put "$bad" 1
must_fail 1 lode add "$bad"
has "$ERR" 'UTF-8' 'a name that is not UTF-8 is refused'
mkdir d
put "d/$bad" 1
must_fail 1 lode add d
missing d.dvc
rm -r "$bad" d
mkdir d
mkfifo d/pipe
must_fail 1 lode add d
has "$ERR" 'd/pipe' 'a FIFO is refused by name'
missing d.dvc
rm -r d
is "$(git check-ignore d)" '' 'no ignore line stays behind'

# Values that ruamel writes so that they read back otherwise.
x74=$(printf '%074d' 0 | tr 0 x)
put "$x74  y" 1
must_pass lode add -q "$x74  y"
expect 'two spaces where a line is folded' 'Data and pipelines are up to date.' lode status
is "$(tail -n 1 "$x74  y.dvc")" "  path: '$x74  y'"
long=$(printf '%0130d' 0 | tr 0 k)
printf 'stages:\n  s:\n    cmd: x\n    params:\n    - "%s some more words"\n    outs: [o]\n' "$long" >dvc.yaml
printf '"%s some more words": 1\n' "$long" >params.yaml
put o 1
must_pass lode commit -q -f dvc.yaml
expect 'a long key' 'Data and pipelines are up to date.' lode status
rm dvc.yaml dvc.lock params.yaml o

# What push cannot find anywhere fails it, after all else was moved.
must_pass lode remote add -q -d store "$WORK/store"
mkdir d
put d/a alone
put d/b 2
put d/c 3
must_pass lode add -q d
rm -f "$(object d/a)"
put d/a gone
must_fail 1 lode push
has "$ERR" 'd/a' 'push names the missing object'
exists "$(object "$WORK/store" d/b)"
exists "$(object "$WORK/store" plain)"
is "$(find "$WORK/store" -name '*.dir')" '' 'and promises nothing'
rm -r "$WORK/store" d d.dvc

# Both kinds of targets at once.
put m 1m
put n 1n
must_pass lode add -q m n
expect 'a .dvc file and an output' '2 files pushed' lode push m.dvc n

# An output that is bound to a remote is looked for there.
must_pass lode remote add -q other "$WORK/other"
put own 1o
must_pass lode add -q own
printf '  remote: other\n' >>own.dvc
run lode status -c own
has "$OUT" 'new: +own' 'status -c asks the output'"'"'s remote'
must_pass lode push own
exists "$(object "$WORK/other" own)"

# A .dvc names no object that is not stored.
mkdir d
put d/a 1a
put d/b 1b
must_pass lode add -q d
put d/a 2a
put d/b 2b
must_pass lode commit -q -f d/a
exists "$(object d/b)"
expect 'commit of a part' 'Data and pipelines are up to date.' lode status

# move overwrites nothing.
put there mine
must_fail 1 lode move m there
is "$(cat there)" mine 'what lay at the destination stays'
exists m

# A refused remove changes nothing.
# shellcheck disable=SC2016 # the dollar is for the pipeline
printf 'stages:\n  s:\n    foreach: [a, b]\n    do: {cmd: x, outs: ["o-${item}"]}\n' >dvc.yaml
put o-a 1
put o-b 2
must_pass lode commit -q -f dvc.yaml
cp dvc.lock "$WORK/lock"
cp .gitignore "$WORK/ignore"
must_fail 1 lode remove s@a
same dvc.lock "$WORK/lock"
same .gitignore "$WORK/ignore"
rm dvc.yaml dvc.lock

# What an older revision does not know goes only when git does not have it.
git_all one
put z data
must_pass lode add -q z
git_all two
git checkout -q HEAD~1
rm -f z
put z data
git add -f z
git commit -qm 'git has it'
must_pass lode checkout
exists z
git checkout -q main

# A shared cache keeps what is young.
must_pass lode cache dir "$WORK/cache"
put s 1s
must_pass lode add -q s
rm s
put s 2s
must_pass lode add -q s
printf 1s >"$WORK/1s"
must_pass lode gc -w -f
exists "$(object "$WORK/cache" "$WORK/1s")"
must_pass lode gc -w -f --grace 0
missing "$(object "$WORK/cache" "$WORK/1s")"

# A downloaded object is hashed before it gets its name, and so is the warning that a
# cloned repository's config switches TLS off.
must_pass lode remote add -q s3 s3://bucket/x
must_pass lode remote modify -q s3 endpointurl https://127.0.0.1:9
must_pass lode remote modify -q s3 ssl_verify false
AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b run lode push -r s3 n
has "$ERR" 'ssl_verify' 'switching TLS checks off is told of'
plan_done
