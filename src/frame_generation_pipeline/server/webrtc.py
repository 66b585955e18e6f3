"""WebRTC: what a session shows and says to a browser (WHEP), and a microphone to a session (WHIP), by aiortc.

Video and audio come encoded from the session and are packed as they are: an encoder of aiortc's for each peer would
take three times as long and let audio and video drift apart.
"""

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from collections.abc import Sequence
from typing import Any

import aioice.ice
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import candidate_from_sdp

from frame_generation_pipeline.server.live_encoder import AUDIO_RATE, Encoded, LiveEncoder, Packet
from frame_generation_pipeline.server.live_session import ENDED, Event, LiveSession
from frame_generation_pipeline.server.packet_tracks import PacketTrack, SenderClock
from frame_generation_pipeline.server.problems import Problem
from frame_generation_pipeline.server.settings import EVERYWHERE, IceServer
from frame_generation_pipeline.server.utterance_audio import UtteranceAudio

logger = logging.getLogger(__name__)

MOST_PEERS = 8  # of one session
CONNECTING = 20.0  # seconds that a peer has to connect; ICE without candidates would wait for ever
OPUS_SECONDS = 0.02  # from one packet of audio to the next
_every_address = aioice.ice.get_host_addresses


def bind_media(host: str) -> None:
    """Have the sockets of media opened on `host` alone, as the server's own is; aioice never takes loopback's."""
    if host in EVERYWHERE:
        aioice.ice.get_host_addresses = _every_address
    else:
        own = "127.0.0.1" if host == "localhost" else host
        aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [own]


class Peers:
    """The peers of all sessions; everything here runs in the event loop."""

    def __init__(self, servers: Sequence[IceServer]) -> None:
        self._servers = [RTCIceServer(each.url, each.username, each.credential) for each in servers]
        self._peers: dict[str, Peer] = {}

    async def watch(self, session: LiveSession, offer: str) -> tuple[str, str]:
        """Send a session's video and audio to the peer that offers; its id, and the answer. Raises Problem."""
        return await self._answer(session, Watcher(session, self._connection()), offer)

    async def talk(self, session: LiveSession, offer: str, longest: float) -> tuple[str, str]:
        """Have a session say what the peer that offers sends; as `watch`. longest: seconds that may wait."""
        return await self._answer(session, Talker(session, self._connection(), longest), offer)

    def get(self, session: LiveSession, peer_id: str) -> "Peer":
        """A session's peer. Raises Problem 404."""
        peer = self._peers.get(peer_id)
        if peer is None or peer.session is not session:
            raise Problem(404, "no_such_peer", "there is no such connection; it may have ended")
        return peer

    async def end(self, peer_id: str) -> None:
        """Close a peer's connection."""
        if peer := self._peers.pop(peer_id, None):
            await peer.close()

    async def close(self) -> None:
        """Close all of them."""
        await asyncio.gather(*(self.end(peer_id) for peer_id in list(self._peers)))

    def _connection(self) -> RTCPeerConnection:
        # An empty list, because without one aiortc asks a public STUN server.
        return RTCPeerConnection(RTCConfiguration(iceServers=self._servers))

    async def _answer(self, session: LiveSession, peer: "Peer", offer: str) -> tuple[str, str]:
        if sum(other.session is session for other in self._peers.values()) >= MOST_PEERS:
            await peer.connection.close()
            raise Problem(429, "too_many_peers", f"a session has {MOST_PEERS} WebRTC connections at most")
        peer_id, loop = secrets.token_urlsafe(12), asyncio.get_running_loop()
        self._peers[peer_id] = peer

        def end() -> None:
            loop.create_task(self.end(peer_id))  # it ends in `close` at the latest

        def on_event(event: Event) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the server ends
                if event.get("state") == ENDED:
                    loop.call_soon_threadsafe(end)
                elif event.get("interrupted"):
                    loop.call_soon_threadsafe(peer.interrupted)

        async def changed() -> None:
            if peer.connection.connectionState == "connected":
                peer.connected()
            elif peer.connection.connectionState in ("failed", "closed"):
                end()

        def give_up() -> None:
            if peer.connection.connectionState != "connected":
                end()

        peer.connection.on("connectionstatechange", changed)
        peer.listener = on_event
        session.listen(on_event)
        session.connect(1)
        try:
            answer = await peer.answer(offer)
        except Exception as error:  # whatever aiortc raises for descriptions that it cannot use
            await self.end(peer_id)
            raise Problem(
                400, "bad_offer", "the offer is none that can be answered: SDP with H.264 and Opus"
            ) from error
        loop.call_later(CONNECTING, give_up)
        return peer_id, answer


