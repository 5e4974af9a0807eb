#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Import from everything that a recording may come in: by pipe, compressed, perf.data (with a perf
# that does as told), and a perf that is missing, fails or dies. Would break: half a recording that
# passes for a whole one.
set -u
. "$(dirname "$0")/lib.sh"
here=$(dirname "$0")
export FAKE_PERF=$t/fake
mkdir -p "$t/bin" "$t/fake" "$t/none"
ln -s "$(realpath "$here")/fake_perf.sh" "$t/bin/perf"
mmt=$source/workloads/recorded/mmap1-2t.mmt

cat >"$t/fake/text" <<'T'
            loop    10/11    [001]     5.000000001: syscalls:sys_enter_munmap: addr: 0x7f0000000000, len: 0x00001000
            loop    10/11    [001]     5.000000101: syscalls:sys_exit_munmap: 0x0
            loop    10/11    [001]     5.000000200: PERF_RECORD_LOST lost 7
T
cp "$t/fake/text" "$t/text"
printf 'PERFILE2 and more' >"$t/some.data"
export PATH=$t/bin:$PATH
expect 0 "3 events of 3 lines, 7 lost by the recorder" $mmsim import "$t/some.data" -o "$t/a.mmt"
same "$(sed -n '/^-F$/{n;p}' "$t/fake/script.args")" comm,pid,tid,cpu,time,event,trace "perf's fields"
expect 0 "perf.data, 3 events" $mmsim trace info "$t/some.data"
expect 0 "note: no page faults: memory is never touched" $mmsim trace info "$t/some.data"
checks=$((checks + 1))
cat "$t/some.data" | $mmsim import - -o "$t/b.mmt" >/dev/null && cmp -s "$t/a.mmt" "$t/b.mmt" ||
	bad "perf.data through a pipe"
gzip -k "$t/some.data"
$mmsim import "$t/some.data.gz" -o "$t/b.mmt" >/dev/null
checks=$((checks + 1))
cmp -s "$t/a.mmt" "$t/b.mmt" || bad "perf.data in gzip"
checks=$((checks + 1))
gzip -c "$t/fake/text" | $mmsim import - -o "$t/b.mmt" >/dev/null && cmp -s "$t/a.mmt" "$t/b.mmt" ||
	bad "text in gzip through a pipe"
rm "$t/b.mmt"

touch "$t/fake/fail"
expect 2 "some.data: perf script failed: incompatible file format" $mmsim import "$t/some.data" -o "$t/b.mmt"
rm "$t/fake/fail"
touch "$t/fake/die"
expect 2 "some.data: damaged: perf script died of it" $mmsim import "$t/some.data" -o "$t/b.mmt"
rm "$t/fake/die"
: >"$t/fake/text"
expect 2 "some.data: no events in it" $mmsim import "$t/some.data" -o "$t/b.mmt"
expect 2 "perf is not installed" env PATH="$t/none" $mmsim import "$t/some.data" -o "$t/b.mmt"
checks=$((checks + 1))
[ ! -e "$t/b.mmt" ] || bad "a failed import left an output behind"

# killed in the middle, when its output is open: nothing is left, where files can be without a name
writes_output() {
	ls -l "/proc/$1/fd" | grep -qF "$t/kill/"
}
mkdir "$t/kill" # 020000000 | O_DIRECTORY is O_TMPFILE
if perl -MFcntl -e 'sysopen(F, shift, 020000000 | O_DIRECTORY | O_WRONLY) or exit 1' "$t/kill" 2>/dev/null; then
	mkfifo "$t/slow"
	$mmsim import "$t/slow" -o "$t/kill/killed.mmt" >/dev/null 2>&1 &
	pid=$!
	exec 3<>"$t/slow"
	cat "$t/text" >&3
	wait_for 10 writes_output $pid || bad "the import that is to be killed never began"
	kill -9 $pid
	wait $pid 2>/dev/null
	exec 3>&-
	same "$(ls "$t/kill")" "" "files that a killed import left behind"
fi

# a real recording, imported again, holds the same events
$mmsim import "$mmt" -o "$t/same.mmt" >/dev/null
same "$($mmsim trace dump "$t/same.mmt" | cksum)" "$($mmsim trace dump "$mmt" | cksum)" "mmt to mmt"
printf '\027\010\104tracing6\0and no more' >"$t/some.dat"
expect 2 "some.dat: libtracecmd failed: not a file that it can read" $mmsim import "$t/some.dat" -o "$t/b.mmt"
done_checking
