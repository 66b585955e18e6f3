"""Lip-synced video of a recorded person from any speech."""
