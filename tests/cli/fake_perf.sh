#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Stands in for perf in the tests of import and record: `perf record` runs the command and notes how
# it was called, `perf script` prints a small recording, or fails as perf does.
case $1 in
record)
	printf '%s\n' "$@" >"$FAKE_PERF/record.args"
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		[ "$1" = -o ] && data=$2
		shift
	done
	shift
	trap 'printf "PERFILE2 and more" >"$data"; kill $! 2>/dev/null; exit 130' INT TERM
	"$@" &
	wait $!
	code=$?
	printf 'PERFILE2 and more' >"$data"
	exit $code
	;;
script)
	printf '%s\n' "$@" >"$FAKE_PERF/script.args"
	head -c 8 | grep -q PERFILE2 || exit 255
	echo "'trace' not valid for unknown events. Ignoring." >&2
	[ ! -e "$FAKE_PERF/fail" ] || {
		echo "incompatible file format (rerun with -v to learn more)" >&2
		exit 255
	}
	cat "$FAKE_PERF/text"
	[ ! -e "$FAKE_PERF/die" ] || kill -SEGV $$
	;;
esac
