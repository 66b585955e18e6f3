"""Prepare a template from a recording."""
