"""Read and write images, video and audio, and mark files as generated."""
