"""Turn off ONNX Runtime's reports to its maker; this module is imported before everything else.

Official builds of ONNX Runtime report the machine and the models to their maker, and write an identifier and unsent
reports into the home folder, unless this variable is set before the import (see its docs/Privacy.md). Set it to 0 to
allow that.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
