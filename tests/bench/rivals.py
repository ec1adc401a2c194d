# SPDX-License-Identifier: Apache-2.0
"""
Who opens are counted or recorded by, in the same run and the same way: nobody, us, and the peers that this machine
has. Each is started, is let settle after the load, and tells what it kept of it.

The peers want tracefs. Where it is not mounted they get it in a mount namespace of their own, so that the machine
stays as it is.
"""

import os
import re
import shutil
import signal
import subprocess
import time

from collector import Collector, cpu_s, rss_peak_mb

READY_S = 20


class Ours:
    """The collector with some lines of configuration."""

    def __init__(self, name, *lines, keeps):
        self.name = name
        self.lines = lines
        self.keeps = keeps  # "records" of every open, "folded" ones, or only "counts"
        self.missing = None

    def start(self, work):
        self.collector = Collector(os.path.join(work, "ours"), *self.lines).start()
        self.before = self.collector.cpu_s(), self.collector.records()

    def settle(self):
        self.collector.settle()
        self.cpu = self.collector.cpu_s() - self.before[0]
        self.records = self.collector.records() - self.before[1]
        self.rss_mb = self.collector.rss_peak_mb()

    def stop(self, target):
        """Ends it; returns what it kept of the opens of `target`, and what it signed as lost."""
        self.collector.stop()
        report, _ = self.collector.verify()
        found = self.collector.lines_with(f'"path":"{target}"'.encode())
        lost = sum(row["count"] for row in report["losses"] if row["effect"] == "record")
        shutil.rmtree(self.collector.work)
        return found, lost


class Peer:
    """A tool of others that writes to its stdout and ends on SIGINT."""

    running = set()

    def __init__(self, name, command, keeps, count):
        self.name = name
        self.command = command
        self.keeps = keeps
        self.count = count  # its output, the target's path -> opens it saw
        self.missing = None if shutil.which(command[0]) else f"{command[0]} is not installed"

    def start(self, work):
        self.output = os.path.join(work, "peer.out")
        trace = "/sys/kernel/tracing"
        shell = f"[ -e {trace}/events ] || mount -t tracefs tracefs {trace} || exit 125; exec \"$@\""
        with open(self.output, "wb") as out, open(self.output + ".err", "wb") as err:
            self.process = subprocess.Popen(["unshare", "-m", "sh", "-c", shell, "sh", *self.command],
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        Peer.running.add(self)
        if not self.wait_ready():
            self.end()
            with open(self.output + ".err", encoding="utf-8", errors="replace") as err:
                said = err.read().strip().splitlines()
            self.missing = f"does not start here: {said[-1] if said else 'no word why'}"
            return
        self.before = cpu_s(self.process.pid)

    def wait_ready(self):
        """It says nothing when it is attached; but then it waits for events, and before it does not."""
        until = time.monotonic() + READY_S
        while time.monotonic() < until and self.process.poll() is None:
            with open(f"/proc/{self.process.pid}/wchan", encoding="ascii") as wchan:
                if re.search("epoll|ep_poll", wchan.read()):
                    return True
            time.sleep(0.05)  # asking is an event too, so that it may be found at work
        return False

    def settle(self):
        """Until it has done nothing for a third of a second."""
        seen = cpu_s(self.process.pid)
        while True:
            time.sleep(0.3)
            now = cpu_s(self.process.pid)
            if now == seen:
                break
            seen = now
        self.cpu = seen - self.before
        self.rss_mb = rss_peak_mb(self.process.pid)

    def end(self):
        Peer.running.discard(self)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(timeout=READY_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()

    def stop(self, target):
        self.end()
        with open(self.output, encoding="utf-8", errors="replace") as out:
            found = self.count(out, target)
        os.unlink(self.output)
        return found, 0


def printed_lines(out, target):
    return sum(line.rstrip("\n").endswith(" " + target) for line in out)


def printed_count(out, target):  # pylint: disable=unused-argument # it counts all opens of the machine
    hit = re.search(r"^@: (\d+)$", out.read(), re.M)
    return int(hit[1]) if hit else 0


def recall(rival, one):
    """What a rival that was measured kept of the truth, for people."""
    if rival.keeps == "folded":
        return f"{one['found']} records" if one["found"] else "NOTHING"
    share = 100 * min(one["found"], one["truth"]) / one["truth"]
    return f"{share:.2f} %" + (" counted" if rival.keeps == "counts" else "")


def all_rivals(folds):
    ours = [Ours("ours, default settings", keeps="folded" if folds else "records")]
    if folds:
        ours.append(Ours("ours, every open recorded (dedup: off)", "dedup: off", keeps="records"))
    return [
        *ours,
        Peer("opensnoop (libbpf-tools)", ["opensnoop"], "records", printed_lines),
        Peer("bpftrace, only counting", ["bpftrace", "-e", "tracepoint:syscalls:sys_enter_openat { @ = count(); }"],
             "counts", printed_count),
    ]
