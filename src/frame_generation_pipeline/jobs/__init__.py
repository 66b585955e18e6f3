"""Videos as jobs: a queue that outlives its process, and the workers that make them."""
