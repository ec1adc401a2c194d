# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/kernels.md: what tests/vm/run --record saw (tests/vm/results.tsv), for each of tests/vm/kernels."""

import os

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KERNELS = os.path.join(ROOT, "tests", "vm", "kernels")
RESULTS = os.path.join(ROOT, "tests", "vm", "results.tsv")


class Kernel:
    """One row of tests/vm/kernels, and the facts that its last boot told."""

    def __init__(self, name, arch, cpu):
        self.name = name
        self.arch = arch
        self.cpu = cpu
        self.release = None
        self.facts = []

    def words(self, fact):
        return [words for name, words in self.facts if name == fact]

    def title(self):
        return f"`{self.release}`" if self.release else f"{self.name} (Debian)"

    def failed(self):
        return sorted(words[0] for words in self.words("test") if words[1] != "0")


def lines(path):
    with open(path, encoding="utf-8") as source:
        return [line.rstrip("\n").split("\t") for line in source if not line.startswith("#")]


def kernels():
    found = {name: Kernel(name, arch, cpu) for name, arch, _, _, cpu in lines(KERNELS)}
    for name, arch, release, cpu, fact, words in lines(RESULTS):
        kernel = found.get(name)
        if kernel and (kernel.arch, kernel.cpu) == (arch, cpu):
            kernel.release = release
            kernel.facts.append((fact, words.split(" ")))
    return found.values()


def hooks_of(kernel, kind, which):
    return [words[2] for words in kernel.words("hook") if words[:2] == [which, kind]]


def hook_cell(kernel, kind):
    mine = hooks_of(kernel, kind, "default")
    others = [hook for hook in hooks_of(kernel, kind, "other") if hook not in mine]
    if not mine and not others:
        return "-"
    seen = [words[1] for words in kernel.words("seen") if words[0] == kind]
    text = ", ".join(f"`{hook}`" for hook in mine)
    if others:
        text += "; tried too: " + ", ".join(f"`{hook}`" for hook in others)
    return text + ("" if seen else "; attached, nothing seen")


def hook_rows(kinds):
    """kernel x kind of record x hook used."""
    body = [[kernel.title(), kernel.arch, kernel.cpu,
             *(hook_cell(kernel, kind) if kernel.release else "untested" for kind in kinds)] for kernel in kernels()]
    return ["kernel", "architecture", "emulated processor", *(f"`{kind}`" for kind in kinds)], body


def recall_text(words):
    found, _, made = words[1:4]
    return f"{int(found):,} of {int(made):,}" + ("" if found == made else ", the rest counted as lost")


def recall_rows():
    """kernel x what was made; and whether all its tests passed."""
    all_of = list(kernels())
    names = list(dict.fromkeys(words[0] for kernel in all_of for words in kernel.words("recall")))
    body = []
    for kernel in all_of:
        told = {words[0]: recall_text(words) for words in kernel.words("recall")}
        tests = kernel.words("test")
        passed = f"{len(tests) - len(kernel.failed())} of {len(tests)}" if tests else "untested"
        passed += "".join(f"; `{name}` failed" for name in kernel.failed())
        body.append([kernel.title(), kernel.arch, *(told.get(name, "untested") for name in names), passed])
    return ["kernel", "architecture", *(name.replace("_", " ") for name in names), "test programs passed"], body


def seen_rows():
    """kernel x `src` that its records had."""
    body = []
    for kernel in kernels():
        seen = list(dict.fromkeys(f"`{words[1]}`" for words in kernel.words("seen") if words[0] != "layer"))
        body.append([kernel.title(), kernel.arch, ", ".join(seen) or "untested"])
    return ["kernel", "architecture", "`src` of the records that came"], body


def feature_rows(features):
    body = [[kernel.title(), kernel.arch,
             *(dict(kernel.words("feature")).get(name, "untested") for name in features)] for kernel in kernels()]
    return ["kernel", "architecture", *(f"`{name}`" for name in features)], body
