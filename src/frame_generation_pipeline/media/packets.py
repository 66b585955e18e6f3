"""Choose the streams of a file, and put their packets on one clock that never goes back."""

import logging
from collections.abc import Iterator, Sequence
from fractions import Fraction

from av.container import InputContainer
from av.error import InvalidDataError
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

logger = logging.getLogger(__name__)

BACK = Fraction(1, 10)  # seconds; times that go back by more begin anew
FORWARD = 10  # seconds; in formats whose clocks may begin anew, times that jump forwards by more do so too
TS_DISCONT = 0x0200  # FFmpeg's AVFMT_TS_DISCONT: the clocks of a format may begin anew
MOST_ERRORS = 100  # of a container, in a row, until the rest is given up


def video_stream(container: InputContainer) -> VideoStream | None:
    """The stream that a player shows, without cover images; None if there is none."""
    best = container.streams.best("video")
    candidates = [best, *container.streams.video]
    return next(
        (
            stream
            for stream in candidates
            if isinstance(stream, VideoStream) and not stream.disposition & Disposition.attached_pic
        ),
        None,
    )


class Clock:
    """Shifts the times of packets so that those of joined recordings follow each other.

    Where the decoding times of one stream go back, as where files were joined, they go on after its last packet; what
    other streams have from there on is shifted by as much, so that audio and video stay together. A gap stays one.
    """

    def __init__(self, container: InputContainer) -> None:
        self._begins_anew = bool(container.format.flags & TS_DISCONT)
        self._shifts = [Fraction(0)]  # seconds
        self._current: dict[int, int] = {}  # of each stream, which of them it uses
        self._ends: dict[int, Fraction] = {}  # of each stream's last packet, seconds
        self._steps: dict[int, Fraction] = {}  # of each stream, from packet to packet

    def place(self, packet: "Packet[Stream]") -> None:
        """Shift the next packet of the file."""
        index, base = packet.stream.index, packet.time_base
        if base is None:
            return
        current = self._current.get(index, 0)
        if packet.dts is not None:
            time = packet.dts * base
            expected = self._ends.get(index)
            if expected is not None:
                current = self._fitting(current, time, expected)
                self._current[index] = current
            step = packet.duration * base if packet.duration else self._steps.get(index, Fraction(0))
            self._steps[index] = step
            self._ends[index] = time + self._shifts[current] + step
        shift = round(self._shifts[current] / base)
        if shift:
            packet.dts = None if packet.dts is None else packet.dts + shift
            packet.pts = None if packet.pts is None else packet.pts + shift

    def _fitting(self, current: int, time: Fraction, expected: Fraction) -> int:
        """The shift from `current` on with which a packet follows best; a new one if none fits."""
        best = min(range(current, len(self._shifts)), key=lambda index: abs(time + self._shifts[index] - expected))
        off = time + self._shifts[best] - expected
        if off < -BACK or (self._begins_anew and off > FORWARD):
            self._shifts.append(expected - time)
            return len(self._shifts) - 1
        return best


def placed_packets(container: InputContainer, streams: Sequence[Stream]) -> "Iterator[Packet[Stream]]":
    """Yield the packets of `streams`, in the file's order and on one clock, and an empty one of each at the end.

    Reading goes on after damage. Raises av.FFmpegError for other errors.
    """
    clock, errors = Clock(container), 0
    packets = container.demux(*streams)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except InvalidDataError:
            errors += 1
            if errors == 1:
                logger.warning("%s: is damaged or cut off", container.name.removeprefix("file:"))
            if errors > MOST_ERRORS:
                return
            packets = container.demux(*streams)
            continue
        errors = 0
        clock.place(packet)
        yield packet
