"""A WebRTC receiver of aiortc's for a session's video and audio: when what came, and when the sender says it was.

Frames that speak are told from others by a mark in their corner, see `marking`, and from each other by the number
beside it, see `numbering`; audio is told by its loudness.
"""

import asyncio
import threading
import time
from bisect import bisect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack
from aiortc.rtp import RtcpSrPacket
from av import AudioFrame, VideoFrame

from frame_generation_pipeline.arrays import Window
from frame_generation_pipeline.server.live_renderer import LiveRenderer
from frame_generation_pipeline.server.webrtc import bind_media
from frame_generation_pipeline.speaking.conversation import Conversation

MARK = 16  # pixels; the side of the white square in the upper left corner of frames that speak
WHITE, BLACK = 235, 16  # luma
BITS, IN_ROW = 12, 6  # of a number, in rows of squares
FPS = 25
LOUD = 1500  # of 32767; an utterance begins with a sample beyond it
NEAR = 0.5  # seconds from an utterance's first sample within which its frames are looked for
QUIET = 0.5  # seconds without a loud sample after which the next one begins an utterance
WRAP = 2**32  # of RTP's times


Make = Callable[..., npt.NDArray[np.uint8]]


def marking(make: Make) -> Make:
    """`LiveRenderer.make`, but that every frame whose mouth is not at rest carries the mark."""

    def make_marked(self: LiveRenderer, number: int, window: Window, *arguments: Any) -> npt.NDArray[np.uint8]:
        frame = make(self, number, window, *arguments)
        if window is not self.rest:
            frame = frame.copy()
            frame[:MARK, :MARK] = WHITE
        return frame

    return make_marked


def numbering(make: Make) -> Make:
    """`Conversation._make`, but that every frame carries its number in the speech, from 0 on, in squares."""

    def make_numbered(self: Conversation, number: int, window: Window) -> npt.NDArray[np.uint8]:
        due, first = self._due, self._from
        frame = make(self, number, window)
        if due is not None and frame.size:  # marked, so that nobody else has it
            frame = frame.copy()  # one at rest is kept for others
            for bit in range(BITS):
                frame[_square(bit)] = WHITE if (number - due + first) >> bit & 1 else BLACK
            frame[:MARK, MARK : 2 * MARK] = WHITE
        return frame

    return make_numbered


def number_of(frame: VideoFrame) -> int | None:
    """The number in the speech that a decoded frame carries, modulo 2 ** BITS; None where it carries none."""
    luma = _luma(frame)
    if luma[2 : MARK - 2, 2 : 2 * MARK - 2].min() < WHITE - 30:
        return None
    return sum(int(luma[_square(bit)].mean() > 128) << bit for bit in range(BITS))


def _square(bit: int) -> tuple[slice, slice]:
    """Rows and columns of a bit's square: beside the mark, and one that tells that there is a number."""
    top, left = bit // IN_ROW * MARK, (bit % IN_ROW + 2) * MARK
    return slice(top, top + MARK), slice(left, left + MARK)


def is_marked(frame: VideoFrame) -> bool:
    """Whether a decoded frame carries the mark."""
    return float(_luma(frame)[: MARK - 2, : MARK - 2].mean()) > WHITE - 15


def _luma(frame: VideoFrame) -> npt.NDArray[np.uint8]:
    return np.frombuffer(memoryview(frame.planes[0]), np.uint8).reshape(-1, frame.planes[0].line_size)


