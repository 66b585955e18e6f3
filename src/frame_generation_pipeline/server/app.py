"""Create the application: every route, behind the checks of all requests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from frame_generation_pipeline.server import (
    avatar_routes,
    health_routes,
    login_routes,
    metrics_routes,
    page_routes,
    session_routes,
    socket_routes,
    video_routes,
    webrtc_routes,
)
from frame_generation_pipeline.server.access import Access
from frame_generation_pipeline.server.catalogue import PRESENTER_ID
from frame_generation_pipeline.server.problems import handle_problems
from frame_generation_pipeline.server.service import Service
from frame_generation_pipeline.server.settings import ServerSettings

ROUTERS = (
    page_routes.router,
    health_routes.router,
    login_routes.router,
    metrics_routes.router,
    avatar_routes.router,
    session_routes.router,
    socket_routes.router,
    video_routes.router,
    webrtc_routes.router,
)
SWEEP = 1.0  # seconds between checks for sessions to end


def create_app(settings: ServerSettings) -> FastAPI:
    """Create the ASGI application. Raises MissingFileError, PackageError, OptionError for avatars it cannot load."""
    service = Service(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        load = service.sessions.prepare if settings.warm else service.catalogue.load
        loading = asyncio.create_task(asyncio.to_thread(load, PRESENTER_ID))
        sweeping = asyncio.create_task(_sweep(service))
        try:
            yield
        finally:
            sweeping.cancel()
            await asyncio.wait([loading, sweeping])
            await service.peers.close()
            await asyncio.to_thread(service.close)

    app = FastAPI(
        title="framegen",
        version=version("frame-generation-pipeline"),
        description="Avatars that speak. The messages of the WebSocket are described in docs/live.md.",
        docs_url=None,  # these pages would load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.service = service
    handle_problems(app)
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(
        Access, settings=settings, tokens=service.tokens, client_of_session_token=service.sessions.client_of_token
    )
    return app


async def _sweep(service: Service) -> None:
    while True:
        await asyncio.sleep(SWEEP)
        await asyncio.to_thread(service.sweep)
