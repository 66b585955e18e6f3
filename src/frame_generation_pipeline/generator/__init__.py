"""The network that paints the face, its backends and its export."""
