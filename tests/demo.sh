#!/bin/sh
# The main job, start to end, in a repository of its own: what the README tells,
# with every command and what it prints. LODE_BIN is the directory of the program;
# DEMO is where to work (a new directory below TMPDIR when not given).
set -eu

top=$(cd "$(dirname "$0")/.." && pwd -P)
bin=$(cd "${LODE_BIN:-$top/build/release}" && pwd -P)
demo=${DEMO-}
[ -n "$demo" ] || demo=$(mktemp -d "${TMPDIR:-/tmp}/lode-demo.XXXXXX")
mkdir -p "$demo"
demo=$(cd "$demo" && pwd -P)
PATH=$bin:$PATH
export PATH

# The reader's own settings stay out of it.
mkdir -p "$demo/home"
HOME=$demo/home XDG_CONFIG_HOME=$demo/home/.config
GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=$demo/home/.gitconfig
export HOME XDG_CONFIG_HOME GIT_CONFIG_NOSYSTEM GIT_CONFIG_GLOBAL
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE LODE_FAULT 2>/dev/null || :
git config --global user.name 'Demo'
git config --global user.email 'demo@example.com'
git config --global init.defaultBranch main
git config --global advice.detachedHead false

if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then
	bold=$(printf '\033[1m') plain=$(printf '\033[0m')
else
	bold='' plain=''
fi

say()
{
	printf '\n%s# %s%s\n' "$bold" "$*" "$plain"
}

# Show a command as one would type it, then run it.
run()
{
	printf '%s$ %s%s\n' "$bold" "$*" "$plain"
	"$@"
}

go()
{
	printf '%s$ cd %s%s\n' "$bold" "${1#"$demo"/}" "$plain"
	cd "$1"
}

check()
{
	if cmp -s "$1" "$2"; then
		echo "(the same bytes as $(basename "$(dirname "$2")")/$(basename "$2"))"
	else
		echo "demo: '$1' is not what '$2' is" >&2
		exit 1
	fi
}

say 'A new project: git for the code, lode for the data'
run git init -q "$demo/penguins"
go "$demo/penguins"
run lode init
run lode remote add -d storage "$demo/storage"
run git commit -q -a -m 'Set up lode'

say 'A dataset: 344 penguins, measured on three islands, with the raw records'
run mkdir data
run cp "$top/tests/data/demo/penguins.csv" "$top/tests/data/demo/penguins-raw.csv" data/
run lode add data
run cat data.dvc
run git add data.dvc .gitignore
run git commit -q -m 'Track the penguins'
run git tag v1

say 'Upload it, and see that nothing is left to upload'
run lode push
run lode push

say 'A colleague clones the project and gets the data'
go "$demo"
run git clone -q "$demo/penguins" colleague
go "$demo/colleague"
run lode pull
check data/penguins.csv "$top/tests/data/demo/penguins.csv"

say 'A second version: drop the rows with missing values'
printf '%s$ grep -v NA data/penguins.csv >clean.csv && mv -f clean.csv data/penguins.csv%s\n' \
	"$bold" "$plain"
grep -v NA data/penguins.csv >clean.csv && mv -f clean.csv data/penguins.csv
run lode status
run lode add data
run lode diff
run git commit -q -a -m 'Drop incomplete rows'
run lode push

say 'Back to the first version, and forward again'
run git checkout -q v1
run lode checkout
run wc -l data/penguins.csv
check data/penguins.csv "$top/tests/data/demo/penguins.csv"
run git checkout -q main
run lode checkout
run wc -l data/penguins.csv

say 'What changed between the two?'
run lode diff v1 main

say 'Is everything that is stored what its name says?'
run lode fsck
run lode fsck -c
run lode status

say "Done. The repositories lie in $demo: penguins/, colleague/ and storage/"
