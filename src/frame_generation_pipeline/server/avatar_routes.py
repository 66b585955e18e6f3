"""`/v1/avatars`: who can speak."""

from fastapi import APIRouter, Response
from pydantic import BaseModel

from frame_generation_pipeline.server.problems import problems
from frame_generation_pipeline.server.service import ServiceOf

router = APIRouter(prefix="/v1/avatars", tags=["avatars"])


class AvatarView(BaseModel):
    """An avatar."""

    id: str
    name: str
    licence: str
    credits: list[str]
    width: int  # pixels of its frames
    height: int
    fps: int
    live: bool  # whether it can be spoken with: it has an audio program
    preview: str  # path of a JPEG image


class AvatarsView(BaseModel):
    """All avatars."""

    avatars: list[AvatarView]


@router.get("")
def list_avatars(service: ServiceOf) -> AvatarsView:
    """List who can speak, the built-in presenter first."""
    views = []
    for avatar_id in service.catalogue.ids():
        manifest = service.catalogue.package(avatar_id).manifest
        views.append(
            AvatarView(
                id=avatar_id,
                name=manifest.name,
                licence=manifest.licence,
                credits=list(manifest.credits),
                width=manifest.frame.width,
                height=manifest.frame.height,
                fps=manifest.fps,
                live="audio" in manifest.programs,
                preview=f"/v1/avatars/{avatar_id}/preview",
            )
        )
    return AvatarsView(avatars=views)


@router.get(
    "/{avatar_id}/preview",
    response_class=Response,
    responses={**problems(404), 200: {"content": {"image/jpeg": {}}, "description": "A JPEG image"}},
)
def get_preview(avatar_id: str, service: ServiceOf) -> Response:
    """Get an image of an avatar, of at most 512 pixels."""
    return Response(service.catalogue.preview(avatar_id), media_type="image/jpeg")
