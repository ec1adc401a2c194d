# SPDX-License-Identifier: Apache-2.0
"""What strace saw: its lines into the acts that the evidence must hold.

Promises every successful open, exec and executable file mapping, and every connect that was tried, each with the
process that did it. Refuses lines it cannot read: a truth with holes would excuse the collector. Paths are what the
kernel said of the descriptor (/proc/PID/fd at the exit of the call), not what the caller asked for.
"""

import re
from collections import defaultdict, namedtuple

CALLS = (
    "open,openat,openat2,creat,open_by_handle_at,execve,execveat,mmap,mprotect,pkey_mprotect,munmap,mremap,"
    "connect,clone,clone3,fork,vfork"
)
# -xx: no name can look like syntax. -yy: files behind descriptors, and what kind of socket.
OPTIONS = ["-f", "-yy", "-xx", "-ttt", "-qq", "-s", "4096", "-e", "signal=none", "-e", "trace=" + CALLS]

Act = namedtuple("Act", "kind pid tid time generation path access path_only deleted argv address error")

LINE = re.compile(rb"(\d+) +(\d+)\.(\d+) (.*)")
CALL = re.compile(rb"(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+|\?)(<.*>(?:\(deleted\))?)?( .*)?$", re.S)
RESUMED = re.compile(rb"<\.\.\. (\w+) resumed>(.*)", re.S)
SUPERSEDED = re.compile(rb"\+\+\+ superseded by execve in pid (\d+) \+\+\+")
TEXT = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"')
BEHIND = re.compile(rb"<((?:\\x[0-9a-f]{2})*)")
ACCESS = {b"O_RDONLY": "read", b"O_WRONLY": "write", b"O_RDWR": "read_write"}


class Unreadable(Exception):
    pass


def unhex(text):
    return bytes.fromhex(text.replace(b"\\x", b"").decode())


def file_behind(descriptor):
    """The name in "<...>"; a pipe or an anonymous inode has none that begins with a slash."""
    name = unhex(BEHIND.match(descriptor).group(1))
    return name if name.startswith(b"/") else b""


def whole_calls(lines):
    """Yields (tid, time of the entry in ns, line of the entry, text of the whole call); joins what was interrupted."""
    pending = {}
    for number, line in enumerate(lines):
        match = LINE.match(line.rstrip(b"\n"))
        if not match:
            raise Unreadable(f"line {number + 1}: {line[:200]!r}")
        tid, seconds, micros, text = match.groups()
        tid, time = int(tid), int(seconds) * 10**9 + int(micros) * 1000
        gone = SUPERSEDED.match(text)
        resumed = RESUMED.match(text)
        if gone:
            pending[tid] = pending.pop(int(gone.group(1)))
        elif text.startswith((b"+++", b"---")):
            continue
        elif text.endswith(b"<unfinished ...>"):
            pending[tid] = (time, number, text[: -len(b"<unfinished ...>")])
        elif resumed:
            begun, first, start = pending.pop(tid)
            yield tid, begun, first, start + resumed.group(2)
        else:
            yield tid, time, number, text


class Call(namedtuple("Call", "tid time order name args result behind tail")):
    @classmethod
    def parse(cls, tid, time, order, text):
        match = CALL.match(text)
        if not match:
            # A process that was killed in the call: it has no outcome that anyone could know.
            if b") = ?" in text or text.endswith(b"= ?"):
                return None
            raise Unreadable(repr(text[:300]))
        name, args, result, behind, tail = match.groups()
        result = -1 if result == b"?" else int(result, 0)
        return cls(tid, time, order, name.decode(), args, result, behind, tail or b"")


class Memory:
    """The files mapped into one address space, so that mprotect can be said to concern one of them."""

    def __init__(self, ranges=()):
        self.ranges = list(ranges)

    def clear(self, start, end):
        kept = []
        for low, high, path in self.ranges:
            if high <= start or low >= end:
                kept.append((low, high, path))
                continue
            if low < start:
                kept.append((low, start, path))
            if high > end:
                kept.append((end, high, path))
        self.ranges = kept

    def put(self, start, length, path):
        end = start + (length + 4095) // 4096 * 4096
        self.clear(start, end)
        if path:
            self.ranges.append((start, end, path))

    def files(self, start, length):
        return [path for low, high, path in self.ranges if low < start + length and high > start]


