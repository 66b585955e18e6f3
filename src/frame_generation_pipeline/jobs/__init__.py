"""Make videos as jobs: a persistent queue, and the workers that make the videos."""
