"""Text to voice: sentences, the voices that speak them, and their audio on its way to a session or a file."""
