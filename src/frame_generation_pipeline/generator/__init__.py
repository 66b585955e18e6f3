"""The generator, which paints the face: the protocol, and the backends that need no PyTorch."""
