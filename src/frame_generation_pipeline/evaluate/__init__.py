"""Figures and pictures of quality: of a generator on frames it has not learned from, and of two renderings."""
