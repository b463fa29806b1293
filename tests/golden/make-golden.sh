#!/bin/sh
# make-golden.sh [PART...]: make the golden data again, with real DVC.
#
# PART is yaml, formats, ignore, resolve, cases, or the file name of one case; all but
# the last by default. Needs git and DVC 3.67.1 with ruamel.yaml 0.19.1: DVC names its program
# (default: a virtual environment that this script makes and throws away). Nothing
# outside tests/golden/data is written. Two runs differ in nothing that a test reads.
set -eu

here=$(cd "$(dirname "$0")" && pwd -P)
tmp=$(mktemp -d)
trap 'chmod -R u+rwX "$tmp"; rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

if [ -z "${DVC-}" ]; then
	python3 -m venv "$tmp/venv"
	"$tmp/venv/bin/pip" install -q 'dvc==3.67.1' 'ruamel.yaml==0.19.1'
	DVC=$tmp/venv/bin/dvc
fi
python=$(dirname "$DVC")/python
[ "$("$DVC" --version)" = 3.67.1 ] || { echo "DVC must be 3.67.1" >&2; exit 1; }
"$python" -c 'import ruamel.yaml, sys; sys.exit(ruamel.yaml.__version__ != "0.19.1")' ||
	{ echo "ruamel.yaml must be 0.19.1" >&2; exit 1; }

for v in $(env | sed -n 's/^\(\(AWS\|DVC\|GIT\|XDG\)_[A-Za-z_]*\)=.*/\1/p'); do
	[ "$v" = DVC ] || unset "$v"
done
unset COLUMNS CI
export DVC
export HOME="$tmp/home" DVC_NO_ANALYTICS=1 DVC_SITE_CACHE_DIR="$tmp/site" TZ=UTC
export GIT_CONFIG_NOSYSTEM=1 LC_ALL=C.UTF-8 XDG_CONFIG_DIRS="$tmp/xdg"
mkdir -p "$HOME" "$here/data"

# Two at a time; each in a world of its own.
# shellcheck disable=SC2016 # for the inner shell
cases()
{
	export GOLDEN_MAKE=1 GOLDEN_CANON="$python $here/canon.py" here
	for c; do
		basename "$c" .sh
	done | xargs -P 2 -I @ sh -c \
		'rm -rf "$here/data/cases/@"; "$here/run-case.sh" "$here/cases/@.sh" "$here/data/cases/@"'
}

[ $# -gt 0 ] || set -- yaml formats ignore resolve cases
for part; do
	case $part in
	yaml) "$python" "$here/mk_yaml.py" "$here/data/yaml-scalars.jsonl" ;;
	formats) "$python" "$here/mk_formats.py" "$here/data" ;;
	ignore) "$python" "$here/mk_ignore.py" "$here/data" ;;
	resolve) "$python" "$here/mk_resolve.py" "$here/data/resolve" ;;
	cases) cases "$here"/cases/*.sh ;;
	*.sh) cases "$here/cases/$part" ;;
	*) echo "no part '$part'" >&2; exit 1 ;;
	esac
done
