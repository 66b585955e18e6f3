"""Constants of the feature type `streaming`: the audio from which its audio program computes each feature.

Every feature is computed by itself, from the 1.2 s of audio before its frame and 0.08 s from the frame on. So a frame
needs no audio after 0.2 s from its own beginning: that of the last feature in its window. The built-in audio program
(`weights/presenter/programs/audio.onnx`, made by `studio/streaming_encoder.py`) is a small convolutional network.
"""

from frame_generation_pipeline.spec import SAMPLE_RATE, STREAMING

STEP = SAMPLE_RATE // STREAMING.fps  # samples from a feature to the next, 640
BLOCKS_BEFORE = 30  # steps of audio before its own that a feature is computed from
SAMPLES_BEFORE = BLOCKS_BEFORE * STEP  # 19200
SAMPLES_FROM_ITS_OWN = 2 * STEP  # 1280
SAMPLES_WITH_CONTEXT = SAMPLES_BEFORE + SAMPLES_FROM_ITS_OWN  # for a feature, 20480
