# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by the tests of the command: $1 is the binary, $2 the source tree. A test's own folder is $t.
mmsim=$1
source=$2
t=$(mktemp -d)
mounted=
checks=0
failed=0

finish() {
	[ -z "$mounted" ] || umount "$mounted"
	rm -rf "$t"
}
trap finish EXIT

bad() {
	failed=$((failed + 1))
	echo "FAILED: $*"
}

# expect CODE TEXT COMMAND...: the exit status, and a text in its output (one line on standard error
# when it fails).
expect() {
	want=$1
	text=$2
	shift 2
	checks=$((checks + 1))
	"$@" >"$t/.out" 2>"$t/.err" </dev/null
	code=$?
	if [ "$code" != "$want" ]; then
		bad "exit $code, not $want: $* ($(head -c 300 "$t/.err"))"
	elif ! cat "$t/.out" "$t/.err" | grep -qF -- "$text"; then
		bad "'$text' is not said by: $* ($(head -c 300 "$t/.err"))"
	elif [ "$code" != 0 ] && [ "$(wc -l <"$t/.err")" != 1 ]; then
		bad "not one line of error: $* ($(head -c 300 "$t/.err"))"
	fi
}

# same A B WHAT
same() {
	checks=$((checks + 1))
	[ "$1" = "$2" ] || bad "$3: '$1' is not '$2'"
}

# wait_for SECONDS COMMAND...
wait_for() {
	n=$(($1 * 20))
	shift
	while ! "$@" >/dev/null 2>&1; do
		n=$((n - 1))
		[ $n -gt 0 ] || return 1
		sleep 0.05
	done
}

# Everything in a database that a seed decides, as text.
content() {
	sqlite3 "$1" "SELECT scenario, workload, machine, policy, settings, seed, threads, cpus,
		duration_ps, end, message, sim_time_ps, events FROM runs ORDER BY run;
		SELECT * FROM config WHERE key NOT LIKE '%engine%' ORDER BY run, key;
		SELECT * FROM metrics ORDER BY run, name, label;
		SELECT run, name, label, unit, count, sum, min, max, mean, p50, p90, p99, p999, hex(data)
			FROM histograms ORDER BY run, name, label;
		SELECT * FROM violations ORDER BY run, n;"
}

# Last line of a test.
done_checking() {
	echo "$checks checks, $failed failed"
	[ "$failed" = 0 ] && [ "$checks" -gt 0 ]
}
