"""`/v1/login`: the page trades its token once for a cookie that scripts cannot read."""

from fastapi import APIRouter, Request, Response

from frame_generation_pipeline.server.access import bearer_token, login_cookie
from frame_generation_pipeline.server.problems import Problem, problems
from frame_generation_pipeline.server.service import ServiceOf
from frame_generation_pipeline.server.tokens import COOKIE, LOGIN_SECONDS

router = APIRouter(prefix="/v1/login", tags=["login"])


@router.post("", status_code=204, responses=problems(401))
def log_in(request: Request, service: ServiceOf) -> Response:
    """Trade the token in `Authorization: Bearer` for a cookie; without tokens nothing is needed and nothing is set."""
    response = Response(status_code=204)
    if not service.tokens.demanded:
        return response
    client = service.tokens.client_of(bearer_token(request.headers) or "")
    if client is None and login_cookie(request.headers):
        client = service.tokens.client_of_cookie(login_cookie(request.headers) or "")
    if client is None:
        raise Problem(401, "no_token", "this is none of the server's tokens", {"www-authenticate": "Bearer"})
    response.set_cookie(
        COOKIE,
        service.tokens.login(client),
        max_age=int(LOGIN_SECONDS),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


@router.delete("", status_code=204)
def log_out(request: Request, service: ServiceOf) -> Response:
    """Forget the cookie."""
    if cookie := login_cookie(request.headers):
        service.tokens.logout(cookie)
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response