class World:
    """Who is a thread of whom, and which file lies where. Calls must come in the order of their entries."""

    def __init__(self, calls):
        self.made = {}
        for call in calls:
            if call.name in ("clone", "clone3", "fork", "vfork") and call.result > 0:
                self.made[call.result] = call
        self.pids, self.memories, self.generations = {}, {}, defaultdict(int)

    def pid(self, tid):
        if tid not in self.pids:
            maker = self.made.get(tid)
            thread = maker and b"CLONE_THREAD" in maker.args
            self.pids[tid] = self.pid(maker.tid) if thread else tid
        return self.pids[tid]

    def memory(self, tid):
        pid = self.pid(tid)
        if pid not in self.memories:
            maker = self.made.get(pid)
            theirs = self.memory(maker.tid) if maker else Memory()
            shared = maker and (maker.name == "vfork" or b"CLONE_VM" in maker.args)
            self.memories[pid] = theirs if shared else Memory(theirs.ranges)
        return self.memories[pid]

    def act(self, call, kind, **more):
        pid = self.pid(call.tid)
        fields = dict.fromkeys(Act._fields)
        fields.update(kind=kind, pid=pid, tid=call.tid, time=call.time, generation=self.generations[pid], **more)
        return Act(**fields)


def opened(world, call):
    if call.result < 0:
        return
    flags = re.findall(rb"\bO_[A-Z]+\b", call.args)
    access = next((ACCESS[flag] for flag in flags if flag in ACCESS), "write" if call.name == "creat" else None)
    yield world.act(
        call,
        "file_open",
        path=file_behind(call.behind),
        access=access,
        path_only=b"O_PATH" in flags,
        deleted=b"(deleted)" in call.behind,
    )


def arguments(args):
    """argv from its second element on: the first is replaced when a script is executed."""
    listed = re.search(rb"\[(.*?)\]", args, re.S)
    return tuple(unhex(text) for text in TEXT.findall(listed.group(1)))[1:] if listed else ()


def executed(world, call):
    if call.result != 0:
        return
    pid = world.pid(call.tid)
    world.memories[pid] = Memory()
    world.generations[pid] += 1
    name = unhex(TEXT.search(call.args).group(1))
    yield world.act(call, "process_exec", path=name, argv=arguments(call.args))


def mapped(world, call):
    if call.result == -1:
        return
    _, length, protection, _, descriptor, _ = call.args.split(b", ")
    path = file_behind(descriptor[descriptor.index(b"<") :]) if b"<" in descriptor else b""
    world.memory(call.tid).put(call.result, int(length, 0), path)
    if path and b"PROT_EXEC" in protection:
        yield world.act(call, "library_load", path=path)


def protected(world, call):
    start, length, protection = call.args.split(b", ")[:3]
    if call.result != 0 or b"PROT_EXEC" not in protection:
        return
    for path in world.memory(call.tid).files(int(start, 0), int(length, 0)):
        yield world.act(call, "library_load", path=path)


def unmapped(world, call):
    start, length = call.args.split(b", ")[:2]
    if call.result == 0:
        world.memory(call.tid).clear(int(start, 0), int(start, 0) + int(length, 0))
    return ()


def moved(world, call):
    if call.result == -1:
        return ()
    old, old_length, length = (int(part, 0) for part in call.args.split(b", ")[:3])
    memory = world.memory(call.tid)
    found = memory.files(old, 1)
    memory.clear(old, old + old_length)
    memory.put(call.result, length, found[0] if found else b"")
    return ()


def address_of(args):
    """(family, address, port, is it TCP); None when the caller's memory could not be read, by strace either."""
    tcp = b"<TCP" in args.split(b", ")[0]
    family = re.search(rb"sa_family=AF_(\w+)", args)
    text = TEXT.search(args)
    port = re.search(rb"port=htons\((\d+)\)", args)
    if not family:
        return None
    if family.group(1) not in (b"INET", b"INET6", b"UNIX"):
        return ("other", b"", 0, False)
    if family.group(1) == b"UNIX":
        mark = b"@" if b"sun_path=@" in args else b""
        return ("unix", mark + unhex(text.group(1)) if text else b"", 0, False)
    return ("ipv4" if family.group(1) == b"INET" else "ipv6", unhex(text.group(1)), int(port.group(1)), tcp)


def connected(world, call):
    address = address_of(call.args)
    if address:
        error = re.match(rb" (E\w+)", call.tail)
        yield world.act(call, "net_connect", address=address, error=error.group(1).decode() if error else 0)


READERS = {
    "mmap": mapped,
    "mprotect": protected,
    "pkey_mprotect": protected,
    "munmap": unmapped,
    "mremap": moved,
    "execve": executed,
    "execveat": executed,
    "connect": connected,
}


def read(path):
    """All acts of a strace log, and all process ids in it."""
    with open(path, "rb") as log:
        calls = [Call.parse(*whole) for whole in whole_calls(log)]
    calls = sorted((call for call in calls if call), key=lambda call: call.order)
    world = World(calls)
    acts = []
    for call in calls:
        if call.name in ("clone", "clone3", "fork", "vfork"):
            continue
        acts.extend(READERS.get(call.name, opened)(world, call))
    return acts, {world.pid(call.tid) for call in calls}
