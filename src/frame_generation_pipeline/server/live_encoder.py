"""One session's frames and audio, encoded once for all who watch: H.264 with AAC in fragmented MP4, and Opus."""

import io
from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.media.images import FrameEncoding

AUDIO_RATE = 48_000  # Hz of the audio that viewers get; mono
AAC_FRAME, OPUS_FRAME = 1024, 960  # samples in a packet
AAC_BITS, OPUS_BITS = 96_000, 48_000  # bit/s
CRF = 23
MOST_BITS = 2_500_000  # bit/s; what networks of phones carry
TIMES = Fraction(1, AUDIO_RATE)
VIDEO_TRACK = 1  # in the MP4; the audio's is 2
# One fragment for each packet, in the default base that Media Source Extensions demand.
MP4_OPTIONS = {"movflags": "empty_moov+default_base_moof+frag_discont", "frag_duration": "1", "fflags": "+bitexact"}


@dataclass(frozen=True)
class Packet:
    """What WebRTC sends: encoded data and its time on the encoder's clock."""

    data: bytes
    pts: int
    time_base: Fraction


@dataclass(frozen=True)
class Fragment:
    """A piece of the MP4."""

    data: bytes
    key: bool  # whether images can be decoded from it on


@dataclass
class Encoded:
    """All that came of one tick; the MP4 is about two frames behind the packets."""

    video: Packet | None = None
    key: bool = False  # whether images can be decoded from `video` on
    opus: list[Packet] = field(default_factory=list)
    fragments: list[Fragment] = field(default_factory=list)


class LiveEncoder:
    """Encodes tick by tick, from a time 0 of its own; video and audio of a tick have one time."""

    def __init__(self, size: tuple[int, int], fps: int) -> None:
        """size: width and height, even. fps: ticks a second."""
        self._fps, self._samples = fps, AUDIO_RATE // fps
        self._ticks = 0
        self._written = _Written()
        self._container = av.open(self._written, "w", format="mp4", container_options=MP4_OPTIONS)
        self._video = self._video_stream(size)
        self._aac = self._container.add_stream("aac", rate=AUDIO_RATE, layout="mono")
        self._aac.codec_context.bit_rate = AAC_BITS
        self._opus = av.CodecContext.create("libopus", "w")
        self._opus.sample_rate, self._opus.layout, self._opus.format = AUDIO_RATE, "mono", "flt"
        self._opus.time_base, self._opus.bit_rate = TIMES, OPUS_BITS
        self._container.start_encoding()
        self.header = self._written.take()  # with which every reading of the MP4 begins
        self._parameters = bytes(self._video.codec_context.extradata or b"")  # for decoders, in front of key frames
        self._keys: deque[bool] = deque()  # of the images whose fragments are not written yet
        self._for_aac = _Chunks(AAC_FRAME)
        self._for_opus = _Chunks(OPUS_FRAME)
        self._last: Frame | None = None

    def encode(self, frame: Frame | None, samples: npt.NDArray[np.float32], *, key: bool) -> Encoded:
        """Encode the video and audio of the next tick.

        frame: of `LiveRenderer`; None shows the one before it again, of which there must be one.
        samples: (48,000 / fps,) float32. key: demand a key frame; there is one a second anyway.
        """
        self._last = self._last if frame is None else frame
        assert self._last is not None
        encoded = Encoded()
        self._encode_image(self._last, encoded, key=key)
        self._encode_audio(samples, encoded)
        self._ticks += 1
        for data in self._written.fragments():
            video = _track(data) == VIDEO_TRACK
            encoded.fragments.append(Fragment(data, self._keys.popleft() if video else False))
        return encoded

    def close(self) -> None:
        """Free what the encoders hold."""
        self._container.close()
        self._written.take()

    def _video_stream(self, size: tuple[int, int]) -> VideoStream:
        options = {
            "preset": "superfast",
            "tune": "zerolatency",
            "profile": "baseline",  # what every browser decodes; it has no B-frames
            "crf": str(CRF),
            "maxrate": str(MOST_BITS),
            "bufsize": str(MOST_BITS // 2),
            "forced-idr": "1",
            "x264-params": f"keyint={self._fps}:min-keyint=1:scenecut=0",
        }
        encoding = FrameEncoding("libx264", options, size, Fraction(self._fps), threads=1)
        stream = self._container.add_stream("libx264", rate=self._fps, options=options)
        encoding.configure(stream.codec_context)
        return stream

    def _encode_image(self, frame: Frame, encoded: Encoded, *, key: bool) -> None:
        shown = VideoFrame.from_ndarray(frame, format="yuv420p")
        shown.pts, shown.time_base = self._ticks, Fraction(1, self._fps)
        shown.pict_type = PictureType.I if key else PictureType.NONE
        for packet in self._video.codec_context.encode(shown):
            assert packet.pts is not None
            encoded.key = packet.is_keyframe
            data = (self._parameters if encoded.key else b"") + bytes(packet)
            encoded.video = Packet(data, packet.pts, Fraction(1, self._fps))
            self._keys.append(encoded.key)
            packet.stream, packet.duration = self._video, 1
            self._container.mux_one(packet)

    def _encode_audio(self, samples: npt.NDArray[np.float32], encoded: Encoded) -> None:
        for chunk in self._for_opus.push(samples):
            for packet in self._opus.encode(chunk):
                assert packet.pts is not None
                encoded.opus.append(Packet(bytes(packet), packet.pts, TIMES))
        for chunk in self._for_aac.push(samples):
            for packet in self._aac.codec_context.encode(chunk):
                if packet.pts is not None and packet.pts >= 0:  # before 0 is the encoder's own run-up
                    packet.stream = self._aac
                    self._container.mux_one(packet)


class _Chunks:
    """Samples in frames of one size, with their times."""

    def __init__(self, size: int) -> None:
        self._size, self._given = size, 0
        self._rest = np.empty(0, np.float32)

    def push(self, samples: npt.NDArray[np.float32]) -> list[av.AudioFrame]:
        self._rest = np.concatenate([self._rest, samples])
        frames = []
        while len(self._rest) >= self._size:
            frame = av.AudioFrame.from_ndarray(self._rest[np.newaxis, : self._size].copy(), "flt", "mono")
            frame.sample_rate, frame.time_base, frame.pts = AUDIO_RATE, TIMES, self._given
            self._rest, self._given = self._rest[self._size :], self._given + self._size
            frames.append(frame)
        return frames


class _Written(io.RawIOBase):
    """What the muxer writes, in pieces of any size, until somebody takes it."""

    def __init__(self) -> None:
        super().__init__()
        self._data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:  # type: ignore[no-untyped-def]
        self._data += data
        return len(data)

    def take(self) -> bytes:
        """Take everything that was written."""
        data = bytes(self._data)
        self._data.clear()
        return data

    def fragments(self) -> list[bytes]:
        """The fragments that are complete: each is a `moof` and its `mdat`."""
        found = []
        while (size := self._box(0)) and (after := self._box(size)):
            found.append(bytes(self._data[: size + after]))
            del self._data[: size + after]
        return found

    def _box(self, start: int) -> int:
        """Size of the box that begins there; 0 where it is not complete."""
        size = int.from_bytes(self._data[start : start + 4], "big")
        return size if len(self._data) - start >= size else 0


def _track(fragment: bytes) -> int:
    """The number of the track that a fragment is of: it follows name and flags of its `tfhd`."""
    place = fragment.index(b"tfhd") + 8
    return int.from_bytes(fragment[place : place + 4], "big")
