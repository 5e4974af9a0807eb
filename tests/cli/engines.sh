#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every shipped scenario, one seed of it and cut short, on both engines: every stored value is equal, to the
# picosecond. Would break: an order of events that depends on the engine.
set -u
. "$(dirname "$0")/lib.sh"
recorded=60ms other=1500us
[ -z "${MMSIM_SANITIZED:-}" ] || recorded=20ms other=400us # SimGrid is slow under it
for file in "$source"/configs/scenarios/*.yaml; do
	name=$(basename "$file" .yaml)
	case $name in
	*recorded*) duration=$recorded ;; # the program's threads start after 12 ms
	*scaled*) duration=14ms ;;
	*) duration=$other ;;
	esac
	threads=()
	# One scenario a load: tests/workloads/test_engines_same.c compares them more widely.
	if grep -q "^workload: $name\$" "$file"; then
		[ -z "${MMSIM_SANITIZED:-}" ] || continue
		duration=300us threads=(--threads 2,3)
	fi
	for engine in native simgrid; do
		expect 0 "policy" $mmsim run "$name" --seeds 1 --duration $duration "${threads[@]}" --engine $engine \
			--jobs 2 --db "$t/$name-$engine.db"
		content "$t/$name-$engine.db" >"$t/$engine"
	done
	checks=$((checks + 1))
	cmp -s "$t/native" "$t/simgrid" ||
		bad "$name differs: $(diff "$t/native" "$t/simgrid" | head -4)"
	checks=$((checks + 1))
	[ "$(wc -l <"$t/native")" -gt 500 ] || bad "$name: too little to compare"
done
done_checking
