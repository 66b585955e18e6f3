"""Pictures in and out: videos and folders of frames, read and written as streams."""
