import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from frame_generation_pipeline import AudioError, Avatar, OptionError, SessionError
from frame_generation_pipeline.arrays import Frame, Samples, Window
from frame_generation_pipeline.speaking.engine import Engine
from frame_generation_pipeline.speaking.session import Session
from frame_generation_pipeline.speaking.style import Style
from samples import tone


@pytest.fixture(scope="module")
def avatar(package: Path) -> Avatar:
    return Avatar.load(package)


def spoken_frames(avatar: Avatar, samples: Samples, size: int = 3111) -> list[Frame]:
    session = avatar.live()
    for start in range(0, len(samples), size):
        session.push(samples[start : start + size])
    session.finish()
    return list(session.frames())


def wait_for_frame(session: Session) -> Frame:
    return next(session.frames())


@pytest.mark.parametrize("steady", [False, True])
def test_a_shared_engine_gives_every_session_its_own_frames(package: Path, steady: bool) -> None:
    engine = Engine(2)
    avatars = [Avatar.load(package, engine=engine, style=Style(steady=steady)) for _ in range(3)]
    speeches = [tone(0.7 + 0.2 * i) * (1 - 0.2 * i) for i in range(3)]
    expected = [spoken_frames(avatar, speech) for avatar, speech in zip(avatars, speeches, strict=True)]
    frames_by_session: dict[int, list[Frame]] = {}

    def speak(i: int) -> None:
        frames_by_session[i] = spoken_frames(avatars[i], speeches[i], size=320)

    threads = [threading.Thread(target=speak, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, frames in enumerate(expected):
        np.testing.assert_array_equal(frames_by_session[i], frames)
    engine.close()


def test_small_pieces_start_no_threads(avatar: Avatar) -> None:
    spoken_frames(avatar, tone(0.5))  # the engine's threads begin with its first tasks
    before = threading.active_count()
    session, frames, most = avatar.live(), 0, before
    for piece in np.split(tone(2.0), 100):
        session.push(piece)
        frames += len(session.ready())
        most = max(most, threading.active_count())
    session.finish()
    assert frames + len(list(session.frames())) == 50
    assert most == before


def test_frames_come_one_by_one(avatar: Avatar) -> None:
    session = avatar.live()
    session.push(tone(3.0))
    assert isinstance(wait_for_frame(session), np.ndarray)  # nobody has finished the speech
    session.finish()
    assert len(list(session.frames())) == 74
    assert session.ready() == []


def test_push_waits_where_its_bound_is_full(avatar: Avatar) -> None:
    session = avatar.live(bound=0.5)
    pushed = threading.Event()

    def push() -> None:
        session.push(tone(1.0))
        session.push(tone(0.5))
        pushed.set()

    thread = threading.Thread(target=push)
    thread.start()
    assert not pushed.wait(0.3)
    frames = session.frames()
    for _ in range(13):  # until half a second is left of what is waiting
        next(frames)
    assert pushed.wait(20)
    thread.join()
    session.finish()
    assert 13 + len(list(session.frames())) == 38


def test_after_finish_nothing_can_be_said(avatar: Avatar) -> None:
    session = avatar.live()
    session.push(tone(0.1))
    session.finish()
    with pytest.raises(SessionError, match="finished"):
        session.push(tone(0.1))
    with pytest.raises(SessionError, match="finished"):
        session.finish()
    assert len(list(session.frames())) == 2
    with pytest.raises(SessionError, match="finished"):
        session.interrupt()
    assert session.ready() == []


def test_interrupt_drops_what_waits_and_speech_begins_anew(avatar: Avatar) -> None:
    session = avatar.live()
    session.push(tone(4.0))
    frames = session.frames()
    first = [next(frames) for _ in range(10)]
    assert session.interrupt() == pytest.approx(10 / 25)
    assert session.ready() == []
    speech = tone(0.5) * 0.5
    session.push(speech)
    session.finish()
    again = list(session.frames())
    assert len(again) == 12
    # The template goes on from the last frame that was given.
    later = avatar.live()
    for _ in range(10):
        later.idle()
    later.push(speech)
    later.finish()
    np.testing.assert_array_equal(again, list(later.frames()))
    np.testing.assert_array_equal(first, spoken_frames(avatar, tone(4.0))[:10])


def test_an_interrupted_mouth_closes_and_rests(avatar: Avatar) -> None:
    session = avatar.live()
    session.push(tone(2.0))
    frames = session.frames()
    for _ in range(10):
        next(frames)
    session.interrupt()
    closing = [session.idle() for _ in range(4)]
    resting = avatar.live()
    rests = [resting.idle() for _ in range(14)][10:]
    assert [np.array_equal(a, b) for a, b in zip(closing, rests, strict=True)] == [False, False, False, True]


def test_idle_frames_go_on_with_the_template(avatar: Avatar) -> None:
    session = avatar.live()
    idle = [session.idle() for _ in range(7)]
    np.testing.assert_array_equal(idle[0], idle[6])  # 1, 2, 3, 2, 1, 0, 1
    np.testing.assert_array_equal(idle[1], idle[3])
    assert not np.array_equal(idle[0], idle[1])
    session.push(tone(1.0))
    session.finish()
    with pytest.raises(SessionError, match="still to come"):
        session.idle()
    assert len(list(session.frames())) == 25
    assert isinstance(session.idle(), np.ndarray)


def test_who_has_no_mouth_at_rest_cannot_idle(avatar: Avatar) -> None:
    with pytest.raises(OptionError, match="cannot idle"):
        avatar.session(0).idle()
    with pytest.raises(OptionError, match="no audio encoder"):
        avatar.session(0).push(tone(0.1))


def test_errors_of_painting_reach_who_takes_the_frames(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    avatar = Avatar.load(package)

    def broken(*_: object) -> None:
        raise AudioError("the audio program has failed")

    monkeypatch.setattr(type(avatar.encoder), "features", broken)
    session = avatar.live()
    session.push(tone(2.0))
    with pytest.raises(AudioError, match="has failed"):
        next(session.frames())
    with pytest.raises(AudioError, match="has failed"):
        session.ready()


def test_frames_before_an_error_are_given(avatar: Avatar) -> None:
    def windows() -> Iterator[Window]:
        yield from [np.zeros((16, 512), np.float32)] * 9
        raise AudioError("the audio ends badly")

    frames = avatar.session(0).say(windows())
    for _ in range(9):
        next(frames)
    with pytest.raises(AudioError, match="ends badly"):
        next(frames)


def test_leaving_early_ends_the_work(avatar: Avatar) -> None:
    asked = []

    def windows() -> Iterator[Window]:
        for i in range(1000):
            asked.append(i)
            yield np.zeros((16, 512), np.float32)

    frames = avatar.session(0).say(windows())
    next(frames)
    frames.close()
    count = len(asked)
    assert count < 30
    time.sleep(0.1)
    assert len(asked) == count
