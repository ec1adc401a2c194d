# SPDX-License-Identifier: Apache-2.0
"""What the collector's chunks say, laid beside the acts of the truth.

Promises the difference in both directions: acts without a record, and records of acts that nobody saw. An act without a
record is excused only by a signed loss of its kind whose count still has room and whose times enclose the act.
"""

import base64
import glob
import ipaddress
import json
import os
import re
from bisect import bisect_left
from collections import Counter, defaultdict

PID = re.compile(rb'"pid":(\d+),')
NEAR_NS = 1_000_000_000  # strace tells the time when it was told, by another clock


def seal_of(chunk):
    with open(chunk.replace(".ndjson", ".sigstore.json"), "rb") as bundle:
        envelope = json.load(bundle)["dsseEnvelope"]
    return json.loads(base64.b64decode(envelope["payload"]))["predicate"]


class Evidence:
    def __init__(self, directory):
        self.lines = defaultdict(list)
        self.losses, self.kinds = [], set()
        for chunk in sorted(glob.glob(os.path.join(directory, "chunk-*.ndjson"))):
            seal = seal_of(chunk)
            self.losses += [loss for loss in seal["losses"] if loss["effect"] == "record" and loss["count"]]
            self.kinds |= {probe["kind"] for probe in seal["coverage"]["probes"]}
            with open(chunk, "rb") as lines:
                for line in lines:
                    self.lines[int(PID.search(line).group(1))].append(line)

    def of(self, pids, from_ns, to_ns):
        """Records of these processes, made while the program ran; the snapshot's tell of what was before."""
        found = []
        for pid in pids:
            found += (json.loads(line) for line in self.lines[pid])
        found = [one for one in found if from_ns <= one["ts_ns"] <= to_ns and not one["event"].get("at_start")]
        return sorted(found, key=lambda one: one["ts_ns"])


def exact(event, name):
    packed = event.get(name + "_b64")
    return base64.b64decode(packed) if packed else event[name].encode()


def key_of_open(tid, path, access, path_only):
    return (tid, path, "none" if path_only else access)


def open_record(one):
    event = one["event"]
    # A pipe has no name: the kernel half walks up from nothing.
    path = b"" if event.get("unreachable") and event.get("path_truncated") else exact(event, "path")
    return key_of_open(one["tid"], path, event["access"], event.get("path_only", False))


def arguments(event):
    """From the second on; of a script those behind its name, as its caller gave them."""
    packed = event.get("argv_b64")
    given = [base64.b64decode(one) for one in packed] if packed else [one.encode() for one in event["argv"]]
    if "interpreter" in event:
        name = exact(event, "requested" if "requested" in event else "filename")
        return given[given.index(name) + 1 :] if name in given else given
    return given[1:]


def exec_key(pid, name, argv):
    return (pid, name, tuple(argument[:200] for argument in argv[:8]))


def exec_record(one):
    event = one["event"]
    name = exact(event, "requested" if "requested" in event else "filename")
    return exec_key(one["pid"], name, arguments(event))


def library_record(one):
    return (one["tid"], exact(one["event"], "path"))


def connect_record(one):
    event = one["event"]
    address = exact(event, "addr") if "addr" in event else b""
    return (one["tid"], event["family"], address, event.get("port", 0), event["result"])


def peer(family, address):
    """An IPv6 socket that speaks to an IPv4 address does so over IPv4."""
    if family == "ipv6" and ipaddress.ip_address(address).ipv4_mapped:
        return "ipv4", str(ipaddress.ip_address(address).ipv4_mapped)
    return family, address


def tcp_act(act):
    family, address, port, _ = act.address
    return (act.tid, *peer(family, address.decode()), port)


def tcp_record(one):
    event = one["event"]
    return (one["tid"], *peer(event["family"], event["daddr"]), event["dport"])


def acts_of(kind, acts):
    """A TCP connect that left this machine's network code has begun a connection, whatever became of it."""
    if kind != "tcp_state":
        return [act for act in acts if act.kind == kind]
    begun = (0, "EINPROGRESS", "ECONNREFUSED")
    return [act for act in acts if act.kind == "net_connect" and act.address[3] and act.error in begun]


