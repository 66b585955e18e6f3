"""Where faces are in a picture, and where the parts of a face are."""
