"""From audio to frames: what is said, the engine, and its stages."""