ACT_KEYS = {
    "tcp_state": tcp_act,
    "file_open": lambda act: key_of_open(act.tid, act.path, act.access, act.path_only),
    "process_exec": lambda act: exec_key(act.pid, act.path, act.argv),
    "library_load": lambda act: (act.tid, act.path),
    "net_connect": lambda act: (act.tid, *act.address[:3], act.error),
}
RECORD_KEYS = {
    "tcp_state": tcp_record,
    "file_open": open_record,
    "process_exec": exec_record,
    "library_load": library_record,
    "net_connect": connect_record,
}


def tells(one, kind):
    """Is it a record of that kind, and of what is asked here?"""
    if one["event"]["type"] != kind:
        return False
    if kind == "net_connect":
        return one["event"]["op"] == "connect"
    if kind == "tcp_state":
        return one["event"]["new_state"] == "SYN_SENT"
    return True


def wanted(one, kind):
    """What strace can know of: not what the kernel opens or maps without being asked by a call."""
    return tells(one, kind) and (kind in ("process_exec", "tcp_state") or one["src"].startswith("sys_exit_"))


def every_one(kind, acts, records):
    """Multisets: (acts without a record, keys of records without an act)."""
    asked = [one for one in records if wanted(one, kind)]
    late = not asked  # where functions of the kernel are hooked, what was asked for and what was not look alike
    left = Counter(RECORD_KEYS[kind](one) for one in (records if late else asked) if tells(one, kind))
    missing = []
    for act in acts:
        key = ACT_KEYS[kind](act)
        if left[key] > 0:
            left[key] -= 1
        else:
            missing.append(act)
    return missing, [] if late else list(left.elements())


def by_program(records):
    """Each record with how many programs its process had executed before: the folding starts anew with each."""
    execs = defaultdict(list)
    for one in records:
        if one["event"]["type"] == "process_exec":
            execs[one["pid"]].append(one["ts_ns"])
    for one in records:
        yield bisect_left(execs[one["pid"]], one["ts_ns"] + 1), one


def at_least_one(kind, acts, records):
    """Folded: each program has each of its files, with each access, once or more. Threads are one process."""

    def folded(key, pid, generation):
        return key if kind in ("process_exec", "tcp_state") else (pid, generation, *key[1:])

    there, asked = set(), set()
    for generation, one in by_program(records):
        if tells(one, kind):
            key = folded(RECORD_KEYS[kind](one), one["pid"], generation)
            there.add(key)  # by whichever hook it was first seen: the rest is folded into that
            if wanted(one, kind):
                asked.add(key)
    done = {folded(ACT_KEYS[kind](act), act.pid, act.generation): act for act in acts}
    return [act for key, act in done.items() if key not in there], sorted(asked - set(done))


def never_mapped(records):
    """Programs that were executed though no record says that their file became executable memory: exec maps it itself."""

    def file_of(one, generation):
        event = one["event"]
        prefix = "interpreter_" if "interpreter" in event else ""
        return (one["pid"], generation, event[prefix + "dev"], event[prefix + "inode"])

    of_kind = defaultdict(dict)
    for generation, one in by_program(records):
        if one["event"]["type"] in ("process_exec", "library_load"):
            of_kind[one["event"]["type"]][file_of(one, generation)] = one
    return [one for key, one in of_kind["process_exec"].items() if key not in of_kind["library_load"]]


def not_excused(kind, missing, losses, boot_of):
    """Those that no signed loss of their kind can have taken."""
    room = [[loss, loss["count"]] for loss in losses if loss.get("kind", kind) == kind]
    left = []
    for act in missing:
        time = boot_of(act.time)
        for row in room:
            loss, count = row
            if count > 0 and loss["first_boot_ns"] - NEAR_NS <= time <= loss["last_boot_ns"] + NEAR_NS:
                row[1] -= 1
                break
        else:
            left.append(act)
    return left
