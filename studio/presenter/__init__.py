"""Makes a synthetic person; run it as `python -m studio.presenter`."""
