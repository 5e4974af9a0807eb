#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# One scenario on both engines, with one worker and with several, from a file and from options: the
# same database content. Would break: results that depend on the engine, on timing, on the computer.
set -u
. "$(dirname "$0")/lib.sh"
cat >"$t/s.yaml" <<'Y'
workload: tlb_flush2
machines: [zen5-vm2, milan-1s72]
policies: [linux-6.18, broadcast-flush]
threads: [1, 2]
seeds: 2
duration: 300us
Y
expect 0 "policy" $mmsim run "$t/s.yaml" --jobs 1 --db "$t/one.db"
expect 0 "policy" $mmsim run "$t/s.yaml" --jobs 3 --db "$t/three.db"
expect 0 "policy" $mmsim run "$t/s.yaml" --engine simgrid --db "$t/simgrid.db"
expect 0 "policy" $mmsim run --workload tlb_flush2 --machine zen5-vm2,milan-1s72 --threads 1,2 \
	--policy linux-6.18 --policy broadcast-flush --seeds 2 --duration 300us --db "$t/options.db"
content "$t/one.db" >"$t/one"
same "$(sqlite3 "$t/one.db" 'SELECT count(*) FROM runs')" 16 "runs"
for other in three simgrid options; do
	content "$t/$other.db" | sed 's/^|tlb_flush2/s|tlb_flush2/' >"$t/$other"
	checks=$((checks + 1))
	cmp -s "$t/one" "$t/$other" || bad "$other differs: $(diff "$t/one" "$t/$other" | head -4)"
done
checks=$((checks + 1))
[ "$(wc -l <"$t/one")" -gt 500 ] || bad "too little to compare"
# another seed, another result
$mmsim run "$t/s.yaml" --seed 3,4 --db "$t/seeds.db" >/dev/null
checks=$((checks + 1))
! cmp -s "$t/one" <(content "$t/seeds.db") || bad "the seed changes nothing"
# numbers, not text, reach the JSON
checks=$((checks + 1))
$mmsim run --workload mmap1 --machine zen5-vm2 --policy linux-6.18 --duration 100us --json \
	>"$t/run.json" || bad "run --json"
sqlite3 :memory: "SELECT json_valid(readfile('$t/run.json'))" | grep -qx 1 || bad "run --json"
for list in machines policies scenarios workloads metrics; do
	checks=$((checks + 1))
	$mmsim list $list --json >"$t/list.json"
	sqlite3 :memory: "SELECT json_valid(readfile('$t/list.json'))" | grep -qx 1 ||
		bad "list $list --json"
done
done_checking
