import io
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from frame_generation_pipeline.server.live_encoder import AUDIO_RATE, Encoded, LiveEncoder

WIDTH, HEIGHT, FPS = 320, 240, 25


@pytest.fixture
def encoder() -> Iterator[LiveEncoder]:
    live_encoder = LiveEncoder((WIDTH, HEIGHT), FPS)
    yield live_encoder
    live_encoder.close()


def noise(seed: int) -> npt.NDArray[Any]:
    """A frame that takes more bytes than the muxer writes at once."""
    return np.random.default_rng(seed).integers(16, 235, (HEIGHT * 3 // 2, WIDTH), np.uint8)


def silence() -> npt.NDArray[Any]:
    return np.zeros(AUDIO_RATE // FPS, np.float32)


def encode(encoder: LiveEncoder, ticks: int, keys: tuple[int, ...] = ()) -> list[Encoded]:
    """A white frame with a tone each tenth tick, noise and silence otherwise."""
    packets = []
    for tick in range(ticks):
        frame, samples = noise(tick), silence()
        if tick % 10 == 5:
            frame = np.full_like(frame, 235)
            samples = np.sin(0.3 * np.arange(len(samples))).astype(np.float32)
        packets.append(encoder.encode(frame, samples, key=tick in keys))
    return packets


def test_images_and_audio_have_one_time(encoder: LiveEncoder) -> None:
    encoded = encode(encoder, 60)
    data = encoder.header + b"".join(fragment.data for each in encoded for fragment in each.fragments)
    assert max(len(fragment.data) for each in encoded for fragment in each.fragments) > 32_768
    with av.open(io.BytesIO(data), "r") as container:
        white = [frame.time for frame in container.decode(video=0) if frame.to_ndarray()[:HEIGHT].mean() > 200]
    with av.open(io.BytesIO(data), "r") as container:
        audio = list(container.decode(audio=0))
    samples, start = np.concatenate([frame.to_ndarray()[0] for frame in audio]), audio[0].time
    places = np.flatnonzero(np.abs(samples) > 0.3)
    onsets = [start + place / AUDIO_RATE for place in places[np.diff(places, prepend=-AUDIO_RATE) > AUDIO_RATE // 10]]
    assert white == pytest.approx([0.2 + 0.4 * i for i in range(len(white))])
    assert onsets[: len(white)] == pytest.approx(white[: len(onsets)], abs=0.003)
    assert len(white) >= 5


def test_viewers_may_begin_at_every_key(encoder: LiveEncoder) -> None:
    encoded = encode(encoder, 60, keys=(33,))
    assert [tick for tick, each in enumerate(encoded) if each.key] == [0, 25, 33, 58]
    fragments = [fragment for each in encoded for fragment in each.fragments]
    for first in [place for place, fragment in enumerate(fragments) if fragment.key]:
        data = encoder.header + b"".join(fragment.data for fragment in fragments[first:])
        with av.open(io.BytesIO(data), "r") as container:
            assert next(container.decode(video=0)).key_frame


def test_packets_are_decoded_one_by_one(encoder: LiveEncoder) -> None:
    """As WebRTC sends them: parameters before each key frame, no frame waits for a later one."""
    encoded = encode(encoder, 30)
    decoder = av.CodecContext.create("h264", "r")
    decoder.flags |= av.codec.context.Flags.low_delay
    for tick, each in enumerate(encoded[25:]):
        assert each.video
        assert len(decoder.decode(av.Packet(each.video.data))) == 1, tick
    times = [packet.pts for each in encoded for packet in each.opus]
    assert len(times) == 60
    assert set(np.diff(times)) == {960}


def test_a_missing_frame_is_the_one_before_it(encoder: LiveEncoder) -> None:
    first = encoder.encode(noise(1), silence(), key=True)
    again = encoder.encode(None, silence(), key=False)
    assert first.video
    assert again.video
    assert again.video.pts == 1
    assert len(again.video.data) < len(first.video.data) / 5
