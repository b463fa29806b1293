#!/bin/sh
# One model everywhere: tests/digest/digest.c compiled by gcc and clang at all
# levels of optimisation, with every SIMD level and number of threads, and for
# aarch64 and s390x (big-endian) under user-mode emulation. All must print the same
# lines. What is not installed is said and left out; DIGEST_STRICT=1 fails instead.
set -eu
cd "$(dirname "$0")/../.."

dir=$(mktemp -d "${TMPDIR:-/tmp}/lode-digest.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
JOBS=${JOBS-2}
bad=0 skipped=0

# What of the core makes and shows a model; readers and other formats do not.
find train/core store/base store/fmt -name '*.c' |
	grep -Ev 'train/core/model_(read|lightgbm|onnx|ubjson)|store/fmt/(yaml|toml|ini|awsini|glob|py)' | sort >"$dir/sources"
mkdir "$dir/include"
# For compilers that do not look into the system's own directory.
[ ! -e /usr/include/xxhash.h ] || ln -s /usr/include/xxhash.h "$dir/include/"

# compile NAME CC FLAGS...: an archive and the program
compile()
{
	name=$1 cc=$2
	shift 2
	mkdir "$dir/$name.o"
	echo "$* -std=c11 -D_GNU_SOURCE -DXXH_INLINE_ALL -I. -isystem $dir/include
		-include store/base/banned.h -pthread -fno-fast-math -ffp-contract=off
		-w" >"$dir/$name.flags"
	export name cc dir
	# shellcheck disable=SC2016 # for the inner shell
	xargs -P "$JOBS" -n 1 sh -c '
		case $1 in
		*_avx2.c) simd="-mavx2 -mbmi2" ;;
		*_avx512.c) simd="-mavx512f -mavx512bw -mavx512vl -mavx512dq -mbmi2" ;;
		*) simd= ;;
		esac
		case $cc in *-linux-gnu-*) simd= ;; esac
		$cc "@$dir/$name.flags" $simd -c "$1" \
			-o "$dir/$name.o/$(echo "$1" | tr / _).o"' sh <"$dir/sources" ||
		return 1
	ar rcs "$dir/$name.a" "$dir/$name.o"/*.o
	"$cc" "@$dir/$name.flags" -static tests/digest/digest.c "$dir/$name.a" \
		-o "$dir/$name" -lm
}

# same WHAT COMMAND...: does it print what the first one did?
same()
{
	what=$1
	shift
	if ! "$@" >"$dir/got" 2>&1; then
		printf 'not ok - %s\n' "$what"
		sed 's/^/# /' "$dir/got"
		bad=1
	elif [ ! -e "$dir/want" ]; then
		mv "$dir/got" "$dir/want"
		sed 's/^/# /' "$dir/want"
		printf 'ok - %s (the first)\n' "$what"
	elif cmp -s "$dir/want" "$dir/got"; then
		printf 'ok - %s\n' "$what"
	else
		printf 'not ok - %s: another model\n' "$what"
		diff "$dir/want" "$dir/got" | sed 's/^/# /'
		bad=1
	fi
}

missing()
{
	printf 'skip - %s is not installed\n' "$1"
	skipped=1
}

variant()
{
	if compile "$@"; then
		same "$1" "$dir/$1"
	else
		printf 'not ok - %s: does not compile\n' "$1"
		bad=1
	fi
}

variant gcc-O2 "${CC-gcc}" -O2
if [ -x "$dir/gcc-O2" ]; then
	for threads in 2 3 8; do
		same "$threads threads" "$dir/gcc-O2" "$threads"
	done
	for simd in scalar sse2 avx2 avx512; do
		same "$simd" "$dir/gcc-O2" 1 "$simd"
	done
fi
variant gcc-O0 gcc -O0
variant gcc-O3 gcc -O3
# A user's flags come first and do not count; those that would are refused.
variant gcc-user-flags gcc -O2 -ffast-math
if command -v clang >/dev/null 2>&1; then
	variant clang-O2 clang -O2
else
	missing clang
fi
for arch in aarch64 s390x; do
	if command -v $arch-linux-gnu-gcc >/dev/null 2>&1 &&
		command -v qemu-$arch >/dev/null 2>&1; then
		# ISO mode there would compute floats in double, as the ABI once said.
		fast=
		[ $arch != s390x ] || fast=-fexcess-precision=fast
		if compile $arch $arch-linux-gnu-gcc -O2 $fast; then
			same $arch qemu-$arch "$dir/$arch"
		else
			printf 'not ok - %s: does not compile\n' "$arch"
			bad=1
		fi
	else
		missing "$arch-linux-gnu-gcc or qemu-$arch"
	fi
done

# Without our flags behind them, the compiler's liberties are an error.
if echo '#include "train/core/fp.h"' |
	gcc -std=c11 -I. -ffast-math -fsyntax-only -x c - 2>/dev/null; then
	echo 'not ok - -ffast-math is taken'
	bad=1
else
	echo 'ok - -ffast-math is refused'
fi
[ "${DIGEST_STRICT-0}" = 0 ] || [ $skipped = 0 ] || bad=1
exit $bad
