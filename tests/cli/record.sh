#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# mmsim record with a perf and a tracefs that do as told: what it asks perf for, what it passes on,
# and what it says when something is missing. Would break: a recording that lacks what the importer
# needs, or a command that ran for nothing.
set -u
. "$(dirname "$0")/lib.sh"
export FAKE_PERF=$t/fake
mkdir -p "$t/bin" "$t/fake" "$t/events"
ln -s "$(realpath "$(dirname "$0")")/fake_perf.sh" "$t/bin/perf"
cat >"$t/fake/text" <<'T'
            loop    10/11    [001]     5.000000001: syscalls:sys_enter_munmap: addr: 0x7f0000000000, len: 0x00001000
            loop    10/11    [001]     5.000000101: syscalls:sys_exit_munmap: 0x0
T
for e in syscalls/sys_enter_mmap syscalls/sys_exit_mmap sched/sched_switch exceptions/page_fault_user \
	tlb/tlb_flush; do
	mkdir -p "$t/events/$e"
done
record="$mmsim record --tracefs $t"

# said TEXT COMMAND...: exit 2 and the text among the lines
said() {
	text=$1
	shift
	checks=$((checks + 1))
	"$@" >"$t/.out" 2>"$t/.err" </dev/null
	code=$?
	[ $code = 2 ] || bad "exit $code, not 2: $*"
	grep -qF -- "$text" "$t/.err" || bad "'$text' is not said by: $* ($(cat "$t/.err"))"
}

real_path=$PATH
said "missing: perf is not installed" env PATH="$t" $record -o "$t/a.mmt" -- /bin/true
PATH=$t/bin:$PATH
said "missing: no program 'no-such-program' to record" $record -o "$t/a.mmt" -- no-such-program
said "missing: tracefs is not mounted at $t/none" $mmsim record --tracefs "$t/none" -o "$t/a.mmt" -- true
rmdir "$t/events/syscalls/sys_enter_mmap" "$t/events/syscalls/sys_exit_mmap"
said "missing: the kernel's syscalls tracepoints (CONFIG_FTRACE_SYSCALLS)" $record -o "$t/a.mmt" -- true
mkdir "$t/events/syscalls/sys_enter_mmap" "$t/events/syscalls/sys_exit_mmap"
expect 2 "where to?" $record -- true
expect 2 "not a power of two" $record -o "$t/a.mmt" --buffer 3 -- true
checks=$((checks + 1))
[ ! -e "$t/fake/record.args" ] || bad "something was run although things were missing"

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$t" "$t/bin"
	[ "$(cat /proc/sys/kernel/perf_event_paranoid 2>/dev/null || echo -1)" -lt 0 ] ||
		said "missing: the right to record the whole machine" \
			setpriv --reuid 65534 --clear-groups $record -o "$t/a.mmt" -- true
fi
# the rest needs the right to record, and only asks a perf that is none
if [ "$(id -u)" = 0 ]; then
	expect 0 "a.mmt: 2 events of 2 lines" $record -o "$t/a.mmt" -- sh -c 'echo "$1"' x 'two  words'
	same "$(grep -c '^-e$' "$t/fake/record.args")" 5 "events asked for"
	same "$(tail -n 1 "$t/fake/record.args")" "two  words" "the command's last word"
	same "$(ls "$t" | grep -c perf.data)" 0 "perf.data left behind"
	checks=$((checks + 1))
	grep -q 'note: the kernel.s mmap_lock tracepoints' <<<"$($record --check -- true 2>&1)" ||
		bad "no note about mmap_lock"
	$record -o "$t/b.mmt" --keep "$t/kept" -- sh -c 'exit 7' >/dev/null 2>&1
	same $? 7 "the command's status"
	same "$(head -c 8 "$t/kept" 2>/dev/null)" PERFILE2 "perf's own file"
	said "no/such" $record -o "$t/no/such/a.mmt" -- touch "$t/ran"
	same "$(ls "$t" | grep -c ran)" 0 "run although its output cannot be written"
	touch "$t/fake/fail"
	$record -o "$t/c.mmt" -- true >/dev/null 2>&1
	same $? 1 "status of a failed import"
	rm "$t/fake/fail"
	# Ctrl-C: the recording ends, the import follows
	$record -o "$t/d.mmt" -- sh -c "touch $t/up; exec sleep 20" >/dev/null 2>&1 &
	pid=$!
	wait_for 5 test -e "$t/up" && kill -INT $pid
	wait $pid
	same $? 130 "status after Ctrl-C"
	checks=$((checks + 1))
	[ -e "$t/d.mmt" ] || [ ! -e "$t/up" ] || bad "nothing imported after Ctrl-C"
fi
PATH=$real_path
done_checking
