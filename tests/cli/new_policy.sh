#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The example of docs/policies.md as a new user would add it: one file into models/policy/, and it is
# listed, chosen by a set and compared. Would break: an edit elsewhere that a new policy needs.
set -u
. "$(dirname "$0")/lib.sh"
mkdir "$t/src"
(cd "$source" && tar -cf - --exclude=./build --exclude=./demo --exclude=./.git .) | tar -xf - -C "$t/src"
sed -n '/^```c$/,/^```$/{/^```/d;p}' "$source/docs/policies.md" >"$t/src/models/policy/shootdown_ceiling.c"
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
done_checking
