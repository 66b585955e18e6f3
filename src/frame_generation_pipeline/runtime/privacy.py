"""Turn off ONNX Runtime's reports to its maker; this module is imported before everything else.

ONNX Runtime's own builds tell their maker about machine and models, and write an identifier and what is still to be
sent into the home folder, unless this is set before it is imported (its docs/Privacy.md). Set it to 0 to allow that.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
