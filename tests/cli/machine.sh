#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# mmsim machine show and export. Would break: a platform that SimGrid cannot read, or whose ways are not as
# long as the machine's.
set -u
. "$(dirname "$0")/lib.sh"
latency=$(dirname "$mmsim")/tests/platform_latency

expect 0 "other socket" $mmsim machine show zen2-2s128
expect 0 "CPU 36 + n is the sibling of CPU n" $mmsim machine show milan-1s72
expect 2 "did you mean 'zen5-vm2'" $mmsim machine show zen5-vm
expect 2 "too few arguments" $mmsim machine export
expect 1 "no/such" $mmsim machine export haswell-4c -o "$t/no/such/m.xml"

for m in $($mmsim list machines --json | python3 -c 'import json,sys; print(*[m["machine"] for m in json.load(sys.stdin)])'); do
	$mmsim machine show "$m" --json >"$t/m.json" || bad "$m is not shown"
	$mmsim machine export "$m" -o "$t/m.xml" || bad "$m is not exported"
	# pairs of a table add up to all pairs; ways by SimGrid are those of the table
	python3 - "$t/m.json" "$t/m.xml" "$latency" <<'P' || bad "$m: see above"
import json, subprocess, sys
m = json.load(open(sys.argv[1]))
c = {d["distance"]: d for d in m["distances"]}
n = m["cores"]
l3 = n // m["l3_groups"]
socket = n // m["sockets"]
assert sum(d["pairs"] for k, d in c.items() if k != "same core (SMT)") == n * (n - 1) // 2, "pairs"
ways = {"same L3 group": (0, l3 - 1), "same socket": (0, socket - 1), "other socket": (0, n - 1)}
ways = {k: v for k, v in ways.items() if c[k]["pairs"]}
names = [w for v in ways.values() for w in ("core%d" % v[0], "core%d" % v[1])]
out = subprocess.run([sys.argv[3], sys.argv[2]] + names, capture_output=True, text=True)
assert not out.returncode, out.stderr
got = out.stdout.split()
assert int(got[0]) == n, "hosts: %s, not %d" % (got[0], n)
for k, ns in zip(ways, got[1:]):
    assert abs(float(ns) - c[k]["line_ns"]) < 0.01, "%s: %s ns, not %s" % (k, ns, c[k]["line_ns"])
P
	checks=$((checks + 1))
done

# Every constant says where it is from: on its line, at the head of its section, or in the comment
# above the last of its section; the ways of a TLB or cache with its entries.
for f in "$source"/configs/machines/*.yaml; do
	unsourced=$(awk '
		/^[^ #]/ { head = /#/; block = 0; before = 0; known = /^(name|description|topology):/ || /:$/ }
		/^ *#/ { block = 1; next }
		/^ +[a-z0-9_]+:/ { known = head || block || (/_ways:/ && before); before = known || /#/ }
		/^ *[a-z0-9_]+:/ && !/#/ && !known { print FNR ": " $0 }' "$f")
	[ -z "$unsourced" ] || bad "$f: no source: $unsourced"
	checks=$((checks + 1))
done

if command -v gnuplot >/dev/null; then
	expect 0 "haswell-4c" $mmsim machine show haswell-4c --plot "$t/m.svg"
	checks=$((checks + 1))
	grep -q '<svg' "$t/m.svg" || bad "no picture"
	expect 1 "no/such" $mmsim machine show haswell-4c --plot "$t/no/such/m.svg"
fi
done_checking
