#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Makes the wheels and the Java archive of the truth's image: wheels.py DIR ROOT

DIR gets the wheels: a package, one that nobody imports, one with a file of data, halves of a namespace, a module whose
distribution has another name, and one with a program. ROOT/srv/java/truth-app.jar holds the classes of one archive of
Debian's, and an archive whole.
"""

import base64
import hashlib
import os
import sys
import zipfile

WHEELS = {
    ("truth_used", "1.0"): {"truth_used/__init__.py": "from truth_used.inner import word\n",
                            "truth_used/inner.py": "def word():\n    return 'used'\n",
                            "truth_used/left.py": ""},
    ("truth_used", "2.0"): {"truth_used/__init__.py": ""},
    ("truth_idle", "1.0"): {"truth_idle/__init__.py": "", "truth_idle.pth": "# read by each start, and nobody's import\n"},
    ("truth_still", "1.0"): {"truth_still/__init__.py": "", "truth_still/word.txt": "still\n"},
    ("truth_data", "1.0"): {"truth_data/__init__.py": "", "truth_data/word.txt": "data\n"},
    ("truth_space_near", "1.0"): {"truth_space/near.py": "WORD = 'near'\n"},
    ("truth_space_far", "1.0"): {"truth_space/far.py": "WORD = 'far'\n"},
    ("Truth.Single", "1.0"): {"truth_single.py": "STATUS = 7\n"},
    ("truth_tool", "1.0"): {"truth_tool.py": "import sys\n\nsys.path.append('/srv/python')\n\n\n"
                                             "def main():\n    from told import told\n    told(sys.argv[1])\n"},
    ("truth_venv", "1.0"): {"truth_venv.py": "WORD = 'venv'\n"},
}


def wheel(directory, name, version, files):
    stem = name.replace(".", "_")
    info = f"{stem}-{version}.dist-info"
    files = dict(files)
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: truth\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    if name == "truth_tool":
        files[f"{info}/entry_points.txt"] = "[console_scripts]\ntruth-tool = truth_tool:main\n"
    record = f"{info}/RECORD"
    rows = [f"{path},sha256={digest(text)},{len(text)}" for path, text in files.items()] + [record + ",,"]
    files[record] = "\n".join(rows) + "\n"
    with zipfile.ZipFile(os.path.join(directory, f"{stem}-{version}-py3-none-any.whl"), "w") as out:
        for path, text in files.items():
            out.writestr(path, text)


def digest(text):
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def pom(group, artifact, version):
    return (f"META-INF/maven/{group}/{artifact}/pom.properties",
            f"groupId={group}\nartifactId={artifact}\nversion={version}\n")


def archive(root):
    codec = os.path.join(root, "usr/share/java/commons-codec.jar")
    if not os.path.exists(codec):
        return
    with zipfile.ZipFile(os.path.join(root, "srv/java/truth-app.jar"), "w") as out:
        out.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
        out.writestr(*pom("truth", "truth-app", "1.0"))
        out.writestr(*pom("shaded", "shaded-codec", "1.0"))
        with zipfile.ZipFile(codec) as classes:
            for name in classes.namelist():
                if name.endswith(".class"):
                    out.writestr(name, classes.read(name))
        out.write(os.path.join(root, "usr/share/java/gson.jar"), "BOOT-INF/lib/gson.jar")


def main():
    directory, root = sys.argv[1:]
    os.makedirs(directory, exist_ok=True)
    for (name, version), files in WHEELS.items():
        wheel(directory, name, version, files)
    archive(root)


main()
