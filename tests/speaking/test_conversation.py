import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from frame_generation_pipeline import Avatar
from frame_generation_pipeline.errors import AudioError
from frame_generation_pipeline.speaking.conversation import Conversation, Tick
from frame_generation_pipeline.speaking.engine import Engine, Task
from frame_generation_pipeline.speaking.frame_renderer import FrameRenderer
from samples import tone

AVATARS = Path(__file__).parents[2] / "conformance" / "avatars"


@pytest.fixture(scope="module")
def avatar() -> Iterator[Avatar]:
    engine = Engine(2)
    yield Avatar.load(AVATARS / "ave-160", engine=engine)
    engine.close()


@pytest.fixture
def conversation(avatar: Avatar, monkeypatch: pytest.MonkeyPatch) -> Conversation:
    """Its clock stands still, so that all is painted in no time, however busy the machine is."""
    monkeypatch.setattr("frame_generation_pipeline.speaking.conversation.monotonic", lambda: 0.0)
    assert avatar.engine
    return Conversation(renderer_of(avatar), avatar.engine, avatar.front_end)


def renderer_of(avatar: Avatar) -> FrameRenderer:
    return FrameRenderer(avatar.template, avatar.generator, avatar.states, avatar.blend)


def settle(conversation: Conversation) -> None:
    """Wait until all is painted that the workers may paint ahead."""
    while True:
        with conversation._changed:
            utterance, idle = conversation._utterance, conversation._idle
            if not utterance.encoding and all(task.done() for _, task in utterance.rendering):
                break
        time.sleep(0.002)
    if idle is not None and isinstance(idle[1], Task):
        idle[1].result()


def ticks(conversation: Conversation, count: int) -> list[Tick]:
    """On a machine that is fast enough."""
    taken = []
    for _ in range(count):
        settle(conversation)
        taken.append(conversation.tick())
    return taken


def until_over(conversation: Conversation) -> list[Tick]:
    taken: list[Tick] = []
    while not (taken and taken[-1].over):
        taken += ticks(conversation, 1)
        assert len(taken) < 1000
    return taken


def test_idle_life_goes_on_around_speech(avatar: Avatar, conversation: Conversation) -> None:
    before = ticks(conversation, 5)
    conversation.push(tone(1.0))
    conversation.finish()
    ticked = until_over(conversation)
    after = ticks(conversation, 8)
    spoken = [tick.utterance_frame for tick in ticked if tick.utterance_frame is not None]
    assert spoken == list(range(25))
    assert all(tick.utterance_frame is None and tick.frame is not None for tick in [*before[1:], *after])
    # Every frame is that of the template whose turn it is: one by one, as a session shows them, whatever is said.
    session = avatar.live()
    template = [session.idle()[:8] for _ in range(len(before) + len(ticked) + len(after))]
    for number, tick in enumerate([*before, *ticked, *after]):
        if tick.frame is not None and not tick.late:
            np.testing.assert_array_equal(tick.frame[:8], template[number])  # rows above the face


def test_the_mouth_opens_and_closes_by_and_by(avatar: Avatar, conversation: Conversation) -> None:
    conversation.push(tone(1.0))
    conversation.finish()
    ticked = [*until_over(conversation), *ticks(conversation, 12)]
    session = avatar.live()
    rests = [session.idle() for _ in range(len(ticked))]
    away = [
        None if tick.frame is None else float(np.abs(tick.frame.astype(int) - rest).mean())
        for tick, rest in zip(ticked, rests, strict=True)
    ]
    end = next(number for number, tick in enumerate(ticked) if tick.over)
    closing = [distance for distance in away[end : end + 4] if distance is not None]
    assert closing == sorted(closing, reverse=True)
    assert away[end + 4] == 0
    assert max(distance for distance in away[:end] if distance is not None) > 0


