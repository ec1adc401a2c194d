#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# What the pages show as code, for tests/docs/docs.bats.
#
#   examples.py marks            a line for each fenced block that says neither what it is nor whether it is run
#   examples.py pages            the pages that have blocks to run
#   examples.py script PAGE SANDBOX [root]
#                                its blocks as one script, the host's folders moved into SANDBOX; without "root" only
#                                those that need no root
#   examples.py links            a line for each link, or anchor, that leads nowhere
#   examples.py messages         a line for each message of the runbook that the code cannot print
#   examples.py blind            a line for each blind spot in the code that has no row, and the other way round

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FENCE = re.compile(r"^```(.*)$")
MARK = re.compile(r"^(sh run|sh run root|sh not-run=\S.*|text|json|c|yaml)$")


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as page:
        return page.read()


def pages():
    return ["README.md"] + sorted("docs/" + name for name in os.listdir(os.path.join(ROOT, "docs"))
                                  if name.endswith(".md"))


def blocks(page):
    """(line, mark, text) of each fenced block."""
    mark = None
    for number, line in enumerate(read(page).splitlines(), 1):
        found = FENCE.match(line)
        if found and mark is None:
            mark, start, body = found[1], number, []
        elif found:
            yield start, mark, "\n".join(body) + "\n"
            mark = None
        elif mark is not None:
            body.append(line)
    if mark is not None:
        yield start, "not closed", ""


def runnable(page):
    return [block for block in blocks(page) if block[1] in ("sh run", "sh run root")]


def marks():
    for page in pages():
        for line, mark, _ in blocks(page):
            if not MARK.match(mark):
                print(f"{page}:{line}: '{mark}' says neither what this is nor whether it is run")


def script(page, sandbox, root=None):
    print("set -euo pipefail")
    for line, mark, body in runnable(page):
        if mark == "sh run root" and not root:
            continue
        for folder in ("/var/lib/stella", "/etc/stella", "/run/stella"):
            body = re.sub(re.escape(folder) + r"(?![\w.-])", sandbox + folder, body)
        print(f"echo '--- {page}:{line}' >&2\n{body}")


def anchors(page):
    """GitHub's anchors: lower case, punctuation gone, spaces to hyphens."""
    inside = False
    for line in read(page).splitlines():
        inside ^= bool(FENCE.match(line))
        if not inside and re.match(r"#+ ", line):
            yield re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower()).replace(" ", "-")


def links():
    for page in pages():
        for target in re.findall(r"\]\(([^)\s]+)\)", read(page)):
            if re.match(r"[a-z]+://", target):
                continue
            name, _, anchor = target.partition("#")
            path = os.path.normpath(os.path.join(os.path.dirname(page), name)) if name else page
            if not os.path.exists(os.path.join(ROOT, path)):
                print(f"{page}: {target}: there is no {path}")
            elif anchor and anchor not in anchors(path):
                print(f"{page}: {target}: {path} has no heading of that name")
    linked = set(re.findall(r"\]\(([^)#\s]+)", read("docs/index.md")))
    for page in pages()[1:]:
        if page != "docs/index.md" and os.path.basename(page) not in linked:
            print(f"docs/index.md does not link {page}")


def sources():
    for room in ("src", "include"):
        for folder, _, names in os.walk(os.path.join(ROOT, room)):
            for name in names:
                with open(os.path.join(folder, name), encoding="utf-8") as source:
                    yield source.read()


def places(message):
    """(is it a placeholder, text) of each part."""
    for part in re.split(r"(\b(?:DIR|FILE|SOCKET|KEY|WHY|WHAT|MODE|N|CAP_BPF and CAP_PERFMON)\b)", message):
        yield bool(re.fullmatch(r"[A-Z_]{1,8}|CAP_.*", part)), part


def messages():
    """Words of the message between its placeholders must stand in one string of the source, in this order."""
    text = "\n".join(sources())
    text = re.sub(r'^#define PROGRAM "([^"]*)"$(.*?)\Z', lambda hit: re.sub(r"\bPROGRAM\b", f'"{hit[1]}"', hit[2]),
                  text, flags=re.M | re.S) if "#define PROGRAM" in text else text
    text = re.sub(r'"\s*(?:PRI\w+\s*)?"', "", text)
    strings = re.findall(r'"((?:[^"\\\n]|\\.)*)"', text)
    table = read("docs/operator-runbook.md").split("## Messages")[1]
    rows = re.findall(r"^\| `(.*?)` \|", table, re.M)
    if len(rows) < 10:
        print("the runbook's table of messages is gone")
    for row in rows:
        pattern = re.compile("".join(rf"(?:{part}|(?:%[^ ;:,)']*)+)" if place else re.escape(part)
                                     for place, part in places(row)))
        if not any(pattern.search(string) for string in strings):
            print(f"no string in src/ says: {row}")


def blind():
    code = set(re.findall(r'"(\w+)"', " ".join(re.findall(r"\bblind_\w+\[\] = \{(.*?)\}",
                                                          read("src/probe/hooks.c"), re.S))))
    section = read("docs/probe-reference.md").split("## Blind spots")[1].split("\n## ")[0]
    told = set(re.findall(r"^\| `(\w+)` \|", section, re.M))
    if not code:
        print("src/probe/hooks.c names no blind spots any more, or names them elsewhere")
    for name in sorted(code ^ told):
        print(f"{name}: {'not explained' if name in code else 'in no seal'}")


def main():
    what, *arguments = sys.argv[1:]
    if what == "pages":
        print("\n".join(page for page in pages() if runnable(page)))
    elif what == "script":
        script(*arguments)
    else:
        {"marks": marks, "links": links, "messages": messages, "blind": blind}[what]()


main()
