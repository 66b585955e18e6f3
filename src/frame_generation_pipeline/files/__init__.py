"""Write complete files only, keep unfinished work for later runs, read strict JSON, and show progress."""
