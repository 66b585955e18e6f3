"""Load the voice that speaks texts with the first text."""

import threading

from frame_generation_pipeline.voice.protocol import Voice
from frame_generation_pipeline.voice.settings import VoiceSettings


class LazyVoice:
    """The server's voice. Any thread may call."""

    def __init__(self, settings: VoiceSettings) -> None:
        self.settings = settings
        self._voice: Voice | None = None
        self._loading = threading.Lock()

    def load(self) -> Voice:
        """Return the voice; loading it takes a second. Raises OptionError if it is not installed."""
        with self._loading:
            if self._voice is None:
                self._voice = self.settings.load()
            return self._voice
