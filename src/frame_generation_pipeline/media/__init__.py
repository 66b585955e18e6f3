"""Images, video and audio, in and out of files, and what marks a file as generated."""
