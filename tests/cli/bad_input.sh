#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Wrong command lines, YAML files and recordings: each gets one clear line and a non-zero exit. Would
# break: a crash, a silent default, a run of something else than what was asked for.
set -u
. "$(dirname "$0")/lib.sh"
run="$mmsim run --workload mmap1 --machine zen5-vm2 --policy linux-6.18 --threads 2 --duration 100us"

# the line itself
expect 2 "did you mean 'compare'" $mmsim comapre x.db
expect 2 "did you mean 'plot cdf'" $mmsim plot cfd x.db
expect 2 "One of: dump, info" $mmsim trace
expect 2 "did you mean 'list machines'" $mmsim list machine
expect 2 "no option --thing" $mmsim list --thing
expect 0 "tlb_flush2-2t" $mmsim list
expect 0 '"policies":' $mmsim list --json
expect 0 "a multiple of 4KiB; default 1MiB" $mmsim list workloads
expect 2 "did you mean --threads" $run --thread 2
expect 2 "a value is missing" $run --seed
expect 2 "unexpected argument" $mmsim compare a b
expect 2 "too few arguments" $mmsim compare
expect 2 "neither a whole number nor a range" $run --threads two
expect 2 "has no unit" $run --duration 5
expect 2 "10000" $run --seeds 0
expect 2 "did you mean 'tlb_flush2'" $mmsim run --workload tlb_flsh2 --machine zen5-vm2 --policy linux-6.18
expect 2 "did you mean 'zen5-vm2'" $mmsim run --workload mmap1 --machine zen5-vm --policy linux-6.18
expect 2 "did you mean 'linux-6.18'" $mmsim run --workload mmap1 --machine zen5-vm2 --policy linux-618
expect 2 "no machine" $mmsim run --workload mmap1 --policy linux-6.18
expect 2 "no policy" $mmsim run --workload mmap1 --machine zen5-vm2
expect 2 "no workload" $mmsim run
expect 2 "native" $run --engine nativ
expect 2 "KEY=VALUE" $run --set nonsense
expect 2 "a multiple of 4KiB" $run --set size=5000
expect 2 "no_such_key" $run --set no_such_key=5
expect 0 "Usage: mmsim run" $mmsim run --help
expect 0 "Usage: mmsim plot" $mmsim plot --help

# scenarios: file, line, what was expected, nearest name
scenario() {
	cat >"$t/s.yaml"
	expect "$@" $mmsim run "$t/s.yaml"
}
scenario 2 "s.yaml:2" <<'Y'
workload: mmap1
machnes: [zen5-vm2]
policies: [linux-6.18]
Y
scenario 2 "did you mean 'machines'" <<'Y'
workload: mmap1
machnes: [zen5-vm2]
policies: [linux-6.18]
Y
scenario 2 "s.yaml:4" <<'Y'
workload: mmap1
machines: [zen5-vm2]
policies: [linux-6.18]
duration: 5 parsecs
Y
scenario 2 "s.yaml:4" <<'Y'
workload: mmap1
machines: [zen5-vm2]
policies: [linux-6.18]
seeds: 123456789
Y
scenario 2 "s.yaml:4: engine: unknown value 'simgrd' (did you mean 'simgrid'?)" <<'Y'
workload: mmap1
machines: [zen5-vm2]
policies: [linux-6.18]
engine: simgrd
Y
scenario 2 "policies" <<'Y'
workload: mmap1
machines: [zen5-vm2]
Y
scenario 2 "s.yaml:3" <<'Y'
workload: mmap1
machines: [zen5-vm2]
workload: tlb_flush2
Y
scenario 2 "s.yaml:5" <<'Y'
workload: mmap1
machines: [zen5-vm2]
policies: [linux-6.18]
set:
  no_such_key: 12
Y
scenario 2 "s.yaml" <<'Y'
workload: [unclosed
Y
scenario 2 "did you mean 'linux-6.18'" <<'Y'
workload: mmap1
machines: [zen5-vm2]
policies: [linux-6.18, linux-618]
Y
printf 'a: 1\0b\n' >"$t/binary.yaml"
expect 2 "binary.yaml" $mmsim run "$t/binary.yaml"
expect 2 "no such file" $mmsim run "$t/missing.yaml"
expect 2 "not a file" $mmsim run "$t"
expect 2 "did you mean 'demo-scaled'" $mmsim run demo-scaledd

# a machine file of one's own
sed 's/sockets:/socketts:/' "$source/configs/machines/zen5-vm2.yaml" >"$t/m.yaml"
expect 2 "did you mean" $mmsim run --workload mmap1 --machine "$t/m.yaml" --policy linux-6.18 --threads 2
sed 's/\(invlpg:[^0-9]*\)[0-9].*/\15 miles/' "$source/configs/machines/zen5-vm2.yaml" >"$t/m.yaml"
expect 2 "m.yaml:" $mmsim run --workload mmap1 --machine "$t/m.yaml" --policy linux-6.18 --threads 2

# recordings
rec=$source/workloads/recorded/mmap1-2t.mmt
size=$(stat -c %s "$rec")
head -c $((size / 2)) "$rec" >"$t/cut.mmt"
head -c 10 "$rec" >"$t/stump.mmt"
cp "$rec" "$t/flip.mmt"
printf '\377\376\375' | dd of="$t/flip.mmt" bs=1 seek=$((size / 3)) conv=notrunc 2>/dev/null
: >"$t/empty.mmt"
head -c 5000 /dev/urandom >"$t/noise.mmt"
printf '\211PNG\r\n\032\n0000000000000000' >"$t/picture.mmt"
printf 'hello\nworld\n' >"$t/prose.txt"
for f in cut.mmt stump.mmt flip.mmt empty.mmt noise.mmt picture.mmt prose.txt missing.mmt; do
	expect 2 "$f" $mmsim trace info "$t/$f"
	expect 2 "$f" $mmsim import "$t/$f" -o "$t/out.mmt"
	expect 2 "$f" $mmsim run --workload "$t/$f" --machine zen5-vm2 --policy linux-6.18
	checks=$((checks + 1))
	[ ! -e "$t/out.mmt" ] || bad "$f left an output behind"
done
for f in noise.mmt picture.mmt; do
	expect 2 "$f: no recording of a known format: expected .mmt, perf.data" $mmsim trace info "$t/$f"
	gzip -k "$t/$f"
	expect 2 "$f.gz: no recording of a known format" $mmsim trace info "$t/$f.gz"
done
expect 2 "prose.txt:1: not perf script or ftrace text" $mmsim trace info "$t/prose.txt"
expect 2 "where to" $mmsim import "$rec"
expect 2 "no/such" $mmsim import "$rec" -o "$t/no/such/out.mmt"
done_checking
