#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every command that README.md and docs/ show in a ```sh block runs. Set-up lines (packages, cmake,
# scripts/, git, perf) are left to scripts/test itself. Would break: documentation that lies.
set -u
. "$(dirname "$0")/lib.sh"
mkdir "$t/bin"
ln -s "$mmsim" "$t/bin/mmsim"
for page in "$source"/README.md "$source"/docs/*.md; do
	name=$(basename "$page" .md)
	awk '/^ *```sh *$/ { on = 1; next } /^ *```/ { on = 0 } on' "$page" |
		grep -vE '^ *(sudo |apt|cmake|scripts/|\.ci/|git |perf |cd )' |
		sed 's#build/release/mmsim#mmsim#g' >"$t/$name.sh"
	[ -s "$t/$name.sh" ] || continue
	mkdir "$t/$name"
	ln -s "$source"/configs "$source"/workloads "$t/$name/"
	checks=$((checks + 1))
	(cd "$t/$name" && PATH="$t/bin:$PATH" bash -eu -o pipefail "../$name.sh" >"$t/.out" 2>&1 \
		</dev/null) || bad "$name.md: $(tail -n 3 "$t/.out")"
done
done_checking
