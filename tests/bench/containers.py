# SPDX-License-Identifier: Apache-2.0
"""One of 20 busy containers is targeted: what the other 19 cost the collector and the ring, and what it costs them.

Containers are cgroups with docker's names in the hierarchy that the collector chose; no engine is needed, since the
target is named by its id. Every load waits in its cgroup before the collector starts, so that the records of cgroups
entered are none of a measurement.
"""

import os
import secrets
import shutil
import statistics
import subprocess
import time

from collector import BUILD, Collector

LOAD = os.path.join(BUILD, "tests", "bench", "openclose")
CONTAINERS = 20
NOISE = 0.05  # what two measurements of one thing may differ by, at least
IN_CGROUP = 'echo $$ >"$0/cgroup.procs" && echo ready && read -r go && exec "$@"'


def mount_of(hierarchy):
    """Where the hierarchy that the collector names is mounted: "unified", or a controller of the first version."""
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        for line in mounts:
            _, where, kind, options = line.split()[:4]
            if kind == "cgroup2" and hierarchy == "unified" or kind == "cgroup" and hierarchy in options.split(","):
                return where
    raise RuntimeError(f"the hierarchy {hierarchy} is mounted nowhere")


def hierarchy_asked(work):
    collector = Collector(os.path.join(work, "asked")).start()
    hierarchy = collector.status()["cgroup_hierarchy"]
    collector.stop()
    shutil.rmtree(collector.work)
    return hierarchy


class Containers:
    """Their cgroups, each with a file of its own to open; gone at the end, whatever happened."""

    def __init__(self, work):
        self.parent = os.path.join(mount_of(hierarchy_asked(work)), "docker")
        self.ids = [secrets.token_hex(32) for _ in range(CONTAINERS)]
        self.files = [os.path.join(work, f"file{i}") for i in range(CONTAINERS)]
        self.made_parent = False

    def __enter__(self):
        try:
            if not os.path.isdir(self.parent):
                os.mkdir(self.parent)
                self.made_parent = True
            for one, name in zip(self.ids, self.files):
                os.mkdir(os.path.join(self.parent, one))
                with open(name, "w", encoding="ascii") as out:
                    out.write("x\n")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for one in self.ids:
            path = os.path.join(self.parent, one)
            if os.path.isdir(path):
                os.rmdir(path)
        if self.made_parent and not any(entry.is_dir() for entry in os.scandir(self.parent)):
            os.rmdir(self.parent)


class Loads:
    """One load in each of the first containers, waiting to be told."""

    def __init__(self, containers, count, opens):
        self.processes = []
        try:
            for i in range(count):
                self.processes.append(subprocess.Popen(
                    ["sh", "-c", IN_CGROUP, os.path.join(containers.parent, containers.ids[i]), LOAD, str(opens),
                     containers.files[i]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            for process in self.processes:
                if process.stdout.readline() != "ready\n":
                    raise RuntimeError("a load did not get into its cgroup")
        except BaseException:
            self.end()
            raise

    def run(self):
        """Nanoseconds of processor time that one open and close took, in each."""
        for process in self.processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        try:
            return [float(process.communicate()[0].split()[0]) for process in self.processes]
        finally:
            self.end()

    def end(self):
        for process in self.processes:
            process.kill()
            process.wait()


def cpu_clock_s(pid):
    """The process's own clock (CPUCLOCK_SCHED, as clock_getcpuclockid makes it): /proc tells hundredths only."""
    return time.clock_gettime(~pid << 3 | 2)


def config_of(containers):
    return ("dedup: off", "ring_buffer_mb: 32", "containers: { engines: [none] }",
            f'filters: {{ target_containers: ["docker://{containers.ids[0]}"], host: false }}')


def watched(work, containers, count, opens, lasting_s=0.0, raw=None):
    """The first container is the target; loads in the first `count`. What it took, over `lasting_s` at least."""
    loads = Loads(containers, count, opens)
    collector = Collector(os.path.join(work, f"watched{count}"), *config_of(containers))
    try:
        collector.start(*(("--record-raw", raw) if raw else ()))
        collector.settle()
        before, began = cpu_clock_s(collector.pid), time.monotonic()
        taken = loads.run()
        collector.settle()
        wall_s = time.monotonic() - began
        time.sleep(max(0.0, lasting_s - wall_s))
        cpu_s = cpu_clock_s(collector.pid) - before
        time.sleep(1.1)  # the kernel's counts are read once a second
        status = collector.status()
        collector.stop()
        opened = [collector.lines_with(f'"path":"{name}"'.encode()) for name in containers.files]
        return {"ns": statistics.median(taken[1:] or taken), "cpu_s": cpu_s, "wall_s": wall_s,
                "wanted": opened[0], "others": sum(opened[1:]), "filtered": status["filtered"],
                "lost": sum(loss["count"] for loss in status["losses"] if loss["effect"] == "record"),
                "raw": os.path.getsize(raw) if raw else 0}
    finally:
        loads.end()
        if collector in Collector.running:
            collector.stop()
        shutil.rmtree(collector.work)


def ring_bytes(work, containers, opens):
    """What a raw capture holds, which is what came through the ring: with the 19 beside, and without."""
    taken = []
    for count in (CONTAINERS, 1):
        raw = os.path.join(work, f"raw{count}")
        taken.append(watched(work, containers, count, opens, raw=raw)["raw"])
        os.unlink(raw)
    return taken


def measure(work, rounds, opens):
    """In turns: all loads without a collector, all with one that wants the first, and the first alone with it."""
    bare, among, alone = [], [], []
    with Containers(work) as containers:
        ring = ring_bytes(work, containers, opens)
        for _ in range(rounds):
            bare.append(statistics.median(Loads(containers, CONTAINERS, opens).run()[1:]))
            among.append(watched(work, containers, CONTAINERS, opens))
            # As long: what the collector does by the clock is in both.
            alone.append(watched(work, containers, 1, opens, lasting_s=among[-1]["wall_s"]))
    cpus = [[one["cpu_s"] for one in taken] for taken in (among, alone)]
    return {"opens": opens * rounds, "bare_ns": statistics.median(bare),
            "added": statistics.median(one["ns"] / ns - 1 for one, ns in zip(among, bare)),
            "cpu": statistics.median(one / other for one, other in zip(*cpus)),
            "cpus": cpus, "noise": max(NOISE, max(cpus[1]) / min(cpus[1]) - 1),
            "ring": ring[0] / ring[1], "ring_bytes": ring,
            **{key: sum(one[key] for one in among) for key in ("wanted", "others", "filtered", "lost")}}
