"""Text to voice: sentences, the voices that speak them, and their sound on its way to a session or a file."""
