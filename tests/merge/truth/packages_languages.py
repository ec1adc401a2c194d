# SPDX-License-Identifier: Apache-2.0
"""
The truth of Python's, Node's and Java's packages. Whose a file is: Python's importlib.metadata in the tree, the nearest
package.json, Maven's repository as Debian lays it out. What was loaded the interpreters told themselves: all of that must
be among what strace saw, or the truth itself is wrong.
"""

import glob
import json
import os
import re
import zipfile

import packages_deb
from acts import resolve, source_of

ASK_PYTHON = r"""
import glob, importlib.metadata, json, os, sys
found = []
for site in sorted(glob.glob("/usr/lib/python3*/dist-packages") + glob.glob("/usr/local/lib/python3*/*-packages") +
                   glob.glob("/opt/*/lib/python3*/site-packages")):
    for one in importlib.metadata.distributions(path=[site]):
        files = None if one.files is None else [os.path.realpath(one.locate_file(file)) for file in one.files]
        found.append([one.metadata["Name"], one.version, site, str(one._path), files,
                      (one.read_text("top_level.txt") or "").split()])
json.dump(found, sys.stdout)
"""


def pypi_key(name, version):
    return (re.sub(r"[-_.]+", "-", name).lower(), version)


def without_list(root, path, site, tops):
    """Debian's tell no files: those of the deb that it came in, below its site; of several in one deb, by their modules."""
    package = next(iter(packages_deb.Owners(root, [path])(path)), None)
    listed = packages_deb.ask(root, "dpkg", "-L", package).splitlines() if package else []
    described = [one for one in listed if re.search(r"\.(dist|egg)-info$", one) and one.startswith(site)]
    files = []
    for one in listed:
        top = re.split(r"[/.]", one[len(site) + 1:])[0] if one.startswith(site + "/") else ""
        if top and (len(described) < 2 or top in tops):
            files.append(one)
    return files


def is_description(path):
    return re.search(r"\.(dist|egg)-info(/|$)", path)


def told_by(told, pattern):
    files = set()
    for name in glob.glob(os.path.join(told, pattern)):
        with open(name) as text:
            files.update(json.load(text))
    return files


def check_told(kind, files, acts, owners, truth):
    """What an interpreter says it loaded must have been opened, and be of a package that the truth has as used."""
    if not files:
        yield f"{kind}: no interpreter told what it loaded"
    for path in sorted(files):
        for key in owners(path):
            if not truth.get(key):
                yield f"{kind} {key}: the truth itself: {path} was loaded, and strace saw no use of the package"


def pypi(root, told, acts):
    owned, truth = {}, {}
    for name, version, site, path, files, tops in json.loads(packages_deb.ask(root, "python3", "-I", "-c", ASK_PYTHON)):
        key = pypi_key(name, version)
        truth[key] = None
        if files is None:
            described = path if os.path.isfile(root + path) else glob.glob(root + path + "/[MP]*")[0][len(root):]
            files = without_list(root, described, site, tops)
        for file in files:
            if not is_description(file):
                owned.setdefault(file, set()).add(key)

    def owners(path):
        found = owned.get(source_of(path)) or owned.get(path, set())
        return found if len(found) == 1 else set()

    truth.update(acts.gather(owners))
    notes = check_told("pypi", told_by(told, "python-*.json"), acts, owners, truth)
    return truth, lambda one: pypi_key(one["name"], one["version"]), list(notes)


def npm_owner(root, path):
    """The package in whose directory it lies: below node_modules, or where Debian has them."""
    place = os.path.dirname(path)
    while place not in ("/", "/srv", "/usr/share/nodejs"):
        above = os.path.basename(os.path.dirname(place))
        if above.startswith("@"):
            above = os.path.basename(os.path.dirname(os.path.dirname(place)))
        if above in ("node_modules", "nodejs") or place in linked(root):
            try:
                with open(f"{root}{place}/package.json") as text:
                    package = json.load(text)
                return {(package["name"], package["version"])}
            except (OSError, KeyError):
                pass
        place = os.path.dirname(place)
    return set()


LINKED = {}


def linked(root):
    """Directories that a node_modules only links to."""
    if root not in LINKED:
        found = [one[len(root):] for one in glob.glob(root + "/srv/node/node_modules/*") if os.path.islink(one)]
        LINKED[root] = {resolve(root, one) for one in found}
    return LINKED[root]


def npm(root, told, acts):
    def owners(path):
        return npm_owner(root, path)

    truth = {}
    for top, folders, files in os.walk(root + "/srv/node"):
        if "package.json" in files:
            for key in owners(f"{top[len(root):]}/package.json"):
                truth[key] = None
    truth.update({key: None for file in glob.glob(root + "/usr/share/nodejs/**/package.json", recursive=True)
                  for key in owners(file[len(root):])})
    truth.update(acts.gather(owners))
    notes = []
    if os.path.isdir(root + "/srv/node/node_modules"):
        notes = list(check_told("npm", told_by(told, "node-*.json"), acts, owners, truth))
    return truth, lambda one: (one["name"], one["version"]), notes


def maven_places(root):
    """
    Of each archive the (artifact, version) that it is, as Debian's repository for Maven links to it; ours by hand. An archive
    in which no artifact is named goes by its file's name.
    """
    found = {"/srv/java/truth-app.jar": ("truth-app", "1.0")}
    for link in glob.glob(root + "/usr/share/maven-repo/**/*.jar", recursive=True):
        artifact, version = link.split("/")[-3:-1]
        place = resolve(root, link[len(root):])
        if version != "debian":
            found[place] = (artifact if names_itself(root + place) else place.split("/")[-1].split("-")[0], version)
    return {path: key for path, key in found.items() if os.path.exists(root + path)}


def names_itself(path):
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/pom.properties") for name in archive.namelist())


def classes_of(told):
    """The archives of which Java loaded classes."""
    found = set()
    for name in glob.glob(os.path.join(told, "java*.log")):
        with open(name) as text:
            found |= set(re.findall(r" source: file:(\S+\.jar)", text.read()))
    return found


def maven(root, told, acts):
    places = maven_places(root)

    def owners(path):
        return {places[path]} if path in places else set()

    truth = {key: None for key in places.values()}
    truth.update(acts.gather(owners))
    loaded = {resolve(root, path) for path in classes_of(told)}
    notes = check_told("maven", loaded, acts, owners, truth) if os.path.exists(root + "/srv/java") else ()
    return truth, lambda one: (one["name"].split(":")[-1], one["version"]), list(notes)


def truths(root, told, acts):
    return {"pypi": pypi(root, told, acts), "npm": npm(root, told, acts), "maven": maven(root, told, acts)}
