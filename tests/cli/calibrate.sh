#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# mmsim calibrate from end to end in seconds: what it writes is a machine that runs, --check reads it
# back, and wrong command lines are told before anything is measured. No figure is judged here: this
# machine may be busy.
set -u
. "$(dirname "$0")/lib.sh"

expect 0 "kernel.scale" "$mmsim" calibrate --time 2 -o "$t/here.yaml"
expect 0 "ops_per_s" "$mmsim" run --workload mmap1 --machine "$t/here.yaml" --policy linux-6.18 \
	--threads 1 --duration 100us
same "$(find "$t" -name 'here.yaml.*' | wc -l)" 0 "temporary files left"
same "$(grep -c '# calibrated: ' "$t/here.yaml" | awk '{ print ($1 >= 8) }')" 1 "measured constants"
same "$(grep -c 'from ' "$t/here.yaml" | awk '{ print ($1 >= 5) }')" 1 "constants of the base"
same "$(awk '/cores_per_l3|sockets:|l3_per_socket|threads_per_core/ { n = n ? n * $2 : $2 }
	END { print n }' "$t/here.yaml")" "$(nproc)" "CPUs"

# A busy machine may have moved: 0 and 1 are both fine, and a table comes out.
checks=$((checks + 1))
"$mmsim" calibrate --time 2 --check "$t/here.yaml" >"$t/check" 2>&1
[ $? -le 1 ] || bad "check: exit status above 1"
grep -q "figures have moved since" "$t/check" || bad "check: $(tail -n 2 "$t/check")"
same "$(grep -cE 'within spread|moved' "$t/check" | awk '{ print ($1 > 40) }')" 1 "rows of a check"

# Figures that are twice what they were have moved, and the exit status says so.
sed -E 's/(unit: ns, min: [^,]*, median: )([0-9])/\19\2/' "$t/here.yaml" >"$t/other.yaml"
checks=$((checks + 1))
"$mmsim" calibrate --time 2 --check "$t/other.yaml" >"$t/check" 2>&1
[ $? = 1 ] || bad "a machine that has moved: exit status is not 1"
grep -q " moved$" "$t/check" || bad "a machine that has moved: nothing is told"

# JSON is JSON, and nothing but it comes out.
checks=$((checks + 1))
"$mmsim" calibrate --time 2 --json >"$t/json" 2>"$t/stderr" || bad "--json failed"
sqlite3 :memory: "SELECT json_valid(readfile('$t/json'))" | grep -q 1 || bad "--json is not JSON"
[ ! -s "$t/stderr" ] || bad "not quiet in a pipe: $(head -c 200 "$t/stderr")"

# One CPU: what needs two is the base's, and the file says why.
expect 0 "only one CPU" taskset -c 0 "$mmsim" calibrate --time 2 --base zen5-vm2 -o "$t/one.yaml"
same "$(grep -c 'same_l3: .*# from zen5-vm2' "$t/one.yaml")" 2 "line and IPI of one CPU"
same "$(grep -c '^# Not measured: .*only one CPU' "$t/one.yaml")" 2 "reasons of one CPU"

expect 2 "no/such" "$mmsim" calibrate --time 2 -o "$t/no/such/x.yaml"
expect 2 "did you mean 'zen5-vm2'" "$mmsim" calibrate --time 2 --base zen5-vm3
expect 2 "holds no figures" "$mmsim" calibrate --time 2 --check zen5-vm2
expect 2 "missing.yaml" "$mmsim" calibrate --time 2 --check "$t/missing.yaml"
expect 2 "leave out" "$mmsim" calibrate --check "$t/here.yaml" -o "$t/x.yaml"
expect 2 "3600" "$mmsim" calibrate --time 0
expect 0 "Usage: mmsim calibrate" "$mmsim" calibrate --help
done_checking