@dataclass
class Track:
    """What came of one track. Times are RTP's, from the first packet's on, in units of 1 / rate s."""

    rate: int
    first: int | None = None  # the first packet's RTP time, which begins anywhere
    arrivals: dict[int, float] = field(default_factory=dict)  # of the last packet of each time, by `time.monotonic`
    reports: list[tuple[int, float]] = field(default_factory=list)  # of the sender: a time, and its own clock's seconds

    def since_first(self, rtp: int) -> int:
        """A packet's time from its RTP time."""
        assert self.first is not None
        return (rtp - self.first + WRAP // 2) % WRAP - WRAP // 2

    def sent(self, at: int) -> float:
        """Seconds of the sender's clock at a time, by the newest report before it, or the first one."""
        reported, seconds = self.reports[max(0, bisect(self.reports, (at, np.inf)) - 1)]
        return seconds + (at - reported) / self.rate


class Receiver:
    """Takes what a session sends. Everything runs in the event loop that it is made in."""

    def __init__(self) -> None:
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.video, self.audio = Track(90_000), Track(48_000)
        self.frames: list[tuple[int, bool]] = []  # time, and whether it speaks
        self.numbers: dict[int, int] = {}  # of frames that were rendered for their time, not repeated: number by time
        self._number: int | None = None  # of the newest frame
        self.size = (0, 0)  # width and height of the newest one
        self.loudness: list[tuple[int, float]] = []  # of each packet of audio: time, and the mean of 0 to 32767
        self.onsets: list[int] = []  # times of first loud samples of packets
        self._tasks: list[asyncio.Task[None]] = []
        for track, kind in ((self.video, "video"), (self.audio, "audio")):
            _look_at(self.peer.addTransceiver(kind, direction="recvonly").receiver, track)
        self.peer.on("track", lambda track: self._tasks.append(asyncio.create_task(self._take(track))))

    async def close(self) -> None:
        """End the connection."""
        for task in self._tasks:
            task.cancel()
        await self.peer.close()

    def utterances(self) -> list[tuple[list[int], list[float]]]:
        """Of every utterance the numbers of its first second's frames, and by how many seconds each is after its audio.

        By the sender's reports, from the first sample on. Frames that were not rendered in time, in whose place the one
        before is shown again, are left out.
        """
        if not (self.video.reports and self.audio.reports):
            return []
        whens, numbers = np.array([pair for pair in self.numbers.items() if pair[1] < FPS]).reshape(-1, 2).T
        began = np.array([self.video.sent(int(when)) for when in whens]) - numbers / FPS
        found = []
        for before, onset in pairwise([-WRAP, *self.onsets]):
            if onset - before > QUIET * self.audio.rate:
                after = began - self.audio.sent(onset)
                near = np.abs(after) < NEAR
                found.append((numbers[near].tolist(), after[near].tolist()))
        return [each for each in found if each[0]]

    def skews(self) -> list[float]:
        """Of every utterance the seconds by which its frames came after its audio, of the worst one."""
        return [max(after, key=abs) for _, after in self.utterances()]

    def late_beginnings(self) -> int:
        """Of how many utterances the first frame was not rendered in time."""
        return sum(numbers[0] > 0 for numbers, _ in self.utterances())

    def spoke_after(self, moment: float) -> float | None:
        """When, by `time.monotonic`, a frame that speaks came after a moment, and after one that does not; or None."""
        pairs = pairwise(self.frames)
        came = (self.video.arrivals[when] for (_, before), (when, marked) in pairs if marked and not before)
        return next((when for when in came if when > moment), None)

    async def _take(self, track: MediaStreamTrack) -> None:
        while True:
            frame = await track.recv()
            assert frame.pts is not None
            if isinstance(frame, AudioFrame):
                levels = np.abs(frame.to_ndarray().astype(np.int32)).reshape(-1, len(frame.layout.channels)).max(axis=1)
                self.loudness.append((frame.pts, float(levels.mean())))
                if levels.max() > LOUD:
                    self.onsets.append(frame.pts + int(np.argmax(levels > LOUD)))
            elif isinstance(frame, VideoFrame):
                self.frames.append((frame.pts, is_marked(frame)))
                number, before = number_of(frame), self._number
                self._number = number
                if number is not None and number != before:
                    self.numbers[frame.pts] = number
                self.size = frame.width, frame.height


def _look_at(receiver: RTCRtpReceiver, track: Track) -> None:
    """Note the packets of a receiver in `track` before it takes them."""
    take_rtp, take_rtcp = receiver._handle_rtp_packet, receiver._handle_rtcp_packet

    async def rtp(packet: Any, *arguments: Any, **named: Any) -> None:
        track.first = packet.timestamp if track.first is None else track.first
        track.arrivals[track.since_first(packet.timestamp)] = time.monotonic()
        await take_rtp(packet, *arguments, **named)

    async def rtcp(packet: Any) -> None:
        if isinstance(packet, RtcpSrPacket) and packet.sender_info.packet_count and track.first is not None:
            info = packet.sender_info
            track.reports.append((track.since_first(info.rtp_timestamp), info.ntp_timestamp / WRAP))
        await take_rtcp(packet)

    for name, take in (("_handle_rtp_packet", rtp), ("_handle_rtcp_packet", rtcp)):
        setattr(receiver, name, take)


async def negotiate(peer: RTCPeerConnection, url: str) -> httpx.Response:
    """Offer at a WHEP or WHIP address, and take the answer. Raises httpx.HTTPStatusError."""
    await peer.setLocalDescription(await peer.createOffer())
    async with httpx.AsyncClient(timeout=20) as client:
        answer = await client.post(url, content=peer.localDescription.sdp, headers={"content-type": "application/sdp"})
    answer.raise_for_status()
    await peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
    return answer


@contextmanager
def receiving(url: str) -> Iterator[Receiver]:
    """A receiver in a thread of its own that is connected to a session's WHEP address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    bind_media("127.0.0.1")  # where the server's sockets are

    async def begin() -> Receiver:
        receiver = Receiver()
        await negotiate(receiver.peer, url)
        return receiver

    receiver = asyncio.run_coroutine_threadsafe(begin(), loop).result(30)
    try:
        yield receiver
    finally:
        asyncio.run_coroutine_threadsafe(receiver.close(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
