"""Open ONNX Runtime sessions, count the cores that they may use, and turn telemetry off."""
