"""Nothing is reported to anybody; imported before everything else.

ONNX Runtime's own builds tell their maker about machine and models, and write an identifier and what is still to be
sent into the home folder, unless this is set before it is imported (its docs/Privacy.md). Who wants that sets it to 0.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
