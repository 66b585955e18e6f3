"""What the routes share."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from frame_generation_pipeline.runtime.cores import available_cores
from frame_generation_pipeline.server.catalogue import Catalogue
from frame_generation_pipeline.server.sessions import Sessions
from frame_generation_pipeline.server.settings import ServerSettings
from frame_generation_pipeline.server.tokens import Client, Tokens
from frame_generation_pipeline.server.webrtc import Peers, bind_media
from frame_generation_pipeline.speaking.engine import Engine


class Service:
    """The one object behind an app: settings, tokens, avatars, sessions and the engine that paints for all."""

    def __init__(self, settings: ServerSettings) -> None:
        """Raises what `Catalogue` raises."""
        self.settings = settings
        self.tokens = Tokens(settings.tokens)
        self.engine = Engine(settings.runtime.threads or available_cores())
        self.catalogue = Catalogue(settings.avatars, self.engine, settings.runtime)
        self.sessions = Sessions(settings, self.catalogue.load, self.engine)
        self.peers = Peers(settings.ice_servers)
        bind_media(settings.host)

    def close(self) -> None:
        """End all sessions and all work."""
        self.sessions.close()
        self.engine.close()


def _service(connection: HTTPConnection) -> Service:
    service: Service = connection.app.state.service
    return service


def _client(connection: HTTPConnection) -> Client:
    client: Client = connection.state.client
    return client


ServiceOf = Annotated[Service, Depends(_service)]  # a route's parameter of this type is the app's service
ClientOf = Annotated[Client, Depends(_client)]  # and of this type, who asks
