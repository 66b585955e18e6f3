from collections.abc import Iterator
from pathlib import Path

import pytest

from frame_generation_pipeline.server.live_renderer import LiveRenderer, Room
from frame_generation_pipeline.server.problems import Problem
from frame_generation_pipeline.server.service import Service
from frame_generation_pipeline.server.settings import Limits, ServerSettings
from frame_generation_pipeline.server.tokens import LOCAL
from frame_generation_pipeline.speaking.style import Style
from serving import TINY


@pytest.fixture
def service(avatars: Path) -> Iterator[Service]:
    new_service = Service(ServerSettings(avatars=avatars, limits=Limits(sessions=100)))
    yield new_service
    new_service.close()


def test_only_so_many_sessions_as_the_machine_carries(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LiveRenderer, "cost", 0.03)  # seconds of a core; two cores carry one and a half
    monkeypatch.setattr("frame_generation_pipeline.server.sessions.available_cores", lambda: 2)
    service.sessions.create(LOCAL, TINY, Style())
    with pytest.raises(Problem) as refused:
        service.sessions.create(LOCAL, TINY, Style())
    assert refused.value.status == 503
    assert int(refused.value.headers["retry-after"]) > 0
    assert service.sessions.refused == 1
    monkeypatch.setattr(LiveRenderer, "cost", 0.0)
    service.sessions.create(LOCAL, TINY, Style())
    monkeypatch.setattr("frame_generation_pipeline.server.sessions.LATE", 0.05)
    service.sessions.all()[0].lateness = 0.5
    with pytest.raises(Problem):
        service.sessions.create(LOCAL, TINY, Style())


def test_the_first_session_is_always_carried(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LiveRenderer, "cost", 10.0)
    assert service.sessions.create(LOCAL, TINY, Style()).id


def test_what_a_face_takes_once_is_not_what_a_frame_costs(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    avatar, spent = service.catalogue.load(TINY), [0.0]
    for name, seconds in (("encode_face", 1.0), ("render", 0.03)):
        method = getattr(type(avatar.generator), name)

        def taking(*arguments, method=method, seconds=seconds):  # type: ignore[no-untyped-def]
            spent[0] += seconds
            return method(*arguments)

        monkeypatch.setattr(type(avatar.generator), name, taking)
    monkeypatch.setattr("frame_generation_pipeline.server.live_renderer.thread_time", lambda: spent[0])
    renderer = LiveRenderer.of(avatar, 64, Room(0))
    for cost in (0.0, 0.03):
        for number in range(3):  # of different faces
            renderer.make(number, renderer.rest, 0, renderer.NO_TIMES)
        assert renderer.cost == pytest.approx(cost)
    assert spent[0] > 3


def test_frames_at_rest_are_painted_once_while_there_is_room(service: Service) -> None:
    avatar = service.catalogue.load(TINY)
    for room, kept in ((10**9, 4), (0, 0)):
        renderer = LiveRenderer.of(avatar, 64, Room(room))
        for _ in range(2):
            for number in range(6):
                frame = renderer.make(number, renderer.rest, 0, renderer.NO_TIMES)
                assert frame.shape == (renderer.size[1] * 3 // 2, renderer.size[0])
        assert renderer.size == (64, 48)
        assert len(renderer._kept) == kept
