"""The state that the routes share."""

from pathlib import Path
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.jobs.cluster_check import check_cluster
from frame_generation_pipeline.jobs.job_queue import JobQueue
from frame_generation_pipeline.runtime.cores import available_cores
from frame_generation_pipeline.server.catalogue import Catalogue
from frame_generation_pipeline.server.problems import Problem
from frame_generation_pipeline.server.sessions import Sessions
from frame_generation_pipeline.server.settings import ServerSettings
from frame_generation_pipeline.server.tokens import Client, Tokens
from frame_generation_pipeline.server.video_views import webhook_body
from frame_generation_pipeline.server.voices import LazyVoice
from frame_generation_pipeline.server.webrtc import Peers, bind_media
from frame_generation_pipeline.speaking.engine import Engine
from frame_generation_pipeline.voice.settings import VoiceSettings


class Service:
    """The state of an application: settings, tokens, avatars, sessions and the engine of all sessions."""

    def __init__(self, settings: ServerSettings) -> None:
        """Raises what `Catalogue`, `JobQueue`, `check_cluster` and, where a voice is chosen, `LazyVoice` raise."""
        self.settings = settings
        self.voice = LazyVoice(settings.voice)
        if settings.voice != VoiceSettings():
            self.voice.load()  # now, so that the first one who sends a text does not meet what is wrong with it
        self.tokens = Tokens(settings.tokens)
        self.engine = Engine(settings.runtime.threads or available_cores())
        self.catalogue = Catalogue(settings, self.engine)
        self.sessions = Sessions(settings, self.catalogue.load, self.engine)
        self.peers = Peers(settings.ice_servers)
        bind_media(settings.host)
        self.jobs: JobQueue | None = None
        if settings.jobs is not None:
            if settings.jobs.ray is not None:
                check_cluster(settings.jobs.ray)
            self.jobs = JobQueue(settings.jobs, self._package_path, webhook_body, voice=settings.voice)

    def sweep(self) -> None:
        """End abandoned sessions, and pause jobs while frames of sessions are late."""
        self.sessions.sweep()
        if self.jobs is not None:
            self.jobs.rest(self.sessions.need_all)

    def close(self) -> None:
        """End all sessions and jobs."""
        self.sessions.close()
        if self.jobs is not None:
            self.jobs.close()
        self.engine.close()

    def _package_path(self, avatar_id: str) -> Path:
        """The path of an avatar's package. Raises OptionError where it is not any more, or where others made it."""
        if avatar_id in self.catalogue.foreign:
            raise OptionError(f"avatar {avatar_id!r} was made by others; it speaks live alone")
        try:
            return self.catalogue.package(avatar_id).path
        except Problem as error:
            raise OptionError(error.message) from error


def _service(connection: HTTPConnection) -> Service:
    service: Service = connection.app.state.service
    return service


def _client(connection: HTTPConnection) -> Client:
    client: Client = connection.state.client
    return client


ServiceOf = Annotated[Service, Depends(_service)]  # type of a route's parameter that gets the application's service
ClientOf = Annotated[Client, Depends(_client)]  # type of a parameter that gets the client
