# What the servers under test have in common; sourced by the scripts beside it.
#
# The sourcing script sets $server (its own name, for messages). start and stop work on
# $dir: run/pids records each process, log/ what they say, run/claim the ports.
# shellcheck shell=sh disable=SC2154 # dir, port and server are the sourcing script's

die()
{
	echo "$server: $*" >&2
	exit 1
}

# One word per recorded process: PID:START, START being its start time in clock
# ticks, so that a reused pid is never taken for ours.
started()
{
	sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
}

remember()
{
	echo "$1:$(started "$1")" >>"$dir/run/pids"
}

stop()
{
	[ -e "$dir/run/pids" ] || return 0
	while IFS=: read -r pid when; do
		# A gentle end takes the store two minutes and saves nothing.
		if [ -n "$when" ] && [ "$(started "$pid")" = "$when" ]; then
			kill -KILL "$pid" 2>/dev/null || :
		fi
	done <"$dir/run/pids"
	rm -f "$dir/run/pids"
	if [ -e "$dir/run/claim" ]; then
		rm -rf "$(cat "$dir/run/claim")"
		rm -f "$dir/run/claim"
	fi
}

# Ports are taken by making a directory, which succeeds for one caller only; a
# claim whose server is gone is stale. Below the range the kernel gives out itself.
claims=/tmp/lode-test-ports.$(id -u)

is_free()
{
	hex=$(printf '%04X' "$1")
	! cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q "^ *[0-9]*: [0-9A-F]*:$hex "
}

claim_ports()
{
	mkdir -p "$claims"
	n=0
	while [ $n -lt 400 ]; do
		n=$((n + 1))
		port=$((20000 + ($(od -An -N2 -tu2 /dev/urandom) % 600) * 20))
		claim=$claims/$port
		if [ -e "$claim/dir" ] && ! [ -e "$(cat "$claim/dir")/run/pids" ]; then
			rm -rf "$claim"
		fi
		mkdir "$claim" 2>/dev/null || continue
		echo "$dir" >"$claim/dir"
		i=0
		while [ $i -lt 20 ] && is_free $((port + i)); do
			i=$((i + 1))
		done
		if [ $i -eq 20 ]; then
			echo "$claim" >"$dir/run/claim"
			return 0
		fi
		rm -rf "$claim"
	done
	die "no free ports"
}

# Start a program in the background, detached from our streams: spawn NAME CMD...
spawn()
{
	name=$1
	shift
	"$@" </dev/null >"$dir/log/$name.out" 2>&1 &
	remember $!
}

# The watchdog ends when the recorded processes do, or ends them.
watchdog()
{
	left=$((${S3_MINUTES:-30} * 60))
	while [ $left -gt 0 ] && [ -e "$dir/run/pids" ]; do
		sleep 2
		left=$((left - 2))
	done
	stop
}

# wait_for SECONDS CMD...
wait_for()
{
	until_s=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$until_s" ] || return 1
		sleep 0.05
	done
}

give_up()
{
	tail -n 5 "$dir/log/$2" >&2 || :
	stop
	die "$1 ('$dir/log' tells)"
}

# begin SUBDIR...: an empty place, ports from $port on, and an end when interrupted
begin()
{
	[ ! -e "$dir/run/pids" ] || die "'$dir' already has a server"
	for sub in run log "$@"; do
		rm -rf "${dir:?}/$sub"
		mkdir -p "$dir/$sub"
	done
	rm -f "$dir/env"
	: >"$dir/run/pids"
	trap 'stop; die "interrupted"' HUP INT TERM
	claim_ports
}

# Standard input becomes DIR/env: the server answers.
ready()
{
	(trap '' HUP && watchdog) </dev/null >/dev/null 2>&1 &
	cat >"$dir/env.new"
	mv "$dir/env.new" "$dir/env"
}

# s3_bucket NAME: with the keys of DIR/env
s3_bucket()
{
	curl -sf --noproxy '*' -X PUT --aws-sigv4 "aws:amz:$S3_REGION:s3" \
		--user "$S3_ACCESS_KEY:$S3_SECRET_KEY" -H "x-amz-content-sha256: \
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" "$S3_ENDPOINT/$1"
}

# serve start DIR | stop DIR | check | bucket DIR NAME: by the script's own start, need
# and make_bucket
serve()
{
	case "$#:${1-}" in
	1:check)
		need
		;;
	2:start | 2:stop)
		mkdir -p "$2"
		dir=$(cd "$2" && pwd -P)
		"$1"
		;;
	3:bucket)
		dir=$(cd "$2" && pwd -P)
		# shellcheck disable=SC1091 # written by ready
		. "$dir/env"
		make_bucket "$3" || die "no bucket '$3'"
		;;
	*)
		die "usage: $server start DIR | stop DIR | check | bucket DIR NAME"
		;;
	esac
}
