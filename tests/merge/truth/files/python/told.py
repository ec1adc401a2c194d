# SPDX-License-Identifier: Apache-2.0
"""What this interpreter has imported, as itself tells: the files of its modules."""

import json
import os
import sys


def told(directory):
    found = set()
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None):
            found.add(os.path.realpath(module.__file__))
    with open(os.path.join(directory, f"python-{os.getpid()}.json"), "w") as out:
        json.dump(sorted(found), out)
