#!/bin/sh
# What make install leaves, and that the pages say what the program says.
. "$(dirname "$0")/../lib/tap.sh"

mode=$(basename "$LODE_BIN")
must_pass make -s -C "$TOPDIR" MODE="$mode" PREFIX=/usr DESTDIR="$WORK/root" install
must_pass "$WORK/root/usr/bin/lode" --version
exists "$WORK/root/usr/share/man/man1/lode.1"
exists "$WORK/root/usr/share/man/man1/lode-push.1"
exists "$WORK/root/usr/share/bash-completion/completions/lode"
exists "$WORK/root/usr/share/zsh/site-functions/_lode"
exists "$WORK/root/usr/share/fish/vendor_completions.d/lode.fish"
must_pass make -s -C "$TOPDIR" MODE="$mode" PREFIX=/usr DESTDIR="$WORK/root" uninstall
is "$(find "$WORK/root" -type f | wc -l)" 0 'uninstall leaves nothing'

ok 'every command has its page' env LODE="$LODE_BIN/lode" "$TOPDIR/docs/man/update" --check
ok 'the demo runs' env DEMO="$WORK/demo" sh "$TOPDIR/tests/demo.sh"
has "$OUT" "The repositories lie in $WORK/demo"
plan_done
