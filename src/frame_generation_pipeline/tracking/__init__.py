"""Find the faces in an image and the points of each face."""
