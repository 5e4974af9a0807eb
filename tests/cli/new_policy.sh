#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The examples of docs/policies.md and docs/workloads.md as a new user would add them: one file into
# models/policy/, and it is listed, chosen by a set and compared; one into workloads/synthetic/, and it
# runs. Would break: an edit elsewhere that a new policy or load needs.
set -u
. "$(dirname "$0")/lib.sh"
mkdir "$t/src"
(cd "$source" && tar -cf - --exclude=./build --exclude=./demo --exclude=./.git .) | tar -xf - -C "$t/src"
sed -n '/^```c$/,/^```$/{/^```/d;p}' "$source/docs/policies.md" >"$t/src/models/policy/shootdown_ceiling.c"
sed -n '/^```c$/,/^```$/{/^```/d;p}' "$source/docs/workloads.md" >"$t/src/workloads/synthetic/protect_flip.c"
cat >"$t/src/configs/policies/ceiling-4.yaml" <<'Y'
name: ceiling-4
description: ranges of more than 4 pages are flushed whole
extends: linux-6.18
choices:
  shootdown: {choice: ceiling, most: 4}
Y
expect 0 "Build files" cmake -S "$t/src" -B "$t/build" -DCMAKE_BUILD_TYPE=Debug
expect 0 "mmsim" cmake --build "$t/build" --target mmsim -j2
mmsim=$t/build/mmsim
export MMSIM_DATA=$t/src
expect 0 "ceiling" $mmsim list policies
expect 0 "pages that are flushed one by one" $mmsim list policies
expect 0 "ceiling-4" $mmsim run --workload tlb_flush2 --machine milan-1s72 --threads 4 \
	--policy linux-6.18,ceiling-4 --duration 1ms --seeds 2 --db "$t/r.db"
expect 0 "ceiling-4" $mmsim compare "$t/r.db"
expect 2 "did you mean 'ceiling'" $mmsim run --workload tlb_flush2 --machine milan-1s72 \
	--policy linux-6.18 --set shootdown=cieling --duration 1ms
expect 2 "0..33" $mmsim run --workload tlb_flush2 --machine milan-1s72 \
	--policy ceiling-4 --set shootdown.most=34 --duration 1ms
expect 0 "protect_flip" $mmsim list workloads
expect 0 "op.latency mprotect" $mmsim run --workload protect_flip --machine milan-1s72 --threads 3 \
	--policy linux-6.18 --set size=64KiB --duration 1ms
expect 2 "did you mean 'size'" $mmsim run --workload protect_flip --machine milan-1s72 \
	--policy linux-6.18 --set sise=64KiB --duration 1ms
done_checking
