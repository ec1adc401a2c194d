# SPDX-License-Identifier: Apache-2.0
"""The truth of Debian's packages: whose files they are, by asking dpkg in the tree."""

import re
import subprocess

from acts import source_of


def ask(root, *words):
    return subprocess.run(["chroot", root, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}).stdout


def diversions(root):
    """Of each name that was diverted where its owner's file went, and who has the name now (None: nobody)."""
    found = {}
    for line in ask(root, "dpkg-divert", "--list").splitlines():
        match = re.fullmatch(r"(?:local )?diversion of (/.*) to (/.*?)(?: by (\S+))?", line)
        found[match.group(1)] = (match.group(2), match.group(3))
    return found


def names(path):
    """A merged /usr has two names for a file, and dpkg knows the one that the package had."""
    yield path
    if path.startswith("/usr/"):
        yield path[len("/usr"):]
    else:
        yield "/usr" + path


def owners_by_dpkg(root, paths):
    """As `dpkg -S` has it, of each path a set; diverted names are not yet what they are."""
    found = {}
    paths = sorted(paths)
    for start in range(0, len(paths), 500):
        asked = [re.sub(r"([\\*?\[\]])", r"\\\1", path) for path in paths[start:start + 500]]
        for line in ask(root, "dpkg", "-S", *asked).splitlines():
            if re.match(r"(local )?diversion ", line) or re.match(r"diversion by ", line):
                continue
            who, path = line.split(": ", 1)
            found.setdefault(path, set()).update(one.split(":")[0] for one in who.split(", "))
    return found


class Owners:
    def __init__(self, root, paths):
        self.diverted = diversions(root)
        self.away = {to: name for name, (to, _) in self.diverted.items()}
        asked = {name for path in paths for name in names(path)}
        asked |= {name for to, name in self.away.items()}
        self.known = owners_by_dpkg(root, asked)

    def of_name(self, name):
        if name in self.away:
            return self.known.get(self.away[name], set()) - {self.diverted[self.away[name]][1]}
        if name in self.diverted:
            return self.known.get(name, set()) & {self.diverted[name][1]}
        return self.known.get(name, set())

    def __call__(self, path):
        found = set()
        for name in names(path):
            found |= self.of_name(name)
        return found if len(found) == 1 else set()


def truth(root, acts):
    owners = Owners(root, {source_of(path) for path in acts.tiers})
    installed = {}
    for line in ask(root, "dpkg-query", "-W", "-f", "${Package}\\t${Version}\\t${Architecture}\\t${db:Status-Status}\\n").splitlines():
        name, version, arch, status = line.split("\t")
        if status == "installed":
            installed[name] = (name, version, arch)
    tiers = acts.gather(lambda path: {installed[name] for name in owners(source_of(path))})
    truth_of = {key: tiers.get(key) for key in installed.values()}
    return truth_of, lambda one: (one["name"], one["version"], one["arch"]), []
