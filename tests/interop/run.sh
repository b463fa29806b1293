#!/bin/sh
# run.sh [TEST...]: the interop tests, against DVC 3.67.1.
#
# DVC names its program. Else it is installed from the Python package index into a
# virtual environment that is thrown away at the end; where that fails only the replay
# of the recorded runs is made, and said so. LODE_BIN names the directory of ours.
#
# ML names a Python that has XGBoost, LightGBM and ONNX Runtime (numpy, scikit-learn),
# for models; else they are installed in the same way, or that test is skipped.
set -eu

here=$(cd "$(dirname "$0")" && pwd -P)
: "${LODE_BIN:?must name the directory of the program}"
venv=
# shellcheck disable=SC2086 # paths without spaces, of mktemp
trap '[ -z "$venv" ] || rm -rf $venv' EXIT
trap 'exit 130' HUP INT TERM

if [ -z "${DVC-}" ]; then
	venv=$(mktemp -d)
	echo "installing dvc into a virtual environment" >&2
	# Newer releases of two dependencies contradict each other.
	if python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check \
		'dvc[s3]==3.67.1' 'ruamel.yaml==0.19.1' 'aiobotocore[boto3]<3' 's3fs<2026' >&2; then
		DVC=$venv/bin/dvc
	else
		echo "dvc cannot be installed here: only the recorded runs are replayed" >&2
		DVC=
	fi
fi
if [ -z "${ML-}" ]; then
	ml=$(mktemp -d)
	venv="$venv $ml"
	echo "installing xgboost, lightgbm and onnxruntime into a virtual environment" >&2
	if python3 -m venv "$ml" && "$ml/bin/pip" install -q --disable-pip-version-check \
		numpy scikit-learn xgboost lightgbm onnxruntime >&2; then
		ML=$ml/bin/python
	else
		echo "they cannot be installed here: models are not compared" >&2
		ML=
	fi
fi
export DVC LODE_BIN ML
[ $# -gt 0 ] || set -- "$here"/t[0-9]*.sh
prove -j "${JOBS:-2}" --timer "$@"
