#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Databases that cannot be used, and programs that are killed: a clear line, earlier runs readable, no
# half run. Would break: lost results, an hour of runs before the error.
set -u
. "$(dirname "$0")/lib.sh"
run="$mmsim run --workload mmap1 --machine zen5-vm2 --policy linux-6.18 --threads 2 --duration 100us"
count() {
	sqlite3 "$1" 'SELECT count(*) FROM runs'
}
at_least() {
	[ "$(count "$1")" -ge "$2" ]
}

expect 0 "Throughput" $run --db "$t/good.db"
expect 0 "mmap1" $run --db "$t/good.db" --seeds 3
same "$(count "$t/good.db")" 4 "runs stored"

# readers leave nothing beside it
expect 0 "" $mmsim compare "$t/good.db" --by threads
$mmsim plot cdf "$t/good.db" -o "$t/good.png" || bad "no plot"
same "$(ls "$t" | grep -c 'db-')" 0 "files beside the database after reading"

# not usable
expect 2 "No such file" $mmsim compare "$t/missing.db"
expect 1 "No such file" $run --db "$t/no/such.db"
expect 1 "folder" $run --db "$t"
echo "this is some text that is no database at all" >"$t/text.db"
expect 1 "no SQLite database" $run --db "$t/text.db"
expect 2 "no SQLite database" $mmsim compare "$t/text.db"
sqlite3 "$t/foreign.db" 'CREATE TABLE songs (name TEXT)'
expect 1 "not one of mmsim" $run --db "$t/foreign.db"
cp "$t/good.db" "$t/newer.db"
sqlite3 "$t/newer.db" 'PRAGMA user_version = 99'
expect 1 "newer mmsim" $run --db "$t/newer.db"
expect 2 "newer mmsim" $mmsim compare "$t/newer.db"
same "$(count "$t/newer.db")" 4 "runs in the newer database"

# nothing that fits
expect 2 "no run fits" $mmsim compare "$t/good.db" --machine moon
expect 2 "to compare with" $mmsim compare "$t/good.db" --baseline moon
expect 2 "mmsim list metrics" $mmsim compare "$t/good.db" --metric moon
expect 1 ".png, .svg or .pdf" $mmsim plot cdf "$t/good.db" -o "$t/x.jpeg"
expect 1 "apt-get install gnuplot-nox" env PATH=/nonexistent $mmsim plot cdf "$t/good.db" -o "$t/x.png"
expect 1 "No such file" $mmsim plot cdf "$t/good.db" -o "$t/no/such/x.png"

# locked by another program
(echo 'BEGIN IMMEDIATE;'; touch "$t/locked"; sleep 60) | sqlite3 "$t/good.db" &
locker=$!
wait_for 10 test -e "$t/locked"
sleep 0.3
expect 1 "locked by another program" $run --db "$t/good.db"
expect 0 "" $mmsim compare "$t/good.db" --by threads
kill $locker 2>/dev/null
pkill -P $$ sleep 2>/dev/null

# a full disk, a read-only one
if mkdir "$t/small" && mount -t tmpfs -o size=300k tmpfs "$t/small" 2>/dev/null; then
	mounted=$t/small
	expect 1 "disk is full" $run --seeds 200 --db "$t/small/full.db"
	same "$(sqlite3 "$t/small/full.db" 'PRAGMA integrity_check')" ok "after a full disk"
	expect 2 "No space left" $mmsim import "$source/workloads/recorded/tlb_flush2-2t.mmt" \
		-o "$t/small/full.mmt"
	mount -o remount,ro "$t/small"
	expect 1 "ead-only" $run --db "$t/small/new.db"
	expect 1 "ead-only" $run --db "$t/small/full.db"
elif [ "$(id -u)" != 0 ]; then
	mkdir -p "$t/ro"
	chmod 555 "$t/ro"
	expect 1 "ermission denied" $run --db "$t/ro/new.db"
	chmod 755 "$t/ro"
fi

# kill -9 in mid-run
$run --seeds 5000 --jobs 2 --db "$t/killed.db" >/dev/null 2>&1 &
pid=$!
wait_for 30 at_least "$t/killed.db" 3 || bad "no runs appear"
kill -9 $pid
wait $pid 2>/dev/null
n=$(count "$t/killed.db")
same "$(sqlite3 "$t/killed.db" 'PRAGMA integrity_check')" ok "after kill -9"
same "$(sqlite3 "$t/killed.db" "SELECT count(*) FROM runs WHERE run IN (SELECT run FROM run_host)
	AND run IN (SELECT run FROM config) AND run IN (SELECT run FROM histograms)")" "$n" "whole runs"
expect 0 "" $mmsim compare "$t/killed.db" --by threads
expect 0 "Throughput" $run --seed 9999 --db "$t/killed.db"
same "$(count "$t/killed.db")" $((n + 1)) "runs after one more"

# Ctrl-C
$run --seeds 5000 --jobs 2 --db "$t/stopped.db" >/dev/null 2>"$t/stopped.err" &
pid=$!
wait_for 30 at_least "$t/stopped.db" 3 || bad "no runs appear"
kill -INT $pid
wait $pid
same $? 130 "exit status after Ctrl-C"
n=$(count "$t/stopped.db")
grep -q "interrupted: $n of 5000" "$t/stopped.err" || bad "Ctrl-C said: $(cat "$t/stopped.err")"
done_checking
