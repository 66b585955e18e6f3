"""The voice that speaks texts, loaded when the first one comes."""

import threading

from frame_generation_pipeline.voice.protocol import Voice
from frame_generation_pipeline.voice.settings import VoiceSettings


class LazyVoice:
    """The server's voice. Any thread may ask."""

    def __init__(self, settings: VoiceSettings) -> None:
        self.settings = settings
        self._voice: Voice | None = None
        self._loading = threading.Lock()

    def load(self) -> Voice:
        """The voice, which takes a second the first time. Raises OptionError where it is not installed."""
        with self._loading:
            if self._voice is None:
                self._voice = self.settings.load()
            return self._voice
