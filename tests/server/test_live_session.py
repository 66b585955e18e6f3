import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from frame_generation_pipeline.server.live_encoder import Encoded, LiveEncoder
from frame_generation_pipeline.server.live_session import Event, LiveSession
from frame_generation_pipeline.server.problems import Problem
from frame_generation_pipeline.server.service import Service
from frame_generation_pipeline.server.settings import ServerSettings
from frame_generation_pipeline.server.tokens import LOCAL
from frame_generation_pipeline.speaking.style import Style
from serving import TINY

RATE = 16_000  # Hz


class Recorder:
    """A viewer and listener: what came, in order."""

    def __init__(self) -> None:
        self.log: list[Encoded | Event] = []

    def take(self, encoded: Encoded, encoder: LiveEncoder) -> None:
        self.log.append(encoded)

    def tell(self, event: Event) -> None:
        self.log.append(event)

    def until(self, kind: str) -> int:
        """The place of the next event of that kind."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            for place, entry in enumerate(self.log):
                if not isinstance(entry, Encoded) and entry["type"] == kind:
                    return place
            time.sleep(0.005)
        raise AssertionError(kind)


@pytest.fixture
def session(avatars: Path) -> Iterator[LiveSession]:
    service = Service(ServerSettings(avatars=avatars))
    yield service.sessions.create(LOCAL, TINY, Style())
    service.close()


def say(session: LiveSession, seconds: float, longest: float = 600.0) -> None:
    utterance = session.begin(RATE, longest)
    samples = 12_000 * np.sin(2 * np.pi * 300 * np.arange(round(seconds * RATE)) / RATE)
    utterance.push(samples.astype("<i2").tobytes())
    utterance.end()
    session.wake()


def test_nothing_of_old_speech_is_sent_after_an_interruption(session: LiveSession) -> None:
    for _ in range(5):
        recorder = Recorder()
        session.listen(recorder.tell)
        session.watch(recorder)
        say(session, 5.0)
        recorder.until("agent.speak_started")
        time.sleep(0.21)
        session.interrupt()
        place = recorder.until("agent.speak_ended")
        time.sleep(0.2)
        session.leave(listener=recorder.tell, viewer=recorder)
        # Ten milliseconds, of two channels, are the encoder's own: it looks ahead, and packets overlap.
        decoder = av.CodecContext.create("libopus", "r")
        loud = []
        for number, entry in enumerate(recorder.log):
            for packet in entry.opus if isinstance(entry, Encoded) else []:
                frames = decoder.decode(av.Packet(packet.data))
                loud += [number for frame in frames if np.abs(frame.to_ndarray()[:, 2 * 480 :]).max() > 1000]
        assert loud
        assert max(loud) < place


def test_so_much_waits_and_no_more(session: LiveSession) -> None:
    with pytest.raises(Problem) as refused:
        say(session, 3.0, longest=2.0)
    assert refused.value.status == 429
    for _ in range(31):
        say(session, 0.1)
    with pytest.raises(Problem) as refused:
        say(session, 0.1)
    assert refused.value.code == "too_many_utterances"
    session.close("enough")
    with pytest.raises(Problem) as refused:
        say(session, 0.1)
    assert refused.value.status == 410
