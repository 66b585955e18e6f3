"""ONNX Runtime sessions, the cores they may use, and their silence about use."""
