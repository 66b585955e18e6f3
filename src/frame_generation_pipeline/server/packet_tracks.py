"""Tracks of encoded packets, with sender reports that let a receiver play them in sync."""

import asyncio
from fractions import Fraction
from typing import Any

import av
from aiortc import MediaStreamTrack, RTCRtpSender, clock
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RtcpSrPacket

from frame_generation_pipeline.server.live_encoder import Packet

MOST_WAITING = 50  # waiting packets of a track; later ones are dropped
NTP = 2**32  # units a second


class SenderClock:
    """What time it is at a time of the encoder's, one for all tracks of a connection.

    Where the encoder's clock leaves time out, this one does: receivers want one line, and no jump that one track has
    before the other.
    """

    def __init__(self) -> None:
        self._zero: int | None = None  # NTP's time at the encoder's time 0

    def ntp(self, seconds: float) -> int:
        """NTP's time, in units of 2^-32 s, that goes with so many seconds of the encoder's; the first ones are now."""
        if self._zero is None:
            self._zero = clock.current_ntp_time() - round(seconds * NTP)
        return self._zero + round(seconds * NTP)


class PacketTrack(MediaStreamTrack):
    """A track that sends encoded packets unchanged."""

    def __init__(self, kind: str, sender_clock: SenderClock) -> None:
        super().__init__()
        self.kind = kind
        self._clock = sender_clock
        self._queue: asyncio.Queue[Packet | None] = asyncio.Queue()
        self._last: Packet | None = None  # the last one sent

    def put(self, packet: Packet) -> None:
        """Send a packet, unless too many wait."""
        if self._queue.qsize() < MOST_WAITING:
            self._queue.put_nowait(packet)

    async def recv(self) -> "av.Packet[Any]":  # aiortc packs these as they are
        """The next packet."""
        packet = None if self.readyState != "live" else await self._queue.get()
        if packet is None:
            raise MediaStreamError
        self._last = packet
        sent: av.Packet[Any] = av.Packet(packet.data)
        sent.pts, sent.time_base = packet.pts, Fraction(packet.time_base)
        return sent

    def stop(self) -> None:
        """End the track."""
        super().stop()
        self._queue.put_nowait(None)

    def report_exactly(self, sender: RTCRtpSender) -> None:
        """Have sender reports pair the last packet's time with the time that it stands for.

        aiortc's own pair it with the moment of sending, which on a busy machine is late by more than a frame, and by
        another time for each track.
        """
        send = sender._send_rtcp

        async def send_exactly(packets: list[Any]) -> None:
            for packet in packets:
                if isinstance(packet, RtcpSrPacket) and self._last is not None:
                    seconds = float(self._last.pts * self._last.time_base)
                    packet.sender_info.ntp_timestamp = self._clock.ntp(seconds)
            await send(packets)

        sender._send_rtcp = send_exactly  # type: ignore[method-assign]
