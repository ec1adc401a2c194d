# SPDX-License-Identifier: Apache-2.0
"""Function probes: how long many take to attach, and what they cost a busy program once they have answered."""

import json
import os
import shutil
import statistics
import subprocess
import time

from collector import BUILD, Collector

CALLS = os.path.join(BUILD, "tests", "bench", "calls")
HITS = os.path.join(BUILD, "tests", "bench", "hits")
HITS_ROUNDS = 50000
ROUNDS = 20000
STEADY_S = 30  # after which it is as steady as it will be
WANTED = {"libcrypto.so.3": 1500, "libc.so.6": 500}


def names_of(library, most):
    """The first names of functions that a library of this machine exports."""
    listed = subprocess.run(["ldconfig", "-p"], stdout=subprocess.PIPE, text=True, check=True,
                            env={**os.environ, "PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"}).stdout
    path = next((line.split("=> ")[1] for line in listed.splitlines() if line.split(" ")[0].strip() == library), None)
    if path is None:
        return []
    out = subprocess.run(["nm", "-D", "--defined-only", path], stdout=subprocess.PIPE, text=True, check=True).stdout
    names = {line.split()[2].split("@@")[0] for line in out.splitlines() if line.split()[1] in "TW"}
    return sorted(name for name in names if "@" not in name)[:most]


def write_map(path):
    """Returns how many functions it names."""
    entries = [{"library": library, "symbols": names} for library, most in WANTED.items()
               if (names := names_of(library, most))]
    with open(path, "w", encoding="utf-8") as out:
        json.dump({"version": 1, "functions": entries}, out)
    return sum(len(entry["symbols"]) for entry in entries)


class Busy:
    """The busy program, asked for one measurement at a time."""

    def __init__(self, program=CALLS, rounds=ROUNDS):
        self.process = subprocess.Popen([program, str(rounds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def ns(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def median_ns(self):
        return statistics.median(self.ns() for _ in range(9))

    def steady(self, bare):
        """Asks until the first hits are over, as they show: a probe costs many times the call. How long that took."""
        began = time.monotonic()
        while self.ns() > 3 * bare and time.monotonic() < began + STEADY_S:
            time.sleep(0.2)
        return time.monotonic() - began

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def measure(work, times):
    """Starts with and without the map beside a busy program, in turns: it alone, at its first hits, and after them."""
    path = os.path.join(work, "functions.json")
    named = write_map(path)
    busy = Busy()
    rounds = []
    try:
        for i in range(times):
            collector = Collector(os.path.join(work, f"plain{i}")).start()
            plain_s = collector.start_s
            collector.stop()
            shutil.rmtree(collector.work)
            busy.ns()
            bare = busy.median_ns()
            collector = Collector(os.path.join(work, f"functions{i}"), f'functions: {{ map: "{path}" }}').start()
            first = busy.ns()
            until_s = busy.steady(bare)
            rounds.append({"added_s": collector.start_s - plain_s, "bare_ns": bare, "first": first / bare - 1,
                           "until_s": until_s, "steady": busy.median_ns() / bare - 1})
            collector.stop()
            rounds[-1]["records"] = collector.lines_with(b'"type":"function_call"')
            shutil.rmtree(collector.work)
    finally:
        busy.end()
    bares = [one["bare_ns"] for one in rounds]
    return {"named": named, "noise": max(bares) / min(bares) - 1,
            **{key: statistics.median(one[key] for one in rounds) for key in rounds[0]}}


def measure_hits(work, times):
    """What one hit costs its program when each is seen, in ns above the bare call: folded, and recorded one by one."""
    path = os.path.join(work, "hits.json")
    with open(path, "w", encoding="utf-8") as out:
        json.dump({"version": 1, "functions": [{"library": "libcrypto.so.3", "symbols": ["OpenSSL_version_num"]}]}, out)
    busy = Busy(HITS, HITS_ROUNDS)
    rounds = []
    try:
        for i in range(times):
            bare = busy.median_ns()
            one = {"bare_ns": bare}
            for dedup in ("process", "off"):
                collector = Collector(os.path.join(work, f"hits-{dedup}{i}"), f"dedup: {dedup}", "probes: [function_call]",
                                      f'functions: {{ map: "{path}", mode: every }}').start()
                one[f"{dedup}_ns"] = busy.median_ns() - bare
                collector.stop()
                shutil.rmtree(collector.work)
            rounds.append(one)
    finally:
        busy.end()
    return {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
