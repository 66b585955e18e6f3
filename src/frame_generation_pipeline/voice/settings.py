"""Options of the voice."""

from dataclasses import dataclass

from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.voice.endpoint import EndpointVoice
from frame_generation_pipeline.voice.hibari_voice import NAME, HibariVoice
from frame_generation_pipeline.voice.protocol import Voice

SPEEDS = (0.5, 2.0)


@dataclass(frozen=True)
class VoiceSettings:
    """Which voice speaks, and how; by default the voice of the extra `[say]`."""

    name: str | None = None  # name for hibari-tts or the endpoint; None: `heart`, or the endpoint's `alloy`
    speed: float = 1.0  # of 0.5 to 2; 1 is the voice's own
    seed: int | None = None  # of the noise in hibari's voices; None: 0
    url: str | None = None  # of an endpoint with OpenAI's interface; None: hibari-tts speaks
    model: str | None = None  # name for the endpoint; None: `tts-1`

    def load(self) -> Voice:
        """Load the voice. Raises OptionError for settings that are impossible or without effect, or a missing voice."""
        if not SPEEDS[0] <= self.speed <= SPEEDS[1]:
            raise OptionError(f"--speed {self.speed:g}: expected {SPEEDS[0]:g} to {SPEEDS[1]:g}")
        if self.url is None:
            if self.model is not None:
                raise OptionError("--tts-model is for an endpoint; give --tts-url too, or leave it out")
            seed = self.seed or 0
            if seed < 0:
                raise OptionError(f"--seed {seed}: expected 0 or more")
            return HibariVoice(self.name or NAME, self.speed, seed)
        if self.seed is not None:
            raise OptionError("--seed is for the voices of hibari-tts; an endpoint knows none, leave it out")
        return EndpointVoice(self.url, self.name or "alloy", self.model or "tts-1", self.speed)
