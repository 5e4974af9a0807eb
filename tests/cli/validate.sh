#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# mmsim validate: the form of its output, and that what it calls published is in published.yaml. Would
# break: a series left out in silence, an error that is not the points', a table that drifts off.
set -u
. "$(dirname "$0")/lib.sh"

expect 2 "did you mean 'dontneed_haswell'" $mmsim validate dontned_haswell
expect 2 "no table" $mmsim validate line_transfer_ns
expect 0 "of predictions" $mmsim validate dontneed_haswell
expect 0 "| series | threads |" $mmsim validate dontneed_haswell --markdown
same "$($mmsim validate dontneed_haswell --jobs 1)" "$($mmsim validate dontneed_haswell --jobs 2)" "jobs"

$mmsim validate --json --seeds 1 >"$t/v.json" || bad "validate failed"
checks=$((checks + 1))
python3 - "$t/v.json" "$source/configs/validation/published.yaml" <<'P' || bad "see above"
import json, re, sys
rows = json.load(open(sys.argv[1]))
text = open(sys.argv[2]).read()
numbers = {float(x) for x in re.findall(r"[0-9]+\.?[0-9]*(?:e[0-9]+)?", text)}
limits = {"dontneed_haswell": .10, "process_madvise_batch": .12, "flush_cost_ivybridge": .15,
          "flush_cost_skylake": .15, "virtual_ipi_skylake": .15, "batched_unmap_arm64": .15}
tables = set(re.findall(r"^([a-z][a-z0-9_]*):", text, re.M))
others = {"line_transfer_ns", "tlb_geometry", "linux_constants"}
assert {r["table"] for r in rows} == tables - others, tables ^ {r["table"] for r in rows}
for r in rows:
    assert set(r) == {"table", "series", "mean_abs_error", "max_abs_error", "points"}, r.keys()
    e = []
    for p in r["points"]:
        assert set(p) == {"x", "published", "simulated"}, p
        assert p["published"] in numbers, (r["series"], p)
        assert p["simulated"] > 0, (r["series"], p)
        e.append(abs(p["simulated"] / p["published"] - 1))
    assert abs(sum(e) / len(e) - r["mean_abs_error"]) < 1e-9, r["series"]
    assert abs(max(e) - r["max_abs_error"]) < 1e-9, r["series"]
    limit = limits.get(r["table"], 1)
    assert r["mean_abs_error"] <= limit, "%s %s is off by %.0f%%" % (r["table"], r["series"], 100 * r["mean_abs_error"])
P

if command -v gnuplot >/dev/null; then
	$mmsim validate dontneed_haswell virtual_ipi_skylake --plot "$t/p" >/dev/null || bad "no pictures"
	for f in dontneed_haswell virtual_ipi_skylake; do
		checks=$((checks + 1))
		grep -q '<svg' "$t/p/validate-$f.svg" || bad "no picture of $f"
	done
fi

# a published table that nobody runs is an error
mkdir -p "$t/data/configs"
cp -r "$source/configs/." "$t/data/configs/"
printf '\nnew_table:\n  source: "test"\n  x: [1]\n  y: [2]\n' >>"$t/data/configs/validation/published.yaml"
expect 2 "new_table" env MMSIM_DATA="$t/data" $mmsim validate
cp "$source/configs/validation/published.yaml" "$t/data/configs/validation/"
sed -i 's/serial_ns_per_loop:/serial_ns_per_lop:/' "$t/data/configs/validation/tables.yaml"
expect 2 "serial_ns_per_lop" env MMSIM_DATA="$t/data" $mmsim validate
done_checking
