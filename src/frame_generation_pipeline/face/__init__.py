"""From a face crop to the generator's input, and from its output back into the frame."""
