#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Do the verdicts agree with the truth? agree.py ROOT TOLD STRACE MERGE [TYPE]

ROOT is the tree that ran and STRACE what strace saw, begun with the first program in it; TOLD has what the interpreters
said of themselves, MERGE is the verdicts as JSON. The truth shares nothing with the merger: dpkg in the tree is asked for
owners, importlib for Python's, Node's require.cache and Java's log of classes for what they loaded. Of each package
whether it was observed and its strongest tier must be the same; each disagreement is a line. Exit status 1 when there is
one. With TYPE only packages of it.
"""

import json
import sys

import packages_deb
import packages_languages
from acts import TIERS, Acts


def said(package):
    return package.get("tier") if package["verdict"] == "observed" else None


def compare(truth, verdicts, kind):
    """truth: of each package's key its tier. verdicts: of each its key and what is said. Yields what differs."""
    seen = {}
    for key, package in verdicts:
        if key in seen:
            yield f"{kind} {key}: told of twice"
        seen[key] = package
    for key in sorted(set(truth) | set(seen)):
        if key not in seen:
            yield f"{kind} {key}: {truth[key]} in truth, and the merger knows no such package"
        elif truth.get(key) != said(seen[key]):
            yield (f"{kind} {key}: {truth.get(key) or 'not used'} in truth, {said(seen[key]) or seen[key]['verdict']} by the merger"
                   f" {'; '.join(seen[key].get('reasons', []))} {json.dumps(seen[key].get('tiers', {}))[:400]}")


def main():
    root, told, strace, merged = sys.argv[1:5]
    wanted = sys.argv[5:]
    with open(merged) as text:
        verdicts = json.load(text)["packages"]
    acts = Acts(root, strace)
    worlds = {"deb": packages_deb.truth(root, acts)} | packages_languages.truths(root, told, acts)
    bad = 0
    for kind, (truth, key_of, notes) in worlds.items():
        if wanted and kind not in wanted:
            continue
        ours = [(key_of(one), one) for one in verdicts if one["type"] == kind]
        lines = list(notes) + list(compare(truth, ours, kind))
        lines += [] if any(truth.values()) or not truth else [f"{kind}: the truth itself: nothing was used"]
        bad += len(lines)
        for line in lines:
            print("DISAGREE " + line)
        used = {tier: sum(1 for one in truth.values() if one == tier) for tier in TIERS}
        silent = {}
        for _, one in ours:
            silent[one["verdict"]] = silent.get(one["verdict"], 0) + 1
        print(f"{kind}: {len(ours)} packages, truth {json.dumps(used)}, verdicts {json.dumps(silent, sort_keys=True)}, "
              f"{len(lines)} disagreements")
    for one in verdicts:
        if one["type"] not in worlds and one["verdict"] == "observed" and not wanted:
            print(f"DISAGREE {one['type']} {one['name']}: observed, and nothing of the kind ran")
            bad += 1
    sys.exit(1 if bad else 0)


main()
