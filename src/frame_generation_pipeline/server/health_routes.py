"""`/healthz`, `/readyz`: whether the server runs, and whether it can be asked for something."""

from fastapi import APIRouter
from pydantic import BaseModel

from frame_generation_pipeline.server.problems import Problem, problems
from frame_generation_pipeline.server.service import ServiceOf

router = APIRouter(tags=["health"])


class StatusView(BaseModel):
    """How it stands."""

    status: str


@router.get("/healthz")
def healthy() -> StatusView:
    """Tell that the server runs."""
    return StatusView(status="ok")


@router.get("/readyz", responses=problems(503))
def ready(service: ServiceOf) -> StatusView:
    """Tell whether the presenter is loaded."""
    if not service.catalogue.loaded:
        raise Problem(503, "loading", "the presenter is being loaded; ask again in a second", {"retry-after": "1"})
    return StatusView(status="ok")
