"""From a template to a generator's checkpoint."""
