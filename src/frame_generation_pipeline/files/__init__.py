"""Files that are complete or not there, work that outlives its process, strict JSON, and progress."""