class Peer:
    """One connection with a browser or program."""

    def __init__(self, session: LiveSession, connection: RTCPeerConnection) -> None:
        self.session, self.connection = session, connection
        self.listener: Any = None

    async def answer(self, offer: str) -> str:
        """The SDP that answers an offer, with all candidates."""
        # Names that only the browser's own network resolves would cost a second each.
        lines = [line for line in offer.splitlines() if not (line.startswith("a=candidate") and ".local " in line)]
        self.prepare()
        await self.connection.setRemoteDescription(RTCSessionDescription("\r\n".join(lines) + "\r\n", "offer"))
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        answer = str(self.connection.localDescription.sdp)
        if "\nm=" not in answer:
            raise ValueError("the offer has no media")
        return answer

    async def add_candidates(self, fragment: str) -> None:
        """Add those of an SDP fragment, as trickle ICE sends them (RFC 8840). Raises Problem."""
        mid = "0"
        for line in fragment.splitlines():
            if line.startswith("a=mid:"):
                mid = line.removeprefix("a=mid:").strip()
            elif line.startswith("a=candidate:") and ".local " not in line:
                try:
                    candidate = candidate_from_sdp(line.removeprefix("a=candidate:"))
                    candidate.sdpMid = mid
                    await self.connection.addIceCandidate(candidate)
                except (AssertionError, IndexError, ValueError) as error:
                    raise Problem(400, "bad_candidate", "a candidate is none that can be read") from error

    def prepare(self) -> None:
        """Set the connection up before the offer is read."""

    def connected(self) -> None:
        """The connection to the peer is open."""

    def interrupted(self) -> None:
        """Drop what is not sent yet: the session was interrupted."""

    async def close(self) -> None:
        """End the connection."""
        self.session.leave(listener=self.listener)
        self.session.connect(-1)
        await self.connection.close()


class Watcher(Peer):
    """A peer that receives video and audio; a `Viewer`."""

    def __init__(self, session: LiveSession, connection: RTCPeerConnection) -> None:
        super().__init__(session, connection)
        self._loop = asyncio.get_running_loop()
        clock = SenderClock()
        self._video, self._audio = PacketTrack("video", clock), PacketTrack("audio", clock)
        self._coming: deque[Packet] = deque()  # of audio, whose moment has not come
        self._timers: list[asyncio.TimerHandle] = []  # one for each of them

    def prepare(self) -> None:
        """Offer H.264 and Opus, and nothing else."""
        for track, codec in ((self._video, "video/H264"), (self._audio, "audio/opus")):
            transceiver = self.connection.addTransceiver(track, direction="sendonly")
            track.report_exactly(transceiver.sender)
            known = RTCRtpSender.getCapabilities(track.kind).codecs
            transceiver.setCodecPreferences([each for each in known if each.mimeType.lower() == codec.lower()])

    def connected(self) -> None:
        """Begin, with a key frame: nothing is sent before, so that nothing is late."""
        self.session.watch(self)

    def take(self, encoded: Encoded, encoder: LiveEncoder) -> None:
        """See `Viewer`."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server ends
            self._loop.call_soon_threadsafe(self._send, encoded)

    def _send(self, encoded: Encoded) -> None:
        if encoded.video is not None:
            self._video.put(encoded.video)
        self._cancel_timers()
        while self._coming:  # where ticks follow each other faster, as after a delay
            self._send_audio()
        # One after the other, as their times are.
        self._coming.extend(encoded.opus)
        self._send_audio()
        for number in range(1, len(encoded.opus)):
            self._timers.append(self._loop.call_later(number * OPUS_SECONDS, self._send_audio))

    def _cancel_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _send_audio(self) -> None:
        if self._coming:
            self._audio.put(self._coming.popleft())

    def interrupted(self) -> None:
        """See `Peer`."""
        self._cancel_timers()
        self._coming.clear()

    async def close(self) -> None:
        """See `Peer`."""
        self.session.leave(viewer=self)
        self._video.stop()
        self._audio.stop()
        await super().close()


class Talker(Peer):
    """A peer that sends a voice; all of it is one utterance, until it is interrupted or the connection ends."""

    def __init__(self, session: LiveSession, connection: RTCPeerConnection, longest: float) -> None:
        super().__init__(session, connection)
        self._longest = longest
        self._listening: asyncio.Task[None] | None = None

    def prepare(self) -> None:
        """Expect a track."""

        def on_track(track: MediaStreamTrack) -> None:
            if track.kind == "audio" and self._listening is None:
                self._listening = asyncio.create_task(self._listen(track))

        self.connection.on("track", on_track)

    async def _listen(self, track: MediaStreamTrack) -> None:
        utterance: UtteranceAudio | None = None
        try:
            while True:
                frame = await track.recv()
                if utterance is None or utterance.dropped:
                    utterance = self.session.begin(AUDIO_RATE, self._longest)
                utterance.push(_mono(frame))
                self.session.wake()
        except (MediaStreamError, Problem):  # the connection or the session has ended
            pass
        finally:
            if utterance is not None:
                utterance.end()
                self.session.wake()

    async def close(self) -> None:
        """See `Peer`."""
        if self._listening is not None:
            self._listening.cancel()
        await super().close()


def _mono(frame: Any) -> bytes:
    """PCM16 at 48 kHz of a decoded frame of Opus, which aiortc gives as interleaved stereo."""
    samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels)).astype(np.int32)
    mixed: bytes = (samples.sum(axis=1) // samples.shape[1]).astype("<i2").tobytes()
    return mixed
