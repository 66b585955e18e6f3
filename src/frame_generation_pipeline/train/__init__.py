"""Train a generator on a template."""
