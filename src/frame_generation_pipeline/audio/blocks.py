"""The blocks in which an audio program runs on audio that arrives in pieces; they have fixed places in the audio."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from frame_generation_pipeline.audio import streaming, whisper
from frame_generation_pipeline.audio.mel import FFT_SIZE, HOP, SHORTEST, WINDOW_COLUMNS, window_count, window_start
from frame_generation_pipeline.spec import AVE, SAMPLE_RATE, STREAMING, WHISPER, AudioSpec


@dataclass(frozen=True)
class Blocks:
    """Block b gives the features from `features` * b on; it begins at sample `step` * b."""

    features: int  # in a block
    step: int  # samples from one block to the next
    before: int  # whole blocks before it, which the program gets as left context
    samples: int  # from a block's start to the end of what its last feature hears
    total: Callable[[int], int]  # number of samples -> number of features, without repeated ones
    repeats_ends: bool = False  # whether the first and the last feature come twice


_AVE_FEATURES = 5  # the fewest windows after which the next one begins on a whole mel column: 16 columns later
BLOCKS = {
    AVE: Blocks(
        _AVE_FEATURES,
        _AVE_FEATURES * SAMPLE_RATE // AVE.fps,
        before=1,
        samples=(window_start(_AVE_FEATURES - 1) + WINDOW_COLUMNS - 1) * HOP + FFT_SIZE // 2,
        # Computed from the whole length, because its rounding depends on it.
        total=lambda samples: window_count(max(samples, SHORTEST) // HOP + 1),
        repeats_ends=True,
    ),
    WHISPER: Blocks(
        whisper.BLOCK_FEATURES,
        whisper.BLOCK_SAMPLES,
        before=ceil(whisper.SAMPLES_BEFORE / whisper.BLOCK_SAMPLES),
        samples=whisper.SAMPLES_WITH_CONTEXT - whisper.SAMPLES_BEFORE,
        total=lambda samples: ceil(samples * WHISPER.fps / SAMPLE_RATE),
    ),
    STREAMING: Blocks(
        1,
        streaming.STEP,
        before=streaming.BLOCKS_BEFORE,
        samples=streaming.SAMPLES_FROM_ITS_OWN,
        total=lambda samples: ceil(samples / streaming.STEP),
    ),
}


def look_ahead(spec: AudioSpec) -> tuple[float, float]:
    """The least and the most seconds from the beginning of a frame's audio to the last sample that its window needs."""
    blocks = BLOCKS[spec]
    last = spec.ahead - (1 if blocks.repeats_ends else 0)  # of the window's features, counted without the repeated one
    samples = [
        (frame + last) // blocks.features * blocks.step + blocks.samples - frame * SAMPLE_RATE // spec.fps
        for frame in range(blocks.features)
    ]
    return min(samples) / SAMPLE_RATE, max(samples) / SAMPLE_RATE


def features_of(samples: int, spec: AudioSpec) -> int:
    """The number N of features of audio with `samples` samples, at least one."""
    blocks = BLOCKS[spec]
    return blocks.total(samples) + (2 if blocks.repeats_ends else 0)
