"""Constants of the feature type `whisper`: the audio from which its audio program computes each block of features.

Ten features at a time are computed from one second of audio: 0.4 s before them, their own 0.4 s, and 0.2 s after. The
program (`weights/whisper.onnx`, made by `studio/voice_encoder.py`) is Whisper tiny.en's encoder behind its mel front
end, and a projection to 256 values; every feature is two of its 50 vectors a second.
"""

from frame_generation_pipeline.spec import SAMPLE_RATE, WHISPER

FFT_SIZE, HOP = 400, 160  # samples; Whisper's own
COLUMNS = 100  # mel columns that the encoder takes at once
BLOCK_FEATURES = 10
BLOCK_SAMPLES = BLOCK_FEATURES * SAMPLE_RATE // WHISPER.fps  # 6400
TOKENS_BEFORE = 20  # vectors, of two columns each, before those that are used
LEAD = FFT_SIZE // 2  # a column is computed from as many samples on either side of its time
SAMPLES_BEFORE = TOKENS_BEFORE * 2 * HOP + LEAD  # that a block needs before it, 6600
SAMPLES_WITH_CONTEXT = (COLUMNS - 1) * HOP + FFT_SIZE  # for a block, 16240
