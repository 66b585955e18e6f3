"""Figures and pictures of quality: how far two renderings are apart."""
