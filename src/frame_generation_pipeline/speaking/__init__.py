"""Audio in, frames out: sessions, the engine that they share, and the writing of files."""
