"""Turn text into audio: sentences, the voices that speak them, and their audio for a session or a file."""