def test_nothing_slows_the_first_frame_down(avatar: Avatar, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[tuple[int, bool]] = []  # windows of speech: the frame's number, and whether the first one was complete
    complete = threading.Event()
    assert avatar.encoder
    make, features = FrameRenderer.make, type(avatar.encoder).features

    def make_slowly(self, number, window, *arguments):  # type: ignore[no-untyped-def]
        if window is not avatar.front_end.rest:
            begun.append((number, complete.is_set()))
            time.sleep(0.1 * (len(begun) == 1))  # in which others would begin
        frame = make(self, number, window, *arguments)
        complete.set()
        return frame

    def features_after(*arguments):  # type: ignore[no-untyped-def]
        begun.extend([(-1, complete.is_set())] if begun else [])
        return features(*arguments)

    conversation = Conversation(renderer_of(avatar), avatar.engine, avatar.front_end)  # type: ignore[arg-type]
    settle(conversation)
    monkeypatch.setattr(FrameRenderer, "make", make_slowly)
    monkeypatch.setattr(type(avatar.encoder), "features", features_after)
    conversation.push(tone(2.0))
    conversation.finish()
    settle(conversation)
    assert begun[0] == (conversation._due, False)
    assert len(begun) > 3
    assert all(after for _, after in begun[1:])


def test_an_interruption_ends_speech_at_once(conversation: Conversation) -> None:
    conversation.push(tone(4.0))
    ticked: list[Tick] = []
    while not (ticked and ticked[-1].utterance_frame == 9):
        ticked += ticks(conversation, 1)
    assert conversation.interrupt() == pytest.approx(10 / 25)
    assert conversation.waiting == 0
    after = ticks(conversation, 6)
    assert all(tick.utterance_frame is None for tick in after)
    conversation.push(tone(0.4))
    conversation.finish()
    assert [tick.utterance_frame for tick in until_over(conversation) if tick.utterance_frame is not None] == list(
        range(10)
    )


def test_speech_waits_for_audio_that_comes_slowly(conversation: Conversation) -> None:
    conversation.push(tone(1.0))
    ticked = ticks(conversation, 40)  # more than there is audio for
    spoken = [tick.utterance_frame for tick in ticked if tick.utterance_frame is not None]
    assert 5 < len(spoken) < 25
    assert ticked[-1].utterance_frame is None
    assert ticked[-1].frame is not None  # idle life
    conversation.push(tone(0.5))
    conversation.finish()
    spoken += [tick.utterance_frame for tick in until_over(conversation) if tick.utterance_frame is not None]
    assert spoken == list(range(38))


def test_audio_in_real_time_is_said_without_a_pause(avatar: Avatar, conversation: Conversation) -> None:
    other = Avatar.load(AVATARS / "streaming-160", engine=avatar.engine)
    assert avatar.engine
    firsts = []
    for shown in (conversation, Conversation(renderer_of(other), avatar.engine, other.front_end)):
        ticked: list[Tick] = []
        for piece in np.array_split(tone(1.6), 40):
            shown.push(piece)
            ticked += ticks(shown, 1)
        shown.finish()
        ticked += until_over(shown)
        spoken = [number for number, tick in enumerate(ticked) if tick.utterance_frame is not None]
        assert spoken == list(range(spoken[0], spoken[0] + 40))  # without a pause
        firsts.append(spoken[0])
    assert firsts[0] <= 0.6 * 25 + 4  # the look-ahead, and the margin
    assert firsts[1] <= 0.2 * 25 + 4


def test_a_slow_machine_repeats_frames_and_audio_goes_on(avatar: Avatar, monkeypatch: pytest.MonkeyPatch) -> None:
    renderer, engine = renderer_of(avatar), Engine(1)
    rendered: list[int] = []
    make = type(renderer).make

    def slow(self, number, *arguments):  # type: ignore[no-untyped-def]
        rendered.append(number)
        time.sleep(0.07)
        return make(self, number, *arguments)

    monkeypatch.setattr(type(renderer), "make", slow)
    conversation = Conversation(renderer, engine, avatar.front_end)
    conversation.push(tone(1.6))
    conversation.finish()
    ticked: list[Tick] = []
    started = time.monotonic()
    while not (ticked and ticked[-1].over):
        time.sleep(max(0.0, started + len(ticked) * 0.04 - time.monotonic()))
        ticked.append(conversation.tick())
    engine.close()
    spoken = [tick.utterance_frame for tick in ticked if tick.utterance_frame is not None]
    assert spoken == list(range(40))
    shown = [tick for tick in ticked if tick.utterance_frame is not None and tick.frame is not None]
    assert 3 <= len(shown) < 30  # about every second, where nothing else runs
    assert sum(tick.late for tick in ticked) > 3
    assert len(rendered) < 60  # those that would be late were not even begun


def test_errors_reach_who_keeps_the_clock(
    avatar: Avatar, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise AudioError("the audio program has failed")

    monkeypatch.setattr(type(avatar.encoder), "features", broken)
    conversation.push(tone(2.0))
    with pytest.raises(AudioError, match="has failed"):
        ticks(conversation, 50)
    monkeypatch.undo()
    conversation.interrupt()
    conversation.push(tone(0.4))
    conversation.finish()
    assert until_over(conversation)[-1].over


def test_anybody_may_interrupt(conversation: Conversation) -> None:
    ends = threading.Event()

    def interrupt() -> None:
        while not ends.is_set():
            conversation.push(tone(0.3))
            conversation.interrupt()

    thread = threading.Thread(target=interrupt)
    thread.start()
    for _ in range(60):
        conversation.tick()
        time.sleep(0.005)
    ends.set()
    thread.join()
    assert conversation.tick().utterance_frame is None
