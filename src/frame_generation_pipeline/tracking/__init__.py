"""Where faces are in an image, and where the parts of a face are."""
