# SPDX-License-Identifier: Apache-2.0
"""
Which files of a tree were opened, mapped and executed, by what strace saw.

Promises the strongest tier of each regular file in the tree, named as it is in the end, links of directories resolved.
What was done before the first program of the tree was executed is the test's own. A script's interpreter was executed too.
"""

import os
import re
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "truth"))
import traced

TIERS = ("executed", "mapped", "opened")
KINDS = {"process_exec": "executed", "library_load": "mapped", "file_open": "opened"}


def resolve(root, path, depth=0):
    """What a process in the root reaches by this absolute path; nobody leaves the root."""
    done = "/"
    parts = [part for part in path.split("/") if part]
    while parts:
        part = parts.pop(0)
        if part == ".":
            continue
        if part == "..":
            done = os.path.dirname(done)
            continue
        here = os.path.join(done, part)
        if os.path.islink(root + here) and depth < 40:
            depth += 1
            target = os.readlink(root + here)
            parts = [word for word in target.split("/") if word] + parts
            done = "/" if target.startswith("/") else done
        else:
            done = here
    return done


def source_of(path):
    """Compiled Python stands for what it was made of."""
    match = re.fullmatch(r"(.*)/__pycache__/([^/]*)\.cpython-\d+(\.opt-\d)?\.pyc", path)
    return f"{match.group(1)}/{match.group(2)}.py" if match else path


def stronger(a, b):
    return min((tier for tier in (a, b) if tier), key=TIERS.index)


class Acts:
    def __init__(self, root, log):
        self.root, self.tiers = root, {}
        acts, _ = traced.read(log)
        begun = False
        for act in acts:
            if act.kind not in KINDS:
                continue
            path = os.fsdecode(act.path)
            if act.kind == "process_exec":
                begun = begun or path == "/srv/start"
                if begun:
                    self.executed(path)
            elif begun and not act.deleted:
                self.note(path[len(root):] if path.startswith(root + "/") else path, KINDS[act.kind])
        if not begun:
            raise traced.Unreadable(f"{log}: /srv/start was never executed")

    def note(self, path, tier):
        try:
            status = os.lstat(self.root + path)
        except OSError:
            return
        if stat.S_ISREG(status.st_mode):
            self.tiers[path] = stronger(self.tiers.get(path), tier)

    def executed(self, path):
        if not path.startswith("/"):
            raise traced.Unreadable(f"{path}: executed by a name that is not absolute")
        path = resolve(self.root, path)
        self.note(path, "executed")
        with open(self.root + path, "rb") as program:
            line = program.readline(256)
        if line.startswith(b"#!"):
            self.executed(os.fsdecode(line[2:].split()[0]))

    def gather(self, owners):
        """owners: of a file the keys of those whose it is. The strongest tier of each."""
        found = {}
        for path, tier in self.tiers.items():
            for key in owners(path):
                found[key] = stronger(found.get(key), tier)
        return found
