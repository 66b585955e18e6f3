"""Programs that make the files in the package's `weights`; no part of the wheel."""
