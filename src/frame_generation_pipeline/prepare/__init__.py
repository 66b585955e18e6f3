"""From a recording to a template."""
