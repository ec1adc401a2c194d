# SPDX-License-Identifier: Apache-2.0
"""The collector under measurement: one in a folder of its own, started, asked and stopped by the public verbs."""

import json
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("STELLA_BUILD", os.path.join(ROOT, "build"))
STELLA = os.path.join(BUILD, "stella")
TICK = os.sysconf("SC_CLK_TCK")


def stella(*args, check=True):
    done = subprocess.run([STELLA, "signals", *args], stdout=subprocess.PIPE, check=False)
    if check and done.returncode != 0:
        sys.exit(f"bench: stella signals {' '.join(args)} failed with {done.returncode}")
    return done.stdout


def config_knows(key):
    out = subprocess.run([os.path.join(BUILD, "stella-signalsd"), "--help-config"], stdout=subprocess.PIPE,
                         text=True, check=True).stdout
    return f"\nsignals.{key}  (" in out


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def rss_peak_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:"))


def process_runs(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


class Collector:
    running = set()

    def __init__(self, work, *lines):
        self.work = work
        self.evidence = os.path.join(work, "evidence")
        self.socket = os.path.join(work, "s.sock")
        self.config = os.path.join(work, "stellaops.yaml")
        os.makedirs(work)
        with open(self.config, "w", encoding="utf-8") as out:
            out.write("signals:\n")
            for line in (f'output_directory: "{self.evidence}"', f'state_directory: "{work}/state"',
                         f'control_socket: "{self.socket}"', *lines):
                out.write(f"  {line}\n")

    def start(self, *more):
        before = time.monotonic()
        out = stella("start", "--config", self.config, "--socket", self.socket, "--output", "json", *more)
        self.start_s = time.monotonic() - before
        self.pid = json.loads(out)["pid"]
        Collector.running.add(self)
        return self

    def stop(self):
        Collector.running.discard(self)
        stella("stop", "--socket", self.socket, "--output", "json", check=False)
        while process_runs(self.pid):  # stop answers when all is sealed; what follows is putting away
            time.sleep(0.01)

    def cpu_s(self):
        return cpu_s(self.pid)

    def rss_peak_mb(self):
        return rss_peak_mb(self.pid)

    def status(self):
        return json.loads(stella("status", "--socket", self.socket, "--output", "json"))

    def records(self):
        return sum(self.status()["events"].values())

    def settle(self):
        """Waits until the records of the load have all arrived; asking makes a few dozen of its own."""
        seen = self.records()
        while True:
            time.sleep(0.05)
            now = self.records()
            if now - seen < 500:
                return
            seen = now

    def verify(self, *more):
        before = time.monotonic()
        out = stella("verify-chain", self.evidence, "--trust", f"{self.work}/state/trust", "--output", "json", *more,
                     check=False)
        return json.loads(out), time.monotonic() - before

    def chunks(self):
        return [os.path.join(self.evidence, name) for name in sorted(os.listdir(self.evidence))
                if name.endswith(".ndjson")]

    def lines_with(self, needle):
        """How many sealed records hold these bytes; at most one a record, as a path is."""
        count = 0
        for name in self.chunks():
            with open(name, "rb") as chunk:
                count += chunk.read().count(needle)
        return count
