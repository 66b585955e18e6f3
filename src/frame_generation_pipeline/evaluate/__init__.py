"""Measure quality: of a generator on frames it was not trained on, and of two renderings against each other."""
