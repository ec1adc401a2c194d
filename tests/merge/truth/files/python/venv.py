# SPDX-License-Identifier: Apache-2.0
import sys

import truth_venv
from told import told

print(truth_venv.WORD)
told(sys.argv[1])
