"""`/metrics`: the server's figures, for Prometheus."""

from collections.abc import Iterator

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from frame_generation_pipeline.server.live_session import SPEAKING
from frame_generation_pipeline.server.problems import Problem
from frame_generation_pipeline.server.service import ClientOf, Service, ServiceOf

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(service: ServiceOf, client: ClientOf) -> Response:
    """Get the server's figures: sessions, frames, lateness, queue, memory."""
    if client.session is not None:
        raise Problem(403, "session_token", "this token is good for one session alone")
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)  # memory, time, descriptors
    registry.register(_Figures(service))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Figures(Collector):
    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """All figures of the sessions."""
        sessions, registry = self._service.sessions.all(), self._service.sessions
        yield _gauge("sessions", "Live sessions.", len(sessions))
        yield _gauge("sessions_speaking", "Live sessions that speak.", sum(s.state == SPEAKING for s in sessions))
        yield _gauge("connections", "Connections of live sessions.", sum(s.connections for s in sessions))
        yield _gauge("utterances_waiting", "Utterances that are said or wait.", sum(s.waiting for s in sessions))
        yield _gauge("engine_queue", "Frames and audio that wait for a worker.", self._service.engine.waiting)
        yield _gauge("frames_at_rest", "Frames of mouths at rest that are kept.", registry.frames_at_rest)
        lateness = max((s.behind for s in sessions), default=0.0)
        yield _gauge("clock_lateness_seconds", "By how much the latest session's clock is late.", lateness)
        yield CounterMetricFamily("framegen_sessions_begun", "Live sessions that were begun.", registry.begun)
        yield CounterMetricFamily("framegen_sessions_refused", "Sessions that were refused with 503.", registry.refused)
        ticks, late = registry.ticks()
        yield CounterMetricFamily("framegen_frames", "Frames that were due.", ticks)
        yield CounterMetricFamily("framegen_frames_late", "Frames that were not painted when they were due.", late)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"framegen_{name}", text, value)
