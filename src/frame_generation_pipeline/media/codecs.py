"""The containers of video files by suffix, with their encoders and the options of these."""

from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import cast

import av
from av.audio.codeccontext import AudioCodecContext

from frame_generation_pipeline.errors import OptionError, check_choice
from frame_generation_pipeline.media.downmix import LAYOUTS

# Presets, with libvpx's options for the same trade of time for size (deadline, cpu-used); libx264 takes the name.
PRESETS = {
    "ultrafast": ("realtime", 8),
    "superfast": ("realtime", 7),
    "veryfast": ("realtime", 6),
    "faster": ("good", 5),
    "fast": ("good", 4),
    "medium": ("good", 3),
    "slow": ("good", 2),
    "slower": ("good", 1),
    "veryslow": ("good", 0),
}
DEFAULT_PRESET = "superfast"  # as good as "faster" at equal crf in a third of the time; files are a third larger


@dataclass(frozen=True)
class Codecs:
    """A video and an audio encoder of FFmpeg, and their limits."""

    video: str
    crf: int  # default constant rate factor; lower is better and larger
    crf_max: int
    audio: str
    sample_format: str  # of the audio encoder, in FFmpeg's name
    bit_rate: int  # of the audio, bit/s
    rates: tuple[int, ...]  # Hz, ascending: the sample rates that audio may have
    whole_frame: int = 0  # samples of audio frame, where the container cannot end the audio within one

    def video_options(self, crf: int | None, preset: str) -> dict[str, str]:
        """Return the video encoder's options for a quality (None: the default) and one of `PRESETS`.

        Raises `OptionError` if either is impossible.
        """
        crf = self.crf if crf is None else crf
        if not 0 <= crf <= self.crf_max:
            raise OptionError(f"crf {crf} is impossible for {self.video}; give 0 (best) to {self.crf_max} (smallest)")
        check_choice("preset", preset, PRESETS)
        options = {"crf": str(crf), "flags": "+bitexact"}
        if self.video == "libx264":
            return options | {"preset": preset}
        deadline, speed = PRESETS[preset]
        return options | {"b": "0", "row-mt": "1", "deadline": deadline, "cpu-used": str(speed)}

    def audio_rate(self, rate: int, fps: Fraction) -> int:
        """Return the lowest possible sample rate of at least `rate` in Hz, otherwise the highest.

        If only whole audio frames are stored, they must not be longer than a video frame, so that both end together.
        """
        least = max(rate, ceil(self.whole_frame * fps))
        return next((possible for possible in self.rates if possible >= least), self.rates[-1])

    def audio_layout(self, rate: int, layout: str) -> str:
        """Return the channel layout for the encoder: this one, the usual one with as many channels, or stereo."""
        usual = LAYOUTS.get(av.AudioLayout(layout).nb_channels, "stereo")
        if ("LFE" in _speakers(layout)) != ("LFE" in _speakers(usual)):  # low sounds are no speaker in front
            usual = "stereo"
        for candidate in (layout, usual):
            trial = cast(AudioCodecContext, av.CodecContext.create(self.audio, "w"))
            trial.format, trial.sample_rate, trial.layout = av.AudioFormat(self.sample_format), rate, candidate
            with suppress(av.FFmpegError):
                trial.open()
                return candidate
        return "stereo"


def _speakers(layout: str) -> list[str]:
    return [channel.name for channel in av.AudioLayout(layout).channels]


AAC_RATES = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000)
H264 = Codecs("libx264", crf=20, crf_max=51, audio="aac", sample_format="fltp", bit_rate=192_000, rates=AAC_RATES)
H264_IN_MATROSKA = replace(H264, whole_frame=1024)
VP9 = Codecs("libvpx-vp9", crf=32, crf_max=63, audio="libopus", sample_format="flt", bit_rate=128_000, rates=(48_000,))

# Suffix: FFmpeg's name of the container, and its codecs.
CONTAINERS = {
    ".mp4": ("mp4", H264),
    ".m4v": ("mp4", H264),
    ".mov": ("mov", H264),
    ".mkv": ("matroska", H264_IN_MATROSKA),
    ".webm": ("webm", VP9),
}
