"""Figures and images of quality: of a generator on frames it has not learned from, and of two renderings."""
