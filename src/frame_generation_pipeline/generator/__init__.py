"""The generator that paints the face, as what plays it sees it: a protocol and its backends."""
